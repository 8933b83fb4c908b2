"""Models that are trained for a trial: a search chooses weights, limits and hyper-parameters, and the model acts."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from wattq.errors import TuningError, WattqError
from wattq.experiments.study.plan import Source
from wattq.experiments.tuning.arena import Arena, Step
from wattq.experiments.tuning.knobs import Value
from wattq.experiments.tuning.space import Choice

__all__ = ["Request", "Trainer", "find_trainer", "trained"]


@dataclass(frozen=True)
class Request:
    """What a trainer is asked for.

    Attributes:
        source: log and machine.
        weeks: numbers of the weeks to learn from; none where the file names none.
        options: options of the training, those that the trial chose among them.
        params: parameters of the policy that the trial has.
        seed: seed.
        folder: where models and whatever else comes of it go; made for this request alone.
        arena: grids, series and file.
    """

    source: Source
    weeks: tuple[int, ...]
    options: Mapping[str, Any]
    params: Mapping[str, Value]
    seed: int
    folder: Path
    arena: Arena


Trainer = Callable[[Request], Mapping[str, Value]]
"""Trains, and returns parameters of the policy, such as the path of a model."""


def find_trainer(by: str) -> Trainer:
    """Return who trains: wattq's own training, or a function ``FILE.py:FUNCTION`` or ``MODULE:FUNCTION``.

    Raises:
        TuningError: there is no such function.
    """
    if by == "wattq":
        from wattq.experiments.tuning.rl import train_policy

        own: Trainer = train_policy
        return own
    place, _, name = by.rpartition(":")
    if not place or not name:
        raise TuningError(f"train, key 'by': '{by}' is neither 'wattq' nor FILE.py:FUNCTION nor MODULE:FUNCTION")
    try:
        found = getattr(_from_file(Path(place)) if place.endswith(".py") else import_module(place), name)
    except (ImportError, AttributeError, OSError, SyntaxError) as error:
        raise TuningError(f"train, key 'by': '{by}' cannot be had ({error}); give FILE.py:FUNCTION") from error
    trainer: Trainer = found
    return trainer


def _from_file(path: Path) -> object:
    import importlib.util

    spec = importlib.util.spec_from_file_location(f"wattq_trainer_{path.stem}", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise OSError(f"{path}: no such file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def trained(arena: Arena, choice: Choice, step: Step, folder: Path) -> Mapping[str, Value]:
    """Train the model of a trial for the log and the seed of a step, and return the parameters that come of it.

    Raises:
        TuningError: the trainer fails.
    """
    spec = choice.tuned.train
    if spec is None:
        return {}
    place = folder / f"{step.log}-seed{step.seed}".replace(" ", "-")
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    options = {**spec.options, **choice.training}
    source = arena.sources[step.log, step.seed]
    try:
        request = Request(source, spec.numbers, options, choice.params, step.seed, place, arena)
        return dict(find_trainer(spec.by)(request))
    except WattqError:
        raise
    except Exception as error:
        # a trainer is the user's own code: whatever it raises is one failed trial, not the end of the search
        raise TuningError(f"train '{spec.by}': {type(error).__name__}: {error}") from error
