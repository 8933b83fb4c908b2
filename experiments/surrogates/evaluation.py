"""The whole evaluation: what is run, in which order, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

import wattq.surrogates.models as registry
from wattq.errors import MissingDependencyError
from wattq.experiments.surrogates.ablation import AblationRow, ablation_rows, ablation_tasks
from wattq.experiments.surrogates.effect import Simulated
from wattq.experiments.surrogates.halves import SplitScores, frozen_tasks, split_scores
from wattq.experiments.surrogates.logs import Log, evaluated_rows, read_log, split_rows
from wattq.experiments.surrogates.matrix import Cell, matrix_cells
from wattq.experiments.surrogates.models import pick_models, study_model
from wattq.experiments.surrogates.pool import perform_all
from wattq.experiments.surrogates.schedule import ScheduleEffect, schedule_effect_of, schedule_tasks
from wattq.experiments.surrogates.scores import Scores, score_rows
from wattq.experiments.surrogates.search import Search, SearchResult, needed, search_result, search_tasks
from wattq.experiments.surrogates.settings import Settings
from wattq.experiments.surrogates.tasks import Arrays, Frozen, Rolling, Task, prediction_of
from wattq.surrogates.rolling import UNTRAINED

__all__ = ["Evaluation", "LogResults", "ModelResults", "Progress", "evaluate"]

Progress = Callable[[int, int, str], None]
"""Told: tasks done, tasks in all, what was done last."""


@dataclass(frozen=True)
class ModelResults:
    """One model on one log.

    Attributes:
        model: its name.
        rolling: its prequential run, over all jobs after the first ones.
        split: the plain split by time, and the prequential run on the same jobs; None where it was not asked for.
    """

    model: str
    rolling: Scores
    split: SplitScores


@dataclass(frozen=True)
class LogResults:
    """Everything on one log.

    Attributes:
        log: the log.
        models: one entry per model; empty without the part ``accuracy``.
        ablation: one row per group of features left out; empty without that part.
        search: None without that part.
        schedule: the effect on the schedule; None without that part.
    """

    log: Log
    models: tuple[ModelResults, ...]
    ablation: tuple[AblationRow, ...]
    search: SearchResult | None
    schedule: ScheduleEffect | None


@dataclass(frozen=True)
class Evaluation:
    """What came of an evaluation.

    Attributes:
        settings: what was asked for.
        models: models that were run.
        study_model: the model of ablation and search.
        not_run: what could not be run here, and why.
        logs: one entry per log.
        matrix: one cell per model, log learned from, and log measured on.
    """

    settings: Settings
    models: tuple[str, ...]
    study_model: str
    not_run: Mapping[str, str]
    logs: tuple[LogResults, ...]
    matrix: tuple[Cell, ...]


def evaluate(settings: Settings, progress: Progress | None = None) -> Evaluation:
    """Run an evaluation; nothing but the cache is written.

    Raises:
        WattqError: a log cannot be read or is too short, or there is no such model.
    """
    models, not_run = pick_models(settings.models)
    logs = [read_log(name, path) for name, path in settings.logs.items()]
    for log in logs:
        if "accuracy" in settings.parts:
            evaluated_rows(log, settings.first)
        split_rows(log, 0.0, settings.split, 1.0)
    chosen = study_model(settings.study_model, models)
    tasks, missing = _plan(settings, models, chosen)
    results = _performed(tasks, settings, progress)
    return Evaluation(
        settings=settings,
        models=models,
        study_model=chosen,
        not_run=not_run | missing,
        logs=tuple(_of_log(settings, log, models, chosen, results) for log in logs),
        matrix=tuple(matrix_cells(settings, logs, models, results)),
    )


def _plan(settings: Settings, models: Sequence[str], chosen: str) -> tuple[list[Task], dict[str, str]]:
    """Return the tasks, the longest ones first, so that no process is left alone with one; and what cannot be run."""
    tasks: list[Task] = []
    missing: dict[str, str] = {}
    files = list(settings.logs.items())
    if "search" in settings.parts:
        try:
            needed()
            tasks += search_tasks(settings, chosen)
        except MissingDependencyError as error:
            missing["search"] = str(error)
    if "schedule" in settings.parts:
        tasks += schedule_tasks(settings, models)
    if "accuracy" in settings.parts:
        tasks += [Rolling(file, model, settings.first, settings.seed) for model in models for file in files]
    if "accuracy" in settings.parts or "matrix" in settings.parts:
        tasks += frozen_tasks(settings, models)
    if "ablation" in settings.parts:
        tasks += ablation_tasks(settings, chosen)
    return sorted(dict.fromkeys(tasks), key=_cost, reverse=True), missing


def _cost(task: Task) -> float:
    """Return about how long a task takes, in any unit: the order of the tasks alone depends on it."""
    if isinstance(task, Simulated):
        factor, name, log = 2.0, task.estimate, task.log
    elif isinstance(task, Frozen):
        factor, name, log = 0.1, task.model, task.train
    elif isinstance(task, Search):
        factor, name, log = 0.1 * task.trials, task.model, task.log
    else:
        assert isinstance(task, Rolling)
        factor, name, log = 1.0, task.model, task.log
    # later models of the table are the slower ones; those that learn nothing are quick
    learned = [model for model in registry.MODELS if model not in UNTRAINED]
    place = 1.0 + learned.index(name) if name in learned else 0.1
    return factor * place * read_log(*log).jobs.n_jobs


def _performed(tasks: Sequence[Task], settings: Settings, progress: Progress | None) -> dict[Task, Arrays]:
    finished = 0

    def done(label: str) -> None:
        nonlocal finished
        finished += 1
        if progress is not None:
            progress(finished, len(tasks), label)

    if progress is not None:
        progress(0, len(tasks), "features")
    return dict(zip(tasks, perform_all(tasks, settings.workers, settings.cache, done), strict=True))


def _of_log(
    settings: Settings, log: Log, models: Sequence[str], chosen: str, results: Mapping[Task, Arrays]
) -> LogResults:
    file = (log.name, log.path)
    found = [_of_model(settings, log, model, results) for model in models] if "accuracy" in settings.parts else []
    effect = schedule_effect_of(settings, file, models, results)
    searched = search_result(settings, file, chosen, results)
    return LogResults(log, tuple(found), tuple(ablation_rows(settings, log, chosen, results)), searched, effect)


def _of_model(settings: Settings, log: Log, model: str, results: Mapping[Task, Arrays]) -> ModelResults:
    rows = evaluated_rows(log, settings.first)
    arrays = results[Rolling((log.name, log.path), model, settings.first, settings.seed)]
    found, reserve_s = prediction_of(arrays), arrays["reserve_s"]
    later = split_rows(log, 0.0, settings.split, 1.0)[1]
    measured = np.isin(rows, later)
    rolling = score_rows(log, rows[measured], found.take(measured), settings.seed, reserve_s[measured])
    return ModelResults(
        model,
        score_rows(log, rows, found, settings.seed, reserve_s),
        split_scores(settings, log, model, rolling, results),
    )
