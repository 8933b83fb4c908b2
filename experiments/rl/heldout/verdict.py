"""Whether a learned policy beats the best tuned heuristic, log by log and grid by grid, and how surely."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wattq.experiments.study.bootstrap import Estimate
from wattq.experiments.study.quantities import COSTS, QUANTITIES
from wattq.experiments.study.records import WeekRecord
from wattq.experiments.study.summary import Group, Row, summarise
from wattq.experiments.study.tables import ratio_text

__all__ = ["Verdict", "aim_of", "best_heuristic", "verdicts"]

_LONGER = 1.0 + 5e-4
"""A p95 wait up to this share of another's counts as equal: it would be printed as 100.0 %."""


@dataclass(frozen=True)
class Verdict:
    """One learned policy against one heuristic on one log and grid, over held-out weeks.

    Attributes:
        workload, grid: which.
        learned: label of the learned policy.
        heuristic: label of the heuristic that was best on the tuning weeks.
        aim: name of the quantity that both were to lower.
        weeks: number of held-out weeks.
        aim_ratio: the aim's quotient of the two, with its paired interval over weeks; None where it is void.
        p95_ratio: the quotient of their p95 waits, likewise; None where the heuristic's is 0.
        learned_p95_s, heuristic_p95_s: the p95 waits, s.
        void: why no saving is stated, empty when the learned policy served at least the heuristic's work.
    """

    workload: str
    grid: str
    learned: str
    heuristic: str
    aim: str
    weeks: int
    aim_ratio: Estimate | None
    p95_ratio: Estimate | None
    learned_p95_s: float
    heuristic_p95_s: float
    void: str = ""

    @property
    def wins(self) -> bool:
        """Whether it takes less of the aim, by an interval that excludes no change, at equal or shorter p95 wait."""
        less = self.aim_ratio is not None and self.aim_ratio.excludes[0]
        return bool(less and not self.void and self.learned_p95_s <= self.heuristic_p95_s * _LONGER)

    @property
    def sentence(self) -> str:
        """The verdict in words."""
        label = QUANTITIES[self.aim].label.split(" (")[0]
        where = f"{self.workload}, {self.grid}" if self.grid else self.workload
        if self.void or self.aim_ratio is None:
            return (
                f"{where}: {self.learned} does not win against {self.heuristic}: {self.void or 'nothing to compare'}."
            )
        waits = "p95 wait 0 s under both"
        if self.p95_ratio is not None:
            waits = f"p95 wait {ratio_text(self.p95_ratio)} of its"
        elif self.learned_p95_s > 0:
            waits = f"p95 wait {self.learned_p95_s:,.0f} s (0 s under it)"
        verb = "wins" if self.wins else "does not win"
        return (
            f"{where}: {self.learned} {verb} against {self.heuristic}, the best tuned heuristic: "
            f"{ratio_text(self.aim_ratio)} of its {label} over {self.weeks} held-out weeks, {waits}."
        )


def aim_of(group: Group) -> str:
    """Return what policies were to lower on a grid: CO2e where its series tell it, else cost, else energy."""
    names = ("co2e_kg", *COSTS.values())
    return next((name for name in names if all(name in row.values for row in group.rows)), "energy_kwh")


def best_heuristic(group: Group, titles: Sequence[str]) -> str:
    """Return the heuristic that takes least of the aim among those with no longer p95 wait than EASY's.

    EASY itself when there is none: it is the heuristic that changes nothing.

    Args:
        group: the tuning weeks of one log on one grid.
        titles: labels of the heuristics.
    """
    base = group.baseline
    assert base is not None, "checked: an evaluation has EASY"
    aim = aim_of(group)
    fit = [row for row in group.rows if row.policy in titles and not row.void and _waits_no_longer(row, base)]
    return min([*fit, base], key=lambda row: row.values[aim].value).policy


def _waits_no_longer(row: Row, base: Row) -> bool:
    return row.values["wait_p95_s"].value <= base.values["wait_p95_s"].value * _LONGER


def verdicts(
    records: Sequence[WeekRecord], groups: Sequence[Group], best: Mapping[tuple[str, str], str], learned: Sequence[str]
) -> list[Verdict]:
    """Return a verdict for each log, grid and learned policy.

    Args:
        records: of the held-out weeks.
        groups: the same put together.
        best: (log, grid) -> label of the best heuristic.
        learned: labels of the learned policies.
    """
    found = []
    for group in groups:
        rival = best[group.workload, group.grid]
        mine = [r for r in records if (r.workload, r.grid) == (group.workload, group.grid)]
        (against,) = summarise([r for r in mine if r.policy == rival or r.policy in learned], rival)
        rows = {row.policy: row for row in against.rows}
        found += [_verdict(group, rows[name], rows[rival]) for name in learned if name in rows]
    return found


def _verdict(group: Group, mine: Row, rival: Row) -> Verdict:
    aim = aim_of(group)
    return Verdict(
        workload=group.workload,
        grid=group.grid,
        learned=mine.policy,
        heuristic=rival.policy,
        aim=aim,
        weeks=len(group.weeks),
        aim_ratio=mine.ratios.get(aim),
        p95_ratio=mine.ratios.get("wait_p95_s"),
        learned_p95_s=mine.values["wait_p95_s"].value,
        heuristic_p95_s=rival.values["wait_p95_s"].value,
        void=mine.void,
    )
