"""Experiment files: YAML in, a validated `Experiment` out, every error with file, line, key, value and rule."""

from __future__ import annotations

import difflib
import types
import typing
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from wattq.errors import InvalidInputError, MissingFileError, at
from wattq.experiments.experiment_model import Experiment
from wattq.experiments.strict_yaml import MAX_BYTES, Lines, load_yaml

__all__ = ["find_experiment", "load_experiment", "parse_experiment", "shipped_experiments"]

_HERE = Path(__file__).resolve().parent


def shipped_experiments() -> dict[str, Path]:
    """Return the experiment files that come with wattq, by name."""
    return {path.stem: path for path in sorted(_HERE.glob("*.yaml"))}


def find_experiment(name: Path | str) -> Path:
    """Return the path of an experiment file, or of the shipped experiment of that name.

    Raises:
        MissingFileError: neither a file nor a shipped experiment.
    """
    path = Path(name)
    if path.is_file():
        return path
    shipped = shipped_experiments()
    if str(name) in shipped:
        return shipped[str(name)]
    names = ", ".join(shipped)
    raise MissingFileError(f"{path}: no such file; give an experiment file, or one of those shipped: {names}")


def load_experiment(path: Path | str) -> Experiment:
    """Read an experiment file.

    Raises:
        MissingFileError: the file does not exist or cannot be read.
        InvalidInputError: it breaks a rule; the message names file, line, key, value and rule.
    """
    try:
        with Path(path).open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise MissingFileError(f"{at(path)}: cannot be read ({error.strerror or error})") from error
    return parse_experiment(data, str(path))


def parse_experiment(text: bytes | str, source: str) -> Experiment:
    """Return the experiment that a YAML text describes; ``source`` names it in messages.

    Raises:
        InvalidInputError: as `load_experiment`.
    """
    content, lines = load_yaml(text, source)
    if not isinstance(content, dict):
        raise InvalidInputError(f"{at(source)}: an experiment is a mapping with keys such as 'platform' and 'policies'")
    try:
        return Experiment.model_validate(content)
    except ValidationError as error:
        messages = dict.fromkeys(_message(dict(item), source, lines) for item in error.errors(include_url=False))
        raise InvalidInputError("\n".join(list(messages)[:10])) from None


def _message(error: dict[str, Any], source: str, lines: Lines) -> str:
    path = _known_path(tuple(error["loc"]), lines)
    line = next((lines[path[:n]] for n in range(len(path), -1, -1) if path[:n] in lines), None)
    place = at(source, line, _dotted(path) or None)
    if error["type"] == "extra_forbidden":
        return f"{place}: unknown key; {_nearest(path)}"
    if error["type"] == "missing":
        return f"{place}: the key is missing; it is required"
    value = error.get("input")
    shown = f"{value!r} " if isinstance(value, (str, int, float, bool)) or value is None else "the value "
    return f"{place}: {shown}{_rule(error, len(path) < len(error['loc']))}"


def _rule(error: dict[str, Any], in_union: bool) -> str:
    if in_union:
        return "should be a number, a text, true or false"
    if error["type"] == "model_type":
        return "should be a mapping of keys to values"
    rule = str(error["msg"])
    if error["type"] == "value_error":
        return f"breaks a rule: {rule.removeprefix('Value error, ')}"
    return rule.removeprefix("Input ").removeprefix("String ")


def _known_path(path: tuple[str | int, ...], lines: Lines) -> tuple[str | int, ...]:
    """Drop what pydantic adds to a path for the members of a union: they are no keys of the file."""
    known: tuple[str | int, ...] = ()
    for index, part in enumerate(path):
        if (*known, part) in lines or index == len(path) - 1:
            known = (*known, part)
    if known not in lines and len(known) > 1 and str(known[-1]) in ("bool", "int", "float", "str"):
        return known[:-1]
    return known


def _dotted(path: tuple[str | int, ...]) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def _nearest(path: tuple[str | int, ...]) -> str:
    valid = list(_model_at(path[:-1]).model_fields)
    close = difflib.get_close_matches(str(path[-1]), valid, n=1, cutoff=0.5)
    return f"did you mean '{close[0]}'?" if close else f"the keys here are {', '.join(valid)}"


def _model_at(path: tuple[str | int, ...]) -> type[BaseModel]:
    """Return the model that describes the mapping at a path."""
    model: type[BaseModel] = Experiment
    for part in path:
        if isinstance(part, str) and part in model.model_fields:
            model = _inner_model(model.model_fields[part].annotation) or model
    return model


def _inner_model(annotation: Any) -> type[BaseModel] | None:
    if (
        isinstance(annotation, type)
        and not isinstance(annotation, types.GenericAlias)
        and issubclass(annotation, BaseModel)
    ):
        return annotation
    inner = (_inner_model(argument) for argument in typing.get_args(annotation))
    return next((model for model in inner if model is not None), None)
