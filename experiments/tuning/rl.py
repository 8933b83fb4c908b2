"""Training by wattq for a trial: the settings of `wattq rl train`, with what the trial chose among them."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from wattq.errors import TuningError
from wattq.experiments.inputs import beside, data_dirs
from wattq.experiments.tuning.arena import Arena
from wattq.experiments.tuning.knobs import Value
from wattq.experiments.tuning.training import Request

__all__ = ["settings_of", "train_policy", "with_value"]

_TASK = "backfill"


def train_policy(request: Request) -> dict[str, Value]:
    """Train a policy as `wattq rl train` does, and return its file as the parameter ``model``.

    Raises:
        MissingDependencyError: the libraries of the extra ``rl`` are not installed.
        LearningError: settings do not fit the task.
    """
    from wattq.schedulers.rl.training import make_config, train

    settings = settings_of(request)
    options = settings.pop("options", {})
    found = train(make_config(settings, options), request.folder)
    if found.policy is None:
        raise TuningError(f"train: task '{settings['task']}' has no policy to save; take '{_TASK}'")
    return {"model": str(found.policy)}


def settings_of(request: Request) -> dict[str, Any]:
    """Return the settings of a training: log, machine, weeks and signals of the tuning file, then what it says itself.

    Raises:
        TuningError: a knob names a setting that cannot hold it.
    """
    settings: dict[str, Any] = {"task": _TASK, "seed": request.seed}
    settings["options"] = _of_file(request)
    for name, value in request.options.items():
        if name == "options" and isinstance(value, Mapping):
            settings["options"] |= copy.deepcopy(dict(value))
        else:
            with_value(settings, name, copy.deepcopy(value))
    return settings


def _of_file(request: Request) -> dict[str, Any]:
    from wattq.workloads import locate_workload

    arena, spec = request.arena, request.source.spec
    if spec.source is None:
        raise TuningError("train: the workload is generated; a model learns from a log: give 'source'")
    found = {
        "workload": str(locate_workload(beside(spec.source, arena.base), data_dirs=data_dirs())),
        "platform": beside(str(spec.platform or arena.tuning.platform), arena.base),
        "time_zone": spec.time_zone,
        "walltime_factor": spec.walltime_factor,
        "cleaning": dict(spec.cleaning),
        "train_weeks": ",".join(map(str, request.weeks)),
    }
    return {**found, **_signals(arena)}


def _signals(arena: Arena) -> dict[str, Any]:
    """Return the series of the first grid: what a model may learn to look at."""
    first = next(iter(arena.grids.values()))
    return {s.quantity: str(arena.files[first.name, s.quantity]) for s in first.signals if s.quantity != "pue"}


def with_value(settings: dict[str, Any], name: str, value: Any) -> None:
    """Put a value in its place: ``learning_rate``, ``options.weights.energy``, ``constraints.late_share.limit``.

    The parts of a name lead through mappings; in the list of constraints they name the cost.

    Raises:
        TuningError: a part leads nowhere.
    """
    place: Any = settings
    *way, last = name.split(".")
    for part in way:
        place = _inner(place, part, name)
    if not isinstance(place, dict):
        raise TuningError(f"train, '{name}': '{'.'.join(way)}' holds no settings by name")
    place[last] = value


def _inner(place: Any, part: str, name: str) -> Any:
    if isinstance(place, dict):
        return place.setdefault(part, {})
    if isinstance(place, list):
        found = next((item for item in place if isinstance(item, dict) and item.get("cost") == part), None)
        if found is not None:
            return found
    raise TuningError(f"train, '{name}': there is no '{part}' in the 'options' of the training; name it there first")
