"""The options of log cleaning on the command line, made from the fields of `CleaningOptions`."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any, cast

import typer

from wattq.errors import InvalidInputError
from wattq.workloads.options import CHOICES, CleaningOptions

__all__ = ["with_cleaning"]

_KINDS: dict[str, Any] = {
    "str": str,
    "str | None": str | None,
    "bool": bool,
    "int": int,
    "float": float,
    "int | None": int | None,
    "float | None": float | None,
    "tuple[int, ...]": str,
}


def with_cleaning(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command one option for each field of `CleaningOptions`; it receives them as ``options``.

    ``options`` is None when the user gave none of them, so that files which take no cleaning are still read.
    """
    own = inspect.signature(command, eval_str=True)
    fields = dataclasses.fields(CleaningOptions)

    @wraps(command)
    def wrapper(**values: Any) -> None:
        given = {field.name: _value(field, values.pop(field.name)) for field in fields}
        options = CleaningOptions(**given)
        command(**values, options=None if options == CleaningOptions() else options)

    kept = [parameter for parameter in own.parameters.values() if parameter.name != "options"]
    signature = own.replace(parameters=[*kept, *map(_parameter, fields)])
    cast("Any", wrapper).__signature__ = signature
    wrapper.__annotations__ = {name: parameter.annotation for name, parameter in signature.parameters.items()}
    return wrapper


def _parameter(field: dataclasses.Field[Any]) -> inspect.Parameter:
    kind = _KINDS[str(field.type)]
    default = ",".join(map(str, field.default)) if isinstance(field.default, tuple) else field.default
    option = typer.Option(help=field.metadata["help"], rich_help_panel="Cleaning of logs")
    return inspect.Parameter(
        field.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, option]
    )


def _value(field: dataclasses.Field[Any], value: Any) -> Any:
    if not isinstance(field.default, tuple):
        return value.lower() if field.name in CHOICES else value
    try:
        return tuple(int(word) for word in value.split(",") if word.strip())
    except ValueError:
        option = "--" + field.name.replace("_", "-")
        raise InvalidInputError(f"{option} {value!r}: not a list of whole numbers such as 2,3,4") from None
