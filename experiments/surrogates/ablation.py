"""What each group of features is worth: the model learns again without it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from wattq.experiments.surrogates.logs import Log, test_rows
from wattq.experiments.surrogates.models import GROUPS, groups_of
from wattq.experiments.surrogates.scores import Scores, score_rows
from wattq.experiments.surrogates.settings import Settings
from wattq.experiments.surrogates.tasks import Arrays, Frozen, LogFile, Task, prediction_of

__all__ = ["AblationRow", "ablation_rows", "ablation_tasks"]

_KNOWN_WITHOUT_MEASURING = ("request", "time")


@dataclass(frozen=True)
class AblationRow:
    """A model that learned without some features.

    Attributes:
        label: what is left out, in words.
        dropped: groups of features that are left out.
        scores: its figures on the second part of the log.
    """

    label: str
    dropped: tuple[str, ...]
    scores: Scores


def _variants(model: str) -> list[tuple[str, tuple[str, ...]]]:
    """Return what is left out of a model, in words and as groups; only groups that the model reads."""
    read = groups_of(model)
    single = [(f"without {group}", (group,)) for group in GROUPS if group in read]
    measured = tuple(group for group in GROUPS if group in read and group not in _KNOWN_WITHOUT_MEASURING)
    return [("all features", ()), *single, ("without telemetry (request and time only)", measured)]


def _task(settings: Settings, file: LogFile, model: str, dropped: tuple[str, ...]) -> Frozen:
    tests = tuple(settings.logs.items()) if not dropped and "matrix" in settings.parts else (file,)
    return Frozen(file, tests, model, settings.split, settings.seed, dropped)


def ablation_tasks(settings: Settings, model: str) -> list[Task]:
    """Return one task per log and group of features left out."""
    return [_task(settings, file, model, dropped) for file in settings.logs.items() for _, dropped in _variants(model)]


def ablation_rows(settings: Settings, log: Log, model: str, results: Mapping[Task, Arrays]) -> Iterator[AblationRow]:
    """Yield the rows of the ablation of a model on a log; none where it was not asked for."""
    if "ablation" not in settings.parts:
        return
    rows = test_rows(log, settings.split)
    for label, dropped in _variants(model):
        arrays = results[_task(settings, (log.name, log.path), model, dropped)]
        yield AblationRow(label, dropped, score_rows(log, rows, prediction_of(arrays, f"{log.name}/"), settings.seed))
