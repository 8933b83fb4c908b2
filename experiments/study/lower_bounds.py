"""What no schedule of a week's work can go below, so that savings can be read as a share of the possible."""

from __future__ import annotations

import numpy as np

from wattq.errors import WattqError
from wattq.experiments.accounting import Tariff
from wattq.experiments.bounds import Work, liquid_bound, served_jobs, with_max_wait, work_of
from wattq.experiments.results import RunResults
from wattq.experiments.study.grids import Grid, Placed
from wattq.experiments.study.plan import WeekTask
from wattq.units import JOULES_PER_KWH

__all__ = ["LATER_S", "WeekBounds"]

LATER_S = 86_400.0
"""How much later than under EASY a job may start in the bounds of CO2e and cost, s; energy's has no limit."""

_STEP_S = 3600.0


class WeekBounds:
    """Liquid bounds of a week: the work that EASY served, as if the week's jobs ran alone on the machine.

    A bound covers the jobs of the week wherever they run, and hosts at rest during the week, as the accounts do.

    Args:
        task: the week.
        easy: the results of EASY.
        drain_s: how long after the cool-down work may run, s.
    """

    def __init__(self, task: WeekTask, easy: RunResults, drain_s: float) -> None:
        self.task, self.horizon_s = task, task.part.end_s + drain_s
        workload, rows = task.part.workload, np.flatnonzero(task.part.of_week)
        mine = {f"{workload.name}!{workload.job_id[row]}" for row in rows.tolist()}
        self.work = work_of(workload, task.platform, served=mine & served_jobs(easy))
        start_of = dict(zip(easy.jobs.key, easy.jobs.start_s.tolist(), strict=True))
        starts = np.array([start_of[key] for key in self.work.key], dtype=np.float64)
        self.limited = with_max_wait(self.work, LATER_S, after_s=starts)

    def of(self, grid: Grid, placed: Placed, currency_name: str) -> dict[str, float]:
        """Return the bounds by name of the quantity; those that cannot be had are left out."""
        tariff = Tariff(grid.carbon, grid.price, grid.pue, placed.origin_s)
        found = {"energy_kwh": self._bound(self.work, Tariff(pue=grid.pue), "facility_j", JOULES_PER_KWH)}
        if grid.carbon is not None:
            found["co2e_kg"] = self._bound(self.limited, tariff, "carbon_g", 1000.0)
        if grid.price is not None:
            found[currency_name] = self._bound(self.limited, tariff, "cost", 1.0)
        return {name: value for name, value in found.items() if value is not None}

    def _bound(self, work: Work, tariff: Tariff, measure: str, size: float) -> float | None:
        begin_s, end_s = self.task.part.window_s
        platform, horizon_s = self.task.platform, self.horizon_s
        try:
            whole = liquid_bound(
                work, platform, horizon_s=horizon_s, measure=measure, tariff=tariff, start_s=begin_s, step_s=_STEP_S
            )
            # with no work: hosts at rest after the week, which the accounts of a week leave out
            after = liquid_bound(
                work.take(np.zeros(work.n_jobs, dtype=bool)), platform, horizon_s=horizon_s, measure=measure,
                tariff=tariff, start_s=end_s, step_s=_STEP_S,
            )  # fmt: skip
        except WattqError:
            return None
        return None if whole.unserved else (whole.value - after.value) / size
