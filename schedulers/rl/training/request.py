"""Settings of a training from a task's defaults, a file and the command line, the later before the former."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from wattq.errors import LearningError
from wattq.schedulers.rl.training.config import TrainConfig, read_config
from wattq.schedulers.rl.training.tasks import find_task, parse_options

__all__ = ["make_config", "parse_constraints", "parse_weights", "parse_widths"]


def make_config(
    settings: Mapping[str, Any], options: Mapping[str, Any] | None = None, file: Path | str | None = None
) -> TrainConfig:
    """Return the settings of a training, checked, the task's options included.

    Args:
        settings: keys of `TrainConfig` that are given; None means not given.
        options: options of the task that are given; None means not given.
        file: YAML file with settings; these two come before what it says.

    Raises:
        MissingFileError: the file does not exist or cannot be read.
        InvalidInputError: it breaks a rule; the message names file, line, key, value and rule.
        LearningError: the rest breaks a rule, or no task is named.
    """
    given = {key: value for key, value in settings.items() if value is not None}
    told: dict[str, Any] = {}
    if file is not None:
        told = read_config(file).model_dump(exclude_unset=True)
    if "task" not in given | told:
        raise LearningError("--task: no task is named; give one, such as --task backfill")
    task = find_task(str((told | given)["task"]))
    chosen = {key: value for key, value in (options or {}).items() if value is not None}
    merged = {**dict(task.defaults), **told, **given}
    merged["options"] = {**dict(task.defaults).get("options", {}), **told.get("options", {}), **chosen}
    config = _checked(merged)
    parsed = parse_options(task, config.options)
    return config.model_copy(update={"options": parsed.model_dump(mode="json")})


def _checked(values: Mapping[str, Any]) -> TrainConfig:
    try:
        return TrainConfig.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            close = difflib.get_close_matches(key, TrainConfig.model_fields, n=1, cutoff=0.5)
            raise LearningError(f"key '{key}': unknown{f'; did you mean {close[0]!r}?' if close else ''}") from None
        value = first.get("input")
        shown = f"{value!r} " if isinstance(value, (str, int, float, bool)) else ""
        rule = str(first["msg"]).removeprefix("Input ").removeprefix("Value error, ")
        raise LearningError(f"{f'key {key!r}: ' if key else ''}{shown}{rule}") from None


def parse_widths(text: str | None, option: str = "--net-arch") -> tuple[int, ...] | None:
    """Return ``64,64`` as widths of hidden layers; None for None.

    Raises:
        LearningError: when it is no list of whole numbers.
    """
    if text is None:
        return None
    try:
        return tuple(int(word) for word in text.split(","))
    except ValueError:
        raise LearningError(f"{option} '{text[:60]}': give the widths of the hidden layers, such as 64,64") from None


def parse_weights(text: str | None, option: str = "--weights") -> dict[str, float] | None:
    """Return ``energy=1,slowdown=0.5`` as numbers by name; None for None.

    Raises:
        LearningError: when a word is no NAME=NUMBER, or a name is given twice.
    """
    if text is None:
        return None
    found: dict[str, float] = {}
    for word in text.split(","):
        name, _, value = word.partition("=")
        try:
            number = float(value)
        except ValueError:
            raise LearningError(f"{option} '{word[:60]}': give NAME=NUMBER, such as {option} energy=1") from None
        if name.strip() in found:
            raise LearningError(f"{option}: '{name.strip()[:60]}' is given twice; keep one")
        found[name.strip()] = number
    return found


def parse_constraints(words: Sequence[str] | None) -> tuple[dict[str, Any], ...] | None:
    """Return ``COST<=LIMIT`` words as constraints; None without any.

    Raises:
        LearningError: when a word is something else.
    """
    if not words:
        return None
    found = []
    for word in words:
        cost, sign, limit = word.partition("<=")
        try:
            found.append({"cost": cost.strip(), "limit": float(limit)})
        except ValueError:
            raise LearningError(
                f"--constraint '{word[:60]}': give COST<=LIMIT, such as --constraint 'wait_mean<=3600'"
            ) from None
        if not sign or not cost.strip():
            raise LearningError(f"--constraint '{word[:60]}': the cost has no name; give COST<=LIMIT")
    return tuple(found)
