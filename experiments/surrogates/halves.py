"""The plain split by time: learned once from the first part of a log, measured on the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wattq.experiments.surrogates.logs import Log, test_rows
from wattq.experiments.surrogates.scores import Scores, score_rows
from wattq.experiments.surrogates.settings import Settings
from wattq.experiments.surrogates.tasks import Arrays, Frozen, LogFile, Task, prediction_of

__all__ = ["SplitScores", "frozen_task", "frozen_tasks", "split_scores"]


@dataclass(frozen=True)
class SplitScores:
    """A model on the second part of a log.

    Attributes:
        frozen: learned once, from the first part; features still follow the log, job by job.
        rolling: the prequential run, measured on the same jobs.
    """

    frozen: Scores
    rolling: Scores


def frozen_task(settings: Settings, train: LogFile, model: str) -> Frozen:
    """Return the task that learns from the first part of a log, and predicts the second part of all that are asked."""
    tests = tuple(settings.logs.items()) if "matrix" in settings.parts else (train,)
    return Frozen(train, tests, model, settings.split, settings.seed)


def frozen_tasks(settings: Settings, models: Sequence[str]) -> list[Task]:
    """Return one such task per model and log."""
    return [frozen_task(settings, file, model) for model in models for file in settings.logs.items()]


def split_scores(
    settings: Settings, log: Log, model: str, rolling: Scores, results: Mapping[Task, Arrays]
) -> SplitScores:
    """Return the figures of a model on the second part of a log, beside those of its prequential run."""
    arrays = results[frozen_task(settings, (log.name, log.path), model)]
    found = prediction_of(arrays, f"{log.name}/")
    return SplitScores(score_rows(log, test_rows(log, settings.split), found, settings.seed), rolling)
