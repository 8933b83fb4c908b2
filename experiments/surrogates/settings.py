"""What an evaluation is asked to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from wattq.errors import SurrogateError

__all__ = ["PARTS", "Settings"]

PARTS: Mapping[str, str] = MappingProxyType(
    {
        "accuracy": "every model on every log, prequentially and on a plain split by time",
        "schedule": "bounded slowdown of EASY and EASY-SJBF with requested, predicted and exact run times",
        "matrix": "learned on one log, measured on another",
        "ablation": "one group of features left out at a time",
        "search": "settings chosen on a validation period apart from the test period (Optuna)",
    }
)
"""The parts of an evaluation."""

_MOST_TRIALS = 10_000


@dataclass(frozen=True)
class Settings:
    """What is evaluated, and how.

    Attributes:
        logs: files by the names that tables show.
        models: names in ``MODELS``; all when empty.
        first: number of jobs at the begin of a log that are learned from but not measured.
        split: share of the jobs before the cut of the plain split, of the matrix and of the ablation.
        seed: seed of models, resamples and search.
        parts: names in `PARTS`.
        workers: number of processes; results do not depend on it.
        trials: settings that the search tries for a log, the default ones among them.
        simulated: number of logs, from the first on, whose schedule is simulated with models that learn.
        study_model: the model of ablation and search; the first of the preferred ones when empty.
        cache: folder of results that took long; None keeps nothing.

    Raises:
        SurrogateError: a number is out of range, or a part is unknown.
    """

    logs: Mapping[str, Path]
    models: tuple[str, ...] = ()
    first: int = 2000
    split: float = 0.5
    seed: int = 0
    parts: tuple[str, ...] = field(default_factory=lambda: tuple(PARTS))
    workers: int = 1
    trials: int = 8
    simulated: int = 1
    study_model: str = ""
    cache: Path | None = None

    def __post_init__(self) -> None:
        _within("--first", self.first, 1, 10_000_000)
        _within("--split", self.split, 0.05, 0.95)
        _within("--seed", self.seed, 0, 2**32 - 1)
        _within("--workers", self.workers, 1, 64)
        _within("--simulated", self.simulated, 0, 1000)
        _within("--trials", self.trials, 1, _MOST_TRIALS)
        unknown = next((part for part in self.parts if part not in PARTS), None)
        if unknown is not None or not self.parts:
            raise SurrogateError(f"--parts {unknown or ''}: there are {', '.join(PARTS)}; give some of them")


def _within(option: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise SurrogateError(f"{option} {value:g}: give a number from {low:g} to {high:g}")
