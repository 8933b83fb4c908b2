"""Models that are trained anew while a scheduler runs, on the jobs that have ended so far."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from wattq.errors import SurrogateError
from wattq.surrogates.features import FEATURES, FeatureTable
from wattq.surrogates.jobs import Jobs
from wattq.surrogates.model import RuntimeModel
from wattq.surrogates.session import EstimateRule, Facts, Session
from wattq.units import DAY_S

__all__ = ["UNTRAINED", "Rolling", "new_session"]

UNTRAINED = ("requested", "last-two", "user-quantiles", "similar")
"""Models that have nothing to learn: they read off features what they predict."""

_FIRST = "similar"
_NAMES = tuple(feature.name for feature in FEATURES)
_WHO = ("hosts", "user", "group", "queue", "application")


class Rolling:
    """Trains a new model when so much time has passed, and so much more is known.

    The first model is trained once `least` jobs have ended. A later one is trained at a submission when at least
    `every_s` have passed since the last training and at least `growth` times as many jobs have ended as it had; so the
    number of trainings grows with the logarithm of the jobs. Jobs that end at the date of a submission are not known to
    it.

    Args:
        make: returns a new, untrained model.
        every_s: shortest time between two trainings, s.
        least: ended jobs needed for the first.
        growth: factor by which the ended jobs must have grown; 1 for a training at every interval.
        most: latest ended jobs that are learned from.

    Raises:
        SurrogateError: when a number is out of range.
    """

    def __init__(
        self,
        make: Callable[[], RuntimeModel],
        *,
        every_s: float = 14.0 * DAY_S,
        least: int = 500,
        growth: float = 1.25,
        most: int = 100_000,
    ) -> None:
        if not (every_s > 0.0 and math.isfinite(every_s) and least >= 2 and growth >= 1.0 and most >= least):
            raise SurrogateError(
                f"training every {every_s:g} s from {least} jobs on, growth {growth:g}, at most {most} jobs: the time "
                "must be above 0, the jobs at least 2 and not above the most, the growth at least 1"
            )
        self._make, self._every_s, self._least, self._growth, self._most = make, every_s, least, growth, most
        self._x: NDArray[np.float32] = np.empty((1024, len(_NAMES)), dtype=np.float32)
        self._facts: list[tuple[float, ...]] = []
        self._run_s: NDArray[np.float64] = np.full(1024, np.nan)
        self._ended: list[tuple[float, int]] = []
        self._learned, self._next_s = 0, -math.inf
        self.trainings = 0

    def submitted(self, number: int, facts: Facts, now_s: float, row: NDArray[np.float32]) -> None:
        """Take note of a job, numbered from 0 in the order of submission, and of its features."""
        if number == len(self._x):
            self._x = np.concatenate([self._x, np.empty_like(self._x)])
            self._run_s = np.concatenate([self._run_s, np.full_like(self._run_s, np.nan)])
        self._x[number] = row
        self._facts.append((now_s, float(facts["walltime_s"]), *(float(facts[name]) for name in _WHO)))

    def ended(self, number: int, now_s: float, run_s: float) -> None:
        """Take note of a run time."""
        self._run_s[number] = run_s
        self._ended.append((now_s, number))

    def newer(self, now_s: float) -> RuntimeModel | None:
        """Return a newly trained model when it is time for one, else None."""
        needed = max(self._least, self._growth * self._learned)
        if now_s < self._next_s or len(self._ended) < needed:
            return None
        known = [number for end_s, number in sorted(self._ended) if end_s < now_s]
        if len(known) < needed:
            return None
        model = self._make()
        model.fit(self._table(), self._run_s[: len(self._facts)], np.sort(np.array(known[-self._most :])))
        self._learned, self._next_s = len(known), now_s + self._every_s
        self.trainings += 1
        return model

    def _table(self) -> FeatureTable:
        columns = np.array(self._facts).T
        who = {name: column.astype(np.int64) for name, column in zip(_WHO, columns[2:], strict=True)}
        request_s = np.where(columns[1] > 0.0, columns[1], np.nan)
        jobs = Jobs(submit_s=columns[0], request_s=request_s, **who)
        return FeatureTable(self._x[: jobs.n_jobs], _NAMES, jobs)


def new_session(
    name: str,
    rule: EstimateRule | None = None,
    *,
    seed: int = 0,
    every_s: float = 14.0 * DAY_S,
    clock_s: float = 345_600.0,
) -> Session:
    """Return a session with a model by name, trained anew as jobs end where it is one that learns.

    Until the first training the user's similar runs speak for a model that learns.

    Args:
        name: name in ``MODELS``.
        rule: how predictions become estimates.
        seed: seed of the model.
        every_s: shortest time between two trainings, s.
        clock_s: as `Session` takes it.

    Raises:
        SurrogateError: when there is no such model.
    """
    from wattq.surrogates.training import make_model

    if name in UNTRAINED:
        return Session(make_model(name, seed), rule, clock_s=clock_s)
    make_model(name, seed)
    learner = Rolling(lambda: make_model(name, seed), every_s=every_s)
    return Session(make_model(_FIRST, seed), rule, learner=learner, clock_s=clock_s)
