"""Rows on their way in: names, kinds and ranges are checked before anything is written or spooled."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from numbers import Integral, Real
from operator import index
from typing import Any

from wattq.errors import TelemetryError
from wattq.telemetry.store.fields import Field, Table
from wattq.telemetry.store.tables import TABLES

__all__ = ["MAX_TEXT", "check_rows", "merge_rows", "table_named"]

MAX_TEXT = 65_536
"""Longest text of a column, in characters."""

_MAX_TIME_S = 253_402_300_800.0
_MAX_INT = 2**63

Row = dict[str, Any]


def table_named(name: str) -> Table:
    """Return the description of a table that rows are written to.

    Raises:
        TelemetryError: there is no such table.
    """
    if name in TABLES:
        return TABLES[name]
    near = difflib.get_close_matches(str(name), TABLES, n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"one of {', '.join(TABLES)}"
    raise TelemetryError(f"store, table '{name}': no table of this name is written to; {hint}")


def check_rows(table: str, rows: Sequence[Mapping[str, object]]) -> list[Row]:
    """Return rows as the store writes them: None left out, dates as Unix seconds, numbers as float or int.

    Args:
        table: name of the table.
        rows: mappings from column to value; a date is Unix seconds (UTC) or a datetime with a time zone.

    Raises:
        TelemetryError: unknown table or column, a key is missing, or a value is not of its column's kind.
    """
    described = table_named(table)
    columns = {field.name: field for field in described.fields}
    return [_check_row(described, columns, row, number) for number, row in enumerate(rows, start=1)]


def _check_row(table: Table, columns: Mapping[str, Field], row: Mapping[str, object], number: int) -> Row:
    clean: Row = {}
    for name, value in row.items():
        if value is None:
            continue
        field = columns.get(name)
        if field is None or field.computed:
            raise TelemetryError(f"store, table {table.name}, row {number}: {_unwritten(table, name)}")
        try:
            clean[name] = _checked(field, value)
        except ValueError as rule:
            place = f"store, table {table.name}, row {number}, column {name}"
            raise TelemetryError(f"{place}: {str(value)[:80]!r}; {rule}") from None
    for name in table.key:
        if name not in clean:
            raise TelemetryError(f"store, table {table.name}, row {number}: column {name} is missing; it is in the key")
    return clean


def _unwritten(table: Table, name: object) -> str:
    for field in table.fields:
        if field.name == name:
            return f"column {name} is computed by the database as {field.computed}; write what it is computed from"
    near = difflib.get_close_matches(str(name), [field.name for field in table.written], n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"one of {', '.join(field.name for field in table.written)}"
    return f"no column '{str(name)[:80]}'; {hint}"


def _checked(field: Field, value: object) -> Any:
    checked = _KINDS[field.kind](value)
    if field.choices and checked not in field.choices:
        raise ValueError(f"must be one of {', '.join(field.choices)}")
    return checked


def _time(value: object) -> float:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("a datetime must have a time zone; or give Unix seconds")
        value = value.timestamp()
    seconds = _real(value)
    if not 0.0 <= seconds < _MAX_TIME_S:
        raise ValueError("must be Unix seconds (UTC), from 0 to the year 9999")
    return round(seconds * 1e6) / 1e6


def _real(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, Real):
        raise ValueError("must be a number")
    number = float(value)
    if not math.isfinite(number):
        raise ValueError("must be finite; leave out what is not known")
    return number


def _int(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, Real):
        raise ValueError("must be a whole number")
    if not isinstance(value, Integral) and not float(value).is_integer():
        raise ValueError("must be a whole number")
    number = index(value) if isinstance(value, Integral) else int(float(value))
    if not -_MAX_INT <= number < _MAX_INT:
        raise ValueError("must fit 64 bits")
    return number


def _bool(value: object) -> bool:
    if isinstance(value, bool) or (isinstance(value, Real) and value in (0, 1)) or type(value).__name__ == "bool":
        return bool(value)
    raise ValueError("must be true or false")


def _text(value: object) -> str:
    text = str(value) if isinstance(value, Integral) and not isinstance(value, bool) else value
    if not isinstance(text, str):
        raise ValueError("must be text")
    if len(text) > MAX_TEXT:
        raise ValueError(f"must be at most {MAX_TEXT} characters")
    if "\0" in text:
        raise ValueError("must not hold the character 0")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("must be valid Unicode") from None
    return text


_KINDS: dict[str, Callable[[object], Any]] = {
    "time": _time,
    "real": _real,
    "int": _int,
    "bool": _bool,
    "text": _text,
}


def merge_rows(table: Table, rows: Sequence[Row]) -> list[Row]:
    """Return one row per key, in the order of keys: later rows fill or replace the columns that they bring.

    The order keeps writers that meet on the same rows from waiting for each other in a circle.
    """
    merged: dict[tuple[Any, ...], Row] = {}
    for row in rows:
        merged.setdefault(tuple(row[name] for name in table.key), {}).update(row)
    return [merged[key] for key in sorted(merged)]
