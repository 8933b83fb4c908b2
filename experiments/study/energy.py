"""Energy, CO2e and cost of a week: its jobs wherever they run, and the machine's overhead during the week."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from wattq.experiments.results import RunResults
from wattq.experiments.study.grids import Grid, Placed
from wattq.experiments.study.plan import WeekTask
from wattq.experiments.timelines import power_w
from wattq.units import joules_to_kwh

__all__ = ["Counted", "WeekEnergy"]


@dataclass(frozen=True)
class Counted:
    """Sums of a week by name, the parts of the difference from EASY, and why values are missing."""

    values: dict[str, float] = field(default_factory=dict)
    parts: dict[str, float] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)


class WeekEnergy:
    """Counts the energy of a week's runs.

    Args:
        task: the week.
        runs: the results of its runs, in order.
        grids: the grids by name.
    """

    def __init__(self, task: WeekTask, runs: Sequence[RunResults], grids: Mapping[str, Grid]) -> None:
        self.task, self.runs, self.grids = task, runs, grids

    def of(self, number: int, placed: Placed) -> Counted:
        """Return what one run drew on one grid."""
        power = power_w(self.runs[number])
        if power is None:
            return Counted()
        return Counted({"energy_kwh": joules_to_kwh(power.integral(*self.task.part.window_s))})
