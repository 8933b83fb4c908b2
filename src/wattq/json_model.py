"""A JSON file of wattq's own read into a pydantic model; every error says file, key and rule."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from wattq.errors import InvalidInputError, MissingFileError, at

__all__ = ["read_json_model"]

_Model = TypeVar("_Model", bound=BaseModel)


def read_json_model(path: Path, model: type[_Model], error: type[InvalidInputError] = InvalidInputError) -> _Model:
    """Return the content of a file that wattq wrote.

    Args:
        path: the file.
        model: its rules.
        error: raised where it breaks one.

    Raises:
        MissingFileError: it cannot be read.
        InvalidInputError: it breaks the model's rules; the message names the first key that does.
    """
    try:
        return model.model_validate_json(path.read_bytes())
    except OSError as problem:
        raise MissingFileError(f"{path}: cannot be read ({problem.strerror or problem})") from problem
    except ValidationError as problem:
        first = problem.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        raise error(f"{at(path, key=key)}: {first['msg']}; write it again by this version") from None
