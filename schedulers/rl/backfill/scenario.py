"""What an episode is: a machine, a stretch of a log, the grid's signals, and what is charged."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from wattq.errors import LearningError
from wattq.platforms.model import Platform
from wattq.platforms.signals import Forecaster, ForecastTable, Signal, forecast_table
from wattq.schedulers.rl.backfill.config import Options, action_names, chosen_states
from wattq.schedulers.rl.backfill.slots import LEADS
from wattq.workloads.model import Workload

__all__ = ["Scenario", "Weights", "hourly_forecasts"]


@dataclass(frozen=True)
class Weights:
    """What one unit of each part of the cost takes from the reward.

    Attributes:
        energy: per kWh.
        carbon: per kg of CO2e; needs a carbon signal.
        cost: per unit of the currency of the price; needs a price signal.
        delay: per unit of bounded slowdown, or per hour of waiting (`Scenario.delay`).

    Raises:
        LearningError: a weight is negative or not finite.
    """

    energy: float = 0.01
    carbon: float = 0.0
    cost: float = 0.0
    delay: float = 0.01

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not 0.0 <= value < math.inf:
                raise LearningError(f"weight {name}: {value!r}; give a number from 0")


@dataclass(frozen=True, eq=False)
class Scenario:
    """What an episode is.

    Episode k has the jobs submitted in [t0 + k x step, t0 + k x step + episode), for all k with which it ends by t1
    and has a job. It begins with an idle machine, or, with a warm-up, with the jobs submitted in the stretch before,
    scheduled by EASY and not counted. It is over when all jobs have ended, or at its horizon, ``drain_s`` after the
    last date of submission.

    Attributes:
        platform: the machine; every host states its powers.
        workload: the log.
        t0_s: begin of the log's part in use, on its time axis, s.
        t1_s: end of it; inf: up to the last submission.
        episode_s: length of an episode, s.
        step_s: from the begin of an episode to that of the next, s; 0: the length of one.
        at_s: begins of the episodes on the time axis of the log, s; empty: by `step_s`.
        warmup_s: see above, s.
        drain_s: see above, s.
        carbon: carbon intensity, g/kWh.
        price: price of electricity, per MWh.
        origin_s: Unix time of date 0 of the log, as far as signals and clock are concerned; None: the log's own.
        utc_offset_s: what the clock of the site is ahead of UTC, s; None: the log's own, or 0.
        forecast: what the agent knows of the signals: a model of `wattq.platforms.signals`.
        seed: of the forecasts.
        walltime_factor: what walltimes are multiplied by, so that a slower power state kills no job.
        weights: what is taken from the reward.
        delay: ``slowdown``: time in the system beyond the run time at full speed, divided by the larger of that run
            time and 10 s (the bounded slowdown less 1, but for jobs below 10 s); ``wait``: the same in hours.
        count: ``all``: the whole energy; ``above-idle``: what it is above that of the machine awake and idle.
        late_s: wait from which a job counts as late, s; counted beside the reward, for constraints.
        options: what the agent sees and may do.

    Raises:
        LearningError: values are out of bounds or do not go together, or no episode has a job.
    """

    platform: Platform
    workload: Workload
    t0_s: float = 0.0
    t1_s: float = math.inf
    episode_s: float = 604800.0
    step_s: float = 0.0
    at_s: tuple[float, ...] = ()
    warmup_s: float = 0.0
    drain_s: float = 604800.0
    carbon: Signal | None = None
    price: Signal | None = None
    origin_s: float | None = None
    utc_offset_s: float | None = None
    forecast: str = "persistence"
    seed: int = 0
    walltime_factor: float = 1.0
    weights: Weights = field(default_factory=Weights)
    delay: Literal["slowdown", "wait"] = "slowdown"
    count: Literal["all", "above-idle"] = "all"
    late_s: float = 86400.0
    options: Options = field(default_factory=Options)

    def __post_init__(self) -> None:
        for name, good, rule in (
            ("episode_s", 0.0 < self.episode_s < math.inf, "seconds above 0"),
            ("step_s", 0.0 <= self.step_s < math.inf, "seconds from 0"),
            ("warmup_s", 0.0 <= self.warmup_s < math.inf, "seconds from 0"),
            ("drain_s", 0.0 <= self.drain_s < math.inf, "seconds from 0"),
            ("walltime_factor", 1.0 <= self.walltime_factor < math.inf, "a factor from 1"),
            ("late_s", self.late_s >= 0.0, "seconds from 0"),
            ("delay", self.delay in ("slowdown", "wait"), "slowdown or wait"),
            ("count", self.count in ("all", "above-idle"), "all or above-idle"),
        ):
            if not good:
                raise LearningError(f"scenario, {name}: {getattr(self, name)!r}; give {rule}")
        if not self.platform.has_power:
            raise LearningError(f"platform {self.platform.name}: a host states no powers, and rewards count energy")
        for name, signal in (("carbon", self.carbon), ("cost", self.price)):
            if signal is None and getattr(self.weights, name) > 0.0:
                raise LearningError(f"weight {name}: there is no signal to count it by; give one, or the weight 0")
        if not self.begins_s:
            raise LearningError(
                f"workload {self.workload.name}: no episode of {self.episode_s:g} s with a job between {self.t0_s:g} s "
                f"and {self.t1_s:g} s; the last submission is at {float(np.max(self.workload.submit_s, initial=0)):g} s"
            )
        self._check_cap()
        self._check_signals()

    def __deepcopy__(self, memo: object) -> Scenario:
        """Return the scenario itself, which nothing changes: `gymnasium.make` copies what it is given."""
        return self

    @cached_property
    def begins_s(self) -> tuple[float, ...]:
        """Begin of each episode on the time axis of the log, s."""
        submit_s = self.workload.submit_s
        last_s = min(self.t1_s, float(np.max(submit_s, initial=0.0)) + 1e-6)
        step_s = self.step_s or self.episode_s
        if self.at_s:
            return tuple(b for b in sorted(self.at_s) if _has_job(submit_s, b, self.episode_s))
        found = []
        begin_s = self.t0_s
        # The last episode of an open end may be cut short by the log.
        while begin_s + (self.episode_s if self.t1_s < math.inf else 0.0) <= last_s:
            if _has_job(submit_s, begin_s, self.episode_s):
                found.append(begin_s)
            begin_s += step_s
        return tuple(found)

    @property
    def n_episodes(self) -> int:
        """Number of different episodes."""
        return len(self.begins_s)

    @cached_property
    def most_jobs(self) -> int:
        """Number of jobs of the episode that has most, warm-up included."""
        submit_s = np.sort(self.workload.submit_s)
        begins_s = np.array(self.begins_s)
        first = np.searchsorted(submit_s, begins_s - self.warmup_s, side="left")
        last = np.searchsorted(submit_s, begins_s + self.episode_s, side="left")
        return int((last - first).max())

    @cached_property
    def states(self) -> tuple[int, ...]:
        """Power states that a job may be started in."""
        return chosen_states(self.options, self.platform)

    @cached_property
    def actions(self) -> tuple[str, ...]:
        """What each action does, in words."""
        return action_names(self.options, self.states)

    @cached_property
    def origin_unix_s(self) -> float:
        """Unix time of date 0 of the log, 0 where nothing tells it."""
        own = self.workload.unix_start_s
        return float(self.origin_s if self.origin_s is not None else own if own is not None else 0.0)

    @cached_property
    def carbon_forecasts(self) -> ForecastTable | None:
        """What is known of the carbon intensity, hour by hour."""
        return self._forecasts(self.carbon)

    @cached_property
    def price_forecasts(self) -> ForecastTable | None:
        """What is known of the price, hour by hour."""
        return self._forecasts(self.price)

    def span_unix_s(self) -> tuple[float, float]:
        """Return the Unix times between which episodes lie, warm-up and horizon included."""
        begin_s, end_s = self.begins_s[0] - self.warmup_s, self.begins_s[-1] + self.episode_s + self.drain_s
        return self.origin_unix_s + begin_s, self.origin_unix_s + end_s

    def _forecasts(self, signal: Signal | None) -> ForecastTable | None:
        if signal is None:
            return None
        begin_s, end_s = self.span_unix_s()
        return hourly_forecasts(signal, begin_s, end_s, self.forecast, self.seed)

    def _check_signals(self) -> None:
        begin_s, end_s = self.span_unix_s()
        for signal in (self.carbon, self.price):
            if signal is not None and not signal.covers(begin_s, end_s):
                raise LearningError(
                    f"{signal!r} does not cover the episodes, Unix seconds {begin_s:.0f} to {end_s:.0f}; move origin_s "
                    "or choose t0_s, t1_s and drain_s so that it does"
                )

    def _check_cap(self) -> None:
        """Refuse a cap under which some job can never run."""
        if self.options.cap_w == math.inf:
            return
        n = self.platform.n_compute
        compute = self.platform.kind[:n] == 0
        idle_w = np.where(compute, self.platform.idle_w[:n], -math.inf).max(axis=1)
        least_w = self.platform.full_w[:n][:, list(self.states)].min(axis=1)
        rise_w = np.sort(np.maximum(least_w - idle_w, 0.0))[::-1]
        largest = int(np.max(np.where(self.workload.hosts <= n, self.workload.hosts, 0), initial=0))
        needed_w = float(idle_w.sum() + rise_w[:largest].sum())
        if needed_w > self.options.cap_w:
            raise LearningError(
                f"option cap_w: {self.options.cap_w:g} W; a job of {largest} hosts takes the machine to {needed_w:g} W "
                "in the most frugal of the power states to choose from: give a higher cap"
            )


def _has_job(submit_s: NDArray[np.float64], begin_s: float, episode_s: float) -> bool:
    return bool(((submit_s >= begin_s) & (submit_s < begin_s + episode_s)).any())


def hourly_forecasts(signal: Signal, begin_s: float, end_s: float, model: str, seed: int = 0) -> ForecastTable:
    """Return forecasts issued at each full hour for 24 hours, from the hour of the begin to the end (Unix seconds).

    Raises:
        SignalError: the signal does not cover that.
    """
    first_s = max(math.floor(begin_s / 3600.0) * 3600.0, math.ceil(float(signal.start_s[0]) / 3600.0) * 3600.0)
    return forecast_table(Forecaster(signal, model, seed), first_s, end_s, 3600.0, 3600.0, LEADS * 3600.0)
