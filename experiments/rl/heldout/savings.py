"""What policies saved on held-out weeks: against EASY and idle-free EASY, by month and year, by timing and volume."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from wattq.experiments.rl.heldout.verdict import aim_of
from wattq.experiments.study.quantities import QUANTITIES
from wattq.experiments.study.records import WeekRecord
from wattq.experiments.study.summary import Group, Row

__all__ = ["WEEKS_PER_YEAR", "Savings", "savings_csv", "savings_of"]

WEEKS_PER_YEAR = 365.25 / 7.0
"""Weeks of a mean year; a month is a twelfth of it."""


@dataclass(frozen=True)
class Savings:
    """What one policy saved on one log and grid against textbook EASY, whose hosts are always on.

    Numbers are None where less work was served than EASY served, or where a series does not reach.

    Attributes:
        workload, grid, policy: which.
        aim, unit: the quantity that was to be lowered, and its unit.
        saved: EASY's sum over the weeks less the policy's.
        share: the same as a share of EASY's; ``low`` and ``high`` are the ends of its paired 95 % interval.
        per_month, per_year: ``saved`` in a mean month and year, as if all weeks were like these.
        volume, timing: the part due to fewer joules, and that due to joules at other dates; they sum to ``saved``.
        share_of_idle_free: share of the energy that EASY would take if idle hosts were free; negative where more.
        void: why no saving is stated.
    """

    workload: str
    grid: str
    policy: str
    aim: str
    unit: str
    saved: float | None = None
    share: float | None = None
    low: float | None = None
    high: float | None = None
    per_month: float | None = None
    per_year: float | None = None
    volume: float | None = None
    timing: float | None = None
    share_of_idle_free: float | None = None
    void: str = ""


def savings_of(groups: Sequence[Group], records: Sequence[WeekRecord]) -> list[Savings]:
    """Return the savings of every policy but EASY, in the order of the groups.

    Args:
        groups: of the held-out weeks.
        records: the weeks behind them.
    """
    found = []
    for group in groups:
        base = group.baseline
        assert base is not None, "checked: an evaluation has EASY"
        free_kwh = _idle_free_kwh(group, base, records)
        found += [_saving(group, row, base, free_kwh) for row in group.rows if not row.is_baseline]
    return found


def _idle_free_kwh(group: Group, base: Row, records: Sequence[WeekRecord]) -> float:
    weeks = [r for r in records if (r.workload, r.grid, r.policy) == (group.workload, group.grid, base.policy)]
    return sum(week.values["energy_kwh"] - week.values["energy_idle_kwh"] for week in weeks)


def _saving(group: Group, row: Row, base: Row, free_kwh: float) -> Savings:
    aim = aim_of(group)
    names = (group.workload, group.grid, row.policy, aim, QUANTITIES[aim].unit)
    if row.void or aim not in row.ratios:
        return Savings(*names, void=row.void or row.missing.get(aim, "not known"))
    ratio, terms = row.ratios[aim], row.terms.get(aim)
    saved = base.values[aim].value - row.values[aim].value
    per_year = saved / len(group.weeks) * WEEKS_PER_YEAR
    return Savings(
        *names,
        saved=saved,
        share=1.0 - ratio.value,
        low=None if ratio.high is None else 1.0 - ratio.high,
        high=None if ratio.low is None else 1.0 - ratio.low,
        per_month=per_year / 12.0,
        per_year=per_year,
        volume=None if terms is None else -sum(value for term, value in terms.items() if term != "timing"),
        timing=None if terms is None else -terms["timing"],
        share_of_idle_free=1.0 - row.values["energy_kwh"].value / free_kwh if free_kwh > 0 else None,
    )


def savings_csv(savings: Sequence[Savings]) -> str:
    """Return savings as CSV, one row each; an empty field is a number that cannot be stated."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(Savings.__dataclass_fields__), lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: "" if v is None else v for name, v in asdict(one).items()} for one in savings)
    return text.getvalue()
