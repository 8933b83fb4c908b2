"""A YAML file read into a pydantic model; every error says file, line, key, value and rule."""

from __future__ import annotations

import difflib
import types
import typing
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from wattq.errors import InvalidInputError, MissingFileError, at
from wattq.strict_yaml import MAX_BYTES, Lines, load_yaml

__all__ = ["parse_model", "read_model"]

_MOST_MESSAGES = 10
_Model = TypeVar("_Model", bound=BaseModel)


def read_model(path: Path | str, model: type[_Model], what: str) -> _Model:
    """Return the model that a file describes.

    Args:
        path: the file.
        model: its rules; a field's alias, where it has one, is the key in the file.
        what: one sentence on what such a file is, for messages.

    Raises:
        MissingFileError: the file does not exist or cannot be read.
        InvalidInputError: it breaks a rule; the message names file, line, key, value and rule.
    """
    try:
        with Path(path).open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or error
        raise MissingFileError(f"{at(path)}: cannot be read ({reason}); check the path") from error
    return parse_model(data, str(path), model, what)


def parse_model(text: bytes | str, source: str, model: type[_Model], what: str) -> _Model:
    """Return the model that a YAML text describes; ``source`` names it in messages.

    Raises:
        InvalidInputError: as `read_model`.
    """
    content, lines = load_yaml(text, source)
    if not isinstance(content, dict):
        raise InvalidInputError(f"{at(source)}: {what}")
    try:
        return model.model_validate(content)
    except ValidationError as error:
        messages = dict.fromkeys(_message(dict(item), source, lines, model) for item in error.errors(include_url=False))
        raise InvalidInputError("\n".join(list(messages)[:_MOST_MESSAGES])) from None


def _message(error: dict[str, Any], source: str, lines: Lines, root: type[BaseModel]) -> str:
    path = _known_path(tuple(error["loc"]), lines)
    line = next((lines[path[:n]] for n in range(len(path), -1, -1) if path[:n] in lines), None)
    place = at(source, line, _dotted(path) or None)
    if error["type"] == "extra_forbidden":
        return f"{place}: unknown key; {_nearest(path, root)}"
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


def _nearest(path: tuple[str | int, ...], root: type[BaseModel]) -> str:
    valid = list(_fields(_model_at(path[:-1], root)))
    close = difflib.get_close_matches(str(path[-1]), valid, n=1, cutoff=0.5)
    return f"did you mean '{close[0]}'?" if close else f"the keys here are {', '.join(valid)}"


def _fields(model: type[BaseModel]) -> dict[str, Any]:
    """Return the annotation of each key of a mapping."""
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}


def _model_at(path: tuple[str | int, ...], root: type[BaseModel]) -> type[BaseModel]:
    """Return the model that describes the mapping at a path."""
    model = root
    for part in path:
        fields = _fields(model)
        if isinstance(part, str) and part in fields:
            model = _inner_model(fields[part]) or model
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
