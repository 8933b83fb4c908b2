"""Learned on one log, measured on another: what of a model is about jobs, and what about one machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from wattq.experiments.surrogates.halves import frozen_task
from wattq.experiments.surrogates.logs import Log, split_rows
from wattq.experiments.surrogates.settings import Settings
from wattq.experiments.surrogates.tasks import Arrays, Task, prediction_of
from wattq.surrogates.metrics import score

__all__ = ["Cell", "matrix_cells"]


@dataclass(frozen=True)
class Cell:
    """One model, learned on the first part of one log and measured on the second part of one.

    Attributes:
        model: its name.
        train: log learned from.
        test: log measured on.
        learned: jobs learned from.
        jobs: jobs measured.
        figures: every figure of `MEASURES`.
    """

    model: str
    train: str
    test: str
    learned: int
    jobs: int
    figures: dict[str, float]


def matrix_cells(
    settings: Settings, logs: Sequence[Log], models: Sequence[str], results: Mapping[Task, Arrays]
) -> Iterator[Cell]:
    """Yield the cells of the matrix; none where it was not asked for, or there is one log."""
    if "matrix" not in settings.parts or len(logs) < 2:
        return
    for model in models:
        for train in logs:
            arrays = results[frozen_task(settings, (train.name, train.path), model)]
            learned = len(split_rows(train, 0.0, settings.split, 1.0)[0])
            for test in logs:
                rows = split_rows(test, 0.0, settings.split, 1.0)[1]
                found = prediction_of(arrays, f"{test.name}/")
                real_s, request_s = test.outcomes.run_s[rows], test.jobs.request_s[rows]
                figures = score(real_s, found.point_s, found.quantile_s, request_s)
                yield Cell(model, train.name, test.name, learned, len(rows), figures)
