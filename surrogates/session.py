"""Predictions for a scheduler at work: one session goes with one simulation, or with one run of a scheduler.

It is told what the scheduler learns - submissions, starts, ends - and says how long a job will run: at its submission,
and again when the job outlives that. Only jobs that ended in this very session before a submission are known to it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from wattq.errors import SurrogateError
from wattq.surrogates.correction import Late, correct, correction_of
from wattq.surrogates.features import feature_columns
from wattq.surrogates.history.live import LiveHistory
from wattq.surrogates.model import LEVELS, Prediction, RuntimeModel

__all__ = ["FOR_BACKFILLING", "EstimateRule", "Facts", "Learner", "Session"]

LEAST_S = 1.0
"""Shortest estimate, s."""


class Facts(Protocol):
    """What is known of a job at its submission, by name: a row of `wattq.simulator.layout.job_view_t`, a mapping.

    ``hosts``, ``walltime_s`` (not above 0 without one), ``user``, ``group``, ``queue``, ``application`` (-1 unknown).
    """

    def __getitem__(self, name: str, /) -> Any:
        """Return the value of this name."""


class Learner(Protocol):
    """Trains models anew as jobs end; see `wattq.surrogates.rolling.Rolling`."""

    def newer(self, now_s: float) -> RuntimeModel | None:
        """Return the model to ask from this date on, made of jobs that ended before it; None: the one in use."""

    def submitted(self, number: int, facts: Facts, now_s: float, row: NDArray[np.float32]) -> None:
        """Take note of a job and its features."""

    def ended(self, number: int, now_s: float, run_s: float) -> None:
        """Take note of its run time."""


@dataclass(frozen=True)
class EstimateRule:
    """How a prediction becomes the estimate that a scheduler plans with.

    Attributes:
        value: ``point``, or one of the quantile levels, such as ``0.5``.
        factor: what it is multiplied by.
        correction: rule for jobs that outlive their estimate, a name in `CORRECTIONS`.

    Raises:
        SurrogateError: when one of them is none of these.
    """

    value: str | float = "point"
    factor: float = 1.0
    correction: str = "request"

    def __post_init__(self) -> None:
        if self.value != "point" and self.value not in LEVELS:
            levels = ", ".join(map(str, LEVELS))
            raise SurrogateError(f"estimate {self.value!r}: take 'point' or one of the quantile levels {levels}")
        if not (math.isfinite(self.factor) and self.factor > 0.0):
            raise SurrogateError(f"factor of the estimate {self.factor:g}: it must be a finite number above 0")
        correction_of(self.correction)

    def estimate_s(self, prediction: Prediction, request_s: float) -> float:
        """Return the estimate of the one job of a prediction, s: its requested time when nothing is predicted.

        Args:
            prediction: of one job; NaN where nothing is known.
            request_s: its requested time, s; NaN where it has none.
        """
        values = prediction.point_s if self.value == "point" else prediction.level_s(float(self.value))
        value_s = float(values[0]) * self.factor
        return request_s if math.isnan(value_s) else float(np.fmin(max(value_s, LEAST_S), request_s))


FOR_BACKFILLING = EstimateRule(value=0.7, factor=0.35, correction="request")
"""For backfilling: a job counts as short until it proves long, and then as long as was requested, which makes the
head's reservation late, so that short jobs pass it. Chosen on the first half of KTH-SP2, by the mean bounded slowdown
of EASY and EASY-SJBF over perturbed copies of it and five models; factors from 0.3 to 0.4 do as well."""


@dataclass
class _Job:
    """What a session keeps of a job until it ends."""

    number: int
    request_s: float
    estimate_s: float
    quantile_s: NDArray[np.float64]
    corrections: int = 0


class Session:
    """Predicts the run times of the jobs of one simulation, made of what happened in it.

    Jobs are named by the caller, by any hashable value (a number in the engine, Batsim's name in the plugin). Dates are
    s on one axis and do not fall; at one date all submissions come before what else happened.

    Args:
        model: what predicts.
        rule: how predictions become estimates.
        learner: trains models that take over from the first as jobs end; None keeps the first.
        clock_s: what the site's clock says at date 0, s since 1970-01-01 00:00; see `wattq.surrogates.clock_of`.

    Raises:
        SurrogateError: when the model needs a feature that there is not.
    """

    def __init__(
        self,
        model: RuntimeModel,
        rule: EstimateRule | None = None,
        *,
        learner: Learner | None = None,
        clock_s: float = 345_600.0,
    ) -> None:
        self.rule = rule or EstimateRule()
        self._correction = correction_of(self.rule.correction)
        self._learner = learner
        self._history = LiveHistory(clock_s)
        self._jobs: dict[object, _Job] = {}
        self._use(model)

    def _use(self, model: RuntimeModel) -> None:
        """Ask this model from now on."""
        self._model = model
        self._columns = feature_columns(model.needs)

    def submitted(self, job: object, facts: Facts, now_s: float) -> float:
        """Take note of a submission and return the estimate of the job, s; NaN: nothing known, and no requested time.

        Args:
            job: its name; no job that is still known bears it.
            facts: what is known of it.
            now_s: date, s.

        Raises:
            SurrogateError: when the job is known, or the date lies before an earlier submission.
        """
        if job in self._jobs:
            raise SurrogateError(f"job {job} was submitted before; every job needs a name of its own")
        walltime_s = float(facts["walltime_s"])
        request_s = walltime_s if walltime_s > 0.0 else math.nan
        known: Mapping[str, int] = {name: int(facts[name]) for name in ("user", "group", "queue", "application")}
        number, row = self._history.submitted(now_s, int(facts["hosts"]), request_s, **known)
        prediction = self._predict(number, facts, now_s, row).capped(np.array([request_s]))
        estimate_s = self.rule.estimate_s(prediction, request_s)
        self._jobs[job] = _Job(number, request_s, estimate_s, prediction.quantile_s[0])
        return estimate_s

    def _predict(self, number: int, facts: Facts, now_s: float, row: NDArray[np.float32]) -> Prediction:
        if self._learner is not None:
            newer = self._learner.newer(now_s)
            if newer is not None:
                self._use(newer)
            self._learner.submitted(number, facts, now_s, row)
        return self._model.predict(row[self._columns][None, :])

    def started(self, job: object, now_s: float) -> None:
        """Take note that a job was started."""
        self._history.started(self._known(job).number, now_s)

    def ended(self, job: object, now_s: float, run_s: float) -> None:
        """Take note that a job ended, or was killed, after so many seconds on its hosts; its name is forgotten."""
        number = self._known(job).number
        self._history.ended(number, now_s, run_s)
        if self._learner is not None:
            self._learner.ended(number, now_s, run_s)
        del self._jobs[job]

    def withdrawn(self, job: object, now_s: float) -> None:
        """Take note that a job was rejected, or left the queue without running; its name is forgotten."""
        self._history.withdrawn(self._known(job).number, now_s)
        del self._jobs[job]

    def outlived(self, job: object, elapsed_s: float) -> float:
        """Return a new estimate of a job that runs longer than was estimated, s from its start.

        It lies beyond the time elapsed, and not beyond the requested time; a job that has reached that keeps it.
        """
        late = self._known(job)
        now = Late(elapsed_s, late.estimate_s, late.request_s, late.corrections, late.quantile_s)
        late.estimate_s, late.corrections = correct(self._correction, now)
        return late.estimate_s

    def _known(self, job: object) -> _Job:
        if job not in self._jobs:
            raise SurrogateError(f"job {job}: its submission was not told, or its end was")
        return self._jobs[job]
