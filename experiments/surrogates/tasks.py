"""The pieces of an evaluation that take long: each is computed alone, in any process, and kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from numpy.typing import NDArray

from wattq.experiments.surrogates.cache import Cache
from wattq.experiments.surrogates.logs import Log, evaluated_rows, features_of, read_log, split_rows
from wattq.experiments.surrogates.models import columns, fit_model, predict_rows, run_prequential
from wattq.surrogates.model import Prediction
from wattq.surrogates.reserve import reservations

__all__ = ["Arrays", "Frozen", "LogFile", "Rolling", "Task", "perform", "prediction_of"]

Arrays = dict[str, NDArray[Any]]
LogFile = tuple[str, Path]
"""Name and path of a log."""


class Task(Protocol):
    """A piece of an evaluation."""

    @property
    def label(self) -> str:
        """What it does, for the progress bar."""
        ...

    def key(self) -> dict[str, Any]:
        """Return what the result depends on, beside the code."""
        ...

    def compute(self) -> Arrays:
        """Return the result."""
        ...


@dataclass(frozen=True)
class Rolling:
    """A prequential run of a model over a log: every job is predicted from the jobs that had ended before it.

    Attributes:
        log: the log.
        model: name in ``MODELS``.
        first: number of jobs that are not measured.
        seed: seed of the model.
    """

    log: LogFile
    model: str
    first: int
    seed: int

    @property
    def label(self) -> str:
        """What it does."""
        return f"{self.log[0]}: {self.model}"

    def key(self) -> dict[str, Any]:
        """Return what the result depends on."""
        digest = read_log(*self.log).digest
        return {"kind": "rolling", "log": digest, "model": self.model, "first": self.first, "seed": self.seed}

    def compute(self) -> Arrays:
        """Return the predictions of the jobs after the first ones."""
        log = read_log(*self.log)
        found = run_prequential(self.model, features_of(*self.log), log.outcomes, self.first, self.seed)
        rows = evaluated_rows(log, self.first)
        made = _arrays("", _capped(found, log).take(rows))
        return made | {"reserve_s": reservations(found, log.jobs, log.outcomes)[rows]}


@dataclass(frozen=True)
class Frozen:
    """A model that learns once, from the first part of a log, and predicts the second part of logs.

    Attributes:
        train: the log to learn from.
        tests: the logs to predict.
        model: name in ``MODELS``.
        split: share of jobs before the cut, of every log.
        seed: seed of the model.
        dropped: groups of features that the model does not see.
    """

    train: LogFile
    tests: tuple[LogFile, ...]
    model: str
    split: float
    seed: int
    dropped: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """What it does."""
        without = f" without {', '.join(self.dropped)}" if self.dropped else ""
        return f"{self.train[0]}: {self.model}{without}, learned once"

    def key(self) -> dict[str, Any]:
        """Return what the result depends on."""
        return {
            "kind": "frozen",
            "train": read_log(*self.train).digest,
            "tests": [(name, read_log(name, path).digest) for name, path in self.tests],
            "model": self.model,
            "split": self.split,
            "seed": self.seed,
            "dropped": self.dropped,
        }

    def compute(self) -> Arrays:
        """Return the predictions of the second part of each log, their names before a slash."""
        log = read_log(*self.train)
        learn, _ = split_rows(log, 0.0, self.split, 1.0)
        model = fit_model(self.model, features_of(*self.train), log.outcomes, learn, self.seed, self.dropped)
        found: Arrays = {}
        for place in self.tests:
            test = read_log(*place)
            rows = split_rows(test, 0.0, self.split, 1.0)[1]
            x = columns(features_of(*place), model.needs, self.dropped)[rows]
            request_s = test.jobs.request_s[rows]
            found |= _arrays(f"{place[0]}/", predict_rows(model, x).capped(request_s))
        return found


def _capped(prediction: Prediction, log: Log) -> Prediction:
    return prediction.capped(log.jobs.request_s)


def _arrays(prefix: str, prediction: Prediction) -> Arrays:
    return {f"{prefix}point_s": prediction.point_s, f"{prefix}quantile_s": prediction.quantile_s}


def prediction_of(arrays: Arrays, prefix: str = "") -> Prediction:
    """Return the predictions that a task holds under a prefix."""
    return Prediction(arrays[f"{prefix}point_s"], arrays[f"{prefix}quantile_s"])


def perform(task: Task, folder: Path | None) -> Arrays:
    """Return the result of a task, from the cache where it is there."""
    from threadpoolctl import threadpool_limits

    cache = Cache(folder)
    key = task.key() if folder is not None else {}
    known = cache.get(key)
    if known is not None:
        return known
    # one thread each: the processes share the processors, and sums do not depend on how they are split
    with threadpool_limits(limits=1):
        found = task.compute()
    cache.put(key, found)
    return found
