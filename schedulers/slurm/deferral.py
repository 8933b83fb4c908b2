"""When a job should start, by the rule of the policy `defer`: the same compiled function that simulations use."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattq.platforms import make_platform
from wattq.platforms.signals import Forecaster, Signal, forecast_table
from wattq.schedulers.green import slots as p
from wattq.schedulers.green.forecast import expected
from wattq.schedulers.green.hold import hold_back
from wattq.schedulers.green.pack import pack_green
from wattq.schedulers.green.state import N_HELD, green_memory, open_state
from wattq.simulator.build import build
from wattq.simulator.external import ExternalEvents
from wattq.workloads.generate import generate_saturated

__all__ = ["Choice", "Deferral"]


@dataclass(frozen=True)
class Choice:
    """What the rule says of a job.

    Attributes:
        start_s: date at which it should start, Unix s.
        now_value: mean of the signal expected over its run from the date from which it could start.
        then_value: the same from `start_s` on.
        held: whether `start_s` is later than that date.
    """

    start_s: float
    now_value: float
    then_value: float
    held: bool


class Deferral:
    """The rule of `defer` with one forecast, issued now.

    Args:
        forecast: the signal from the begin of the present step on, as known now (`grid.known_now`).
        now_s: date, Unix s.
        longest_s: how far from now a start may lie, s.
        step_s: steps of the forecast; starts are looked for at their begins, s.
        min_gain: by how much better the expected mean must be, a share.
        run_share: expected run time as a share of what is given.
        min_area_s: requested work below which no job waits, host-seconds.

    Raises:
        SignalError: the forecast is too short, or has more than 100,000 steps.
    """

    def __init__(
        self,
        forecast: Signal,
        now_s: float,
        longest_s: float,
        *,
        step_s: float = 3600.0,
        min_gain: float = 0.02,
        run_share: float = 0.5,
        min_area_s: float = 0.0,
    ) -> None:
        self._origin_s = math.floor(now_s / step_s) * step_s
        values = {
            "order": 0.0, "backfill": 0.0, "max_wait": {None: 0.0}, "min_area": min_area_s, "min_gain": min_gain,
            "run_share": run_share,
        }  # fmt: skip
        row = pack_green("defer", values)
        span_s = min(forecast.end_s - self._origin_s, longest_s + 2.0 * 86400.0)
        table = forecast_table(
            Forecaster(forecast), self._origin_s, self._origin_s + step_s, issue_step_s=step_s, lead_step_s=step_s,
            horizon_s=max(math.floor(span_s / step_s), 1) * step_s,
        )  # fmt: skip
        row[p.TABLE_AT] = len(row)
        row[p.N_ISSUES], row[p.N_LEADS] = table.values.shape
        # One forecast, which counts from now on however long.
        row[p.ISSUE_S], row[p.ISSUE_STEP_S], row[p.LEAD_STEP_S] = 0.0, 1e15, step_s
        self._par: NDArray[np.float64] = np.concatenate([row, table.values.reshape(-1)])
        world = generate_saturated(1, 1, seed=0)
        _, self._ledger, _ = build(make_platform(1), [world], energy=False, externals=ExternalEvents.none())
        self._memory = _memory()

    def choose(self, could_start_s: float, latest_s: float, hosts: int, run_s: float) -> Choice:
        """Return when a job should start.

        Args:
            could_start_s: date from which it could start if nobody held it, not before now, Unix s.
            latest_s: date at which it has to be let go, Unix s.
            hosts: hosts that it asks for.
            run_s: how long it may run, s; endless: it is never held.
        """
        now_s = could_start_s - self._origin_s
        self._par[p.MAX_WAIT_S] = max(latest_s - could_start_s, 0.0)
        head, job = self._ledger.head[0], self._ledger.jobs[0]
        head["now_s"] = now_s
        job["submit_s"], job["hosts"], job["estimate_s"], job["queue"] = now_s, hosts, run_s, -1
        state = open_state(*self._memory)
        state.i[N_HELD] = 0
        held = bool(hold_back(self._ledger, self._par, state, 0))
        start_s = min(float(state.release_s[0]) + self._origin_s, latest_s) if held else could_start_s
        mean_s = max(run_s * self._par[p.RUN_SHARE], 1.0) if math.isfinite(run_s) else 1.0
        values = [float(expected(self._par, 0, at, at + mean_s)) for at in (now_s, start_s - self._origin_s)]
        return Choice(start_s, values[0], values[1], held)


def _memory() -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.uint64]]:
    """Return memory of the policy for one job on one host."""
    n_int, n_float, (rows, words) = green_memory(1, 1, 1)
    return np.zeros(n_int, dtype=np.int64), np.zeros(n_float), np.zeros((rows, words), dtype=np.uint64)
