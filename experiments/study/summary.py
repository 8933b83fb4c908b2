"""The records of a study put together: for each log, grid and policy, totals over weeks and ratios to EASY."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from wattq.experiments.savings import BASELINE
from wattq.experiments.study.bootstrap import Estimate, Sampled, ratio
from wattq.experiments.study.quantities import QUANTITIES
from wattq.experiments.study.records import WeekRecord

__all__ = ["Group", "Row", "summarise"]


@dataclass(frozen=True)
class Row:
    """One policy on one log and grid, over all weeks.

    Attributes:
        policy: its label.
        is_baseline: whether it is what the others are compared with.
        values: every quantity that all weeks have, by name.
        ratios: quotient to EASY's, by name, for the quantities that have one.
        void: why no saving is stated; empty when this run served at least the work that EASY served.
        missing: why a quantity is missing, by name.
        terms: quantity -> term of its difference from EASY -> value, summed over weeks.
        fixed: whether energy could not have differed from EASY's in any week.
        extra_wait_p50_s: median over jobs of the wait beyond EASY's wait of the same job, s.
        extra_wait_max_s: the largest one.
        captured: share of the saving that the lower bound allows, by name of the quantity.
    """

    policy: str
    is_baseline: bool
    values: Mapping[str, Estimate]
    ratios: Mapping[str, Estimate]
    void: str = ""
    missing: Mapping[str, str] = field(default_factory=dict)
    terms: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    fixed: bool = False
    extra_wait_p50_s: float | None = None
    extra_wait_max_s: float | None = None
    captured: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Group:
    """All policies on one log and grid.

    Attributes:
        workload: label of the log.
        grid: name of the grid, empty without one.
        weeks: numbers of the weeks.
        season_d: days between the day of the year of each week in the log and on the grid's calendar.
        rows: one per policy.
        bounds: what no schedule of the same work can go below, by name of the quantity; empty where not known.
    """

    workload: str
    grid: str
    weeks: tuple[int, ...]
    season_d: tuple[float, ...]
    rows: tuple[Row, ...]
    bounds: Mapping[str, float] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """Name for headings."""
        return f"{self.workload}, {self.grid}" if self.grid else self.workload

    @property
    def baseline(self) -> Row | None:
        """The row of EASY."""
        return next((row for row in self.rows if row.is_baseline), None)


def summarise(records: Sequence[WeekRecord], baseline: str | None) -> list[Group]:
    """Return the groups in the order of the records.

    Args:
        records: one per log, week, policy and grid.
        baseline: label of the policy that is textbook EASY; None without one.
    """
    groups: dict[tuple[str, str], dict[str, list[WeekRecord]]] = {}
    for record in records:
        groups.setdefault((record.workload, record.grid), {}).setdefault(record.policy, []).append(record)
    return [_group(workload, grid, policies, baseline) for (workload, grid), policies in groups.items()]


def _group(workload: str, grid: str, policies: Mapping[str, list[WeekRecord]], baseline: str | None) -> Group:
    first = next(iter(policies.values()))
    easy = policies.get(baseline) if baseline is not None else None
    joined = {name: _joined(weeks) for name, weeks in policies.items()}
    base = joined.get(baseline) if baseline is not None else None
    bounds = _bounds(easy or [])
    rows = tuple(
        replace(row, captured=_captured(row, joined[row.policy], base, bounds))
        for row in (
            _row(name, weeks, joined[name], easy, base, is_baseline=name == baseline)
            for name, weeks in policies.items()
        )
    )
    return Group(
        workload, grid, tuple(week.week for week in first), tuple(week.season_d for week in first), rows, bounds
    )


def _bounds(weeks: Sequence[WeekRecord]) -> dict[str, float]:
    """Return the sums of the weeks' lower bounds, for the quantities that every week has one of."""
    return {
        name: sum(week.bounds[name] for week in weeks)
        for name in QUANTITIES
        if weeks and all(name in week.bounds for week in weeks)
    }


def _captured(
    row: Row, joined: Mapping[str, Sampled], base: Mapping[str, Sampled] | None, bounds: Mapping[str, float]
) -> dict[str, float]:
    """Return the share of EASY's distance to the bound that a policy went; nothing for less work or no distance."""
    if base is None or row.void:
        return {}
    return {
        name: (base[name].value - joined[name].value) / (base[name].value - bound)
        for name, bound in bounds.items()
        if name in joined and name in base and base[name].value > bound
    }


def _joined(weeks: Sequence[WeekRecord]) -> dict[str, Sampled]:
    found = {name: entry.join(weeks) for name, entry in QUANTITIES.items()}
    return {name: sample for name, sample in found.items() if sample is not None and np.isfinite(sample.value)}


def _row(
    policy: str,
    weeks: Sequence[WeekRecord],
    joined: Mapping[str, Sampled],
    easy: Sequence[WeekRecord] | None,
    base: Mapping[str, Sampled] | None,
    *,
    is_baseline: bool,
) -> Row:
    void = f"no run of '{BASELINE}' to compare with" if easy is None else _served_less(weeks, easy)
    ratios: dict[str, Estimate] = {}
    for name, entry in QUANTITIES.items():
        if base is None or name not in joined or name not in base or not entry.ratio:
            continue
        found = ratio(joined[name], base[name])
        if found is not None and not (entry.ratio == "void" and void):
            ratios[name] = found.estimate
    middle, most = _extra_wait(weeks, easy)
    return Row(
        policy=policy,
        is_baseline=is_baseline,
        values={name: sample.estimate for name, sample in joined.items()},
        ratios=ratios,
        void=void,
        missing={name: reason for week in weeks for name, reason in week.missing.items()},
        terms=_terms(weeks),
        fixed=all(week.fixed for week in weeks),
        extra_wait_p50_s=middle,
        extra_wait_max_s=most,
    )


def _served_less(weeks: Sequence[WeekRecord], easy: Sequence[WeekRecord]) -> str:
    """Return how much work EASY served and this policy did not, in words; empty when none."""
    jobs, work, whole = 0, 0.0, 0.0
    for week, base in zip(weeks, easy, strict=True):
        lost = base.jobs.served & ~week.jobs.served
        jobs += int(lost.sum())
        work += float(base.jobs.work_host_h[lost].sum())
        whole += float(base.jobs.work_host_h[base.jobs.served].sum())
    if not jobs:
        return ""
    share = 100 * work / whole if whole else 0.0
    return f"void: served less work ({jobs:,} job{'s' if jobs > 1 else ''}, {work:,.0f} host-h, {share:.2g} % fewer)"


def _extra_wait(weeks: Sequence[WeekRecord], easy: Sequence[WeekRecord] | None) -> tuple[float | None, float | None]:
    if easy is None:
        return None, None
    extra = np.concatenate([week.jobs.wait_s - base.jobs.wait_s for week, base in zip(weeks, easy, strict=True)])
    extra = extra[~np.isnan(extra)]
    return (float(np.median(extra)), float(np.max(extra))) if len(extra) else (None, None)


def _terms(weeks: Sequence[WeekRecord]) -> dict[str, dict[str, float]]:
    """Return the sums over weeks, for the quantities whose difference every week explains."""
    names = [name for name in weeks[0].terms if all(name in week.terms for week in weeks)]
    return {
        name: {term: sum(week.terms[name][term] for week in weeks) for term in weeks[0].terms[name]} for name in names
    }
