"""A candidate: numbers of the search as parameters of `eco` and weights of its network, and what it costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattq.experiments.rl.evolve.file import MOVES, EvolveFile
from wattq.experiments.rl.evolve.playing import play
from wattq.experiments.rl.evolve.weeks import TrainingWeek
from wattq.schedulers.green import slots as p
from wattq.schedulers.green.networks import FACTS, SAYS, with_network
from wattq.schedulers.registry import make_policy
from wattq.simulator.interface import CompiledPolicy

__all__ = ["Objective", "Score", "first_numbers", "moved_params", "weights_of"]

Floats = NDArray[np.float64]

_PLACES = {
    "age_run": p.AGE_RUN,
    "age_area": p.AGE_AREA,
    "slowdown": p.SLOWDOWN,
    "min_area": p.MIN_AREA_S,
    "min_gain": p.MIN_GAIN,
    "run_share": p.RUN_SHARE,
    "max_wait": p.MAX_WAIT_S,
}
_STEP = 0.5
"""A step of 1 of the search moves a parameter by this much of its natural logarithm."""

_MOST = 3.0
"""What the network says is ``_MOST tanh(linear / _MOST)``: nearly linear in the facts, and bounded."""


@dataclass(frozen=True)
class Score:
    """What came of a candidate over all weeks.

    Attributes:
        amount: sum over the weeks of what the simulations drew on their grids.
        p95_s, p99_s: percentiles of the waits of all weeks' jobs, s.
        slowdown: their mean bounded slowdown.
        served: jobs that completed.
    """

    amount: float
    p95_s: float
    p99_s: float
    slowdown: float
    served: int


def first_numbers() -> Floats:
    """Return the numbers that the search begins with: parameters as they are, a network that says nothing."""
    return np.zeros(len(MOVES) + (len(FACTS) + 1) * len(SAYS))


def moved_params(start: Mapping[str, Any], numbers: Floats) -> dict[str, float]:
    """Return the parameters of a candidate, given those of the start as numbers."""
    found = {name: float(start[name] * np.exp(_STEP * x)) for name, x in zip(MOVES, numbers, strict=False)}
    return found | {"run_share": min(found["run_share"], 1.0)}


def weights_of(numbers: Floats) -> Floats:
    """Return the weights of a candidate's network: one hidden unit for each thing that it says."""
    outer = np.concatenate([(_MOST * np.eye(len(SAYS))).reshape(-1), np.zeros(len(SAYS))])
    return np.concatenate([numbers[len(MOVES) :] / _MOST, outer])


class Objective:
    """The cost of candidates on the weeks of a training.

    Args:
        training: limits and weights.
        weeks: the weeks.
    """

    def __init__(self, training: EvolveFile, weeks: Sequence[TrainingWeek]) -> None:
        self._training, self._weeks = training, weeks
        self._made = [_policy(training, week) for week in weeks]
        row = self._made[0].par
        self.start_params = {name: float(row[place]) for name, place in _PLACES.items()}
        self.start = self._score(self._made)

    def score(self, numbers: Floats) -> Score:
        """Return what comes of a candidate."""
        params = moved_params(self.start_params, numbers)
        return self._score([self._with(made, params, weights_of(numbers)) for made in self._made])

    def cost(self, score: Score) -> float:
        """Return the cost of a score: 1 for the start's amount within the limits, infinite where jobs are lost."""
        if score.served < self.start.served:
            return float("inf")
        limit_s = self._training.p95_limit * self.start.p95_s
        service = _beyond(score.p99_s, self.start.p99_s) + _beyond(score.slowdown, self.start.slowdown)
        late = self._training.p95_weight * _beyond(score.p95_s, limit_s) + self._training.service_weight * service
        return score.amount / self.start.amount + late

    def _with(self, made: CompiledPolicy, params: Mapping[str, float], weights: Floats) -> CompiledPolicy:
        row = made.par.copy()
        for name, value in params.items():
            row[_PLACES[name]] = value
        return replace(made, par=with_network(row, weights, len(SAYS)))

    def _score(self, policies: Sequence[CompiledPolicy]) -> Score:
        runs = [play(week, policy) for week, policy in zip(self._weeks, policies, strict=True)]
        waits = np.concatenate([run.wait_s for run in runs])
        slowdowns = np.concatenate([run.bounded_slowdown for run in runs])
        p95_s, p99_s = np.percentile(waits, [95.0, 99.0])
        amount, served = sum(run.amount for run in runs), sum(run.served for run in runs)
        return Score(float(amount), float(p95_s), float(p99_s), float(slowdowns.mean()), served)


def _beyond(value: float, limit: float) -> float:
    """Return by how many natural logarithms a value exceeds a limit, with a second added to both."""
    return max(float(np.log((value + 1.0) / (limit + 1.0))), 0.0)


def _policy(training: EvolveFile, week: TrainingWeek) -> CompiledPolicy:
    made = make_policy("eco", {**training.start, "signal": str(week.series), "origin": week.origin_s})
    assert isinstance(made, CompiledPolicy), "eco is compiled"
    return made
