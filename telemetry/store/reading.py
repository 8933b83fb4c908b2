"""Statements that read: a table, roll-up or view, by period and by values of columns."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from wattq.errors import TelemetryError
from wattq.telemetry.store.fields import Table
from wattq.telemetry.store.schema import DESCRIPTIONS, relation

__all__ = ["described", "selection"]

_MAX_VALUES = 1000


def described(name: str) -> Table:
    """Return the description of a table, roll-up or view.

    Raises:
        TelemetryError: there is none of this name.
    """
    if name in DESCRIPTIONS:
        return DESCRIPTIONS[name]
    near = difflib.get_close_matches(str(name), DESCRIPTIONS, n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"one of {', '.join(DESCRIPTIONS)}"
    raise TelemetryError(f"store: no table, roll-up or view '{name}'; {hint}")


def selection(
    name: str,
    since_s: float | None,
    until_s: float | None,
    where: Mapping[str, object] | None,
    limit: int | None,
    newest_first: bool,
) -> sa.Select[Any]:
    """Return the query of `Store.read`; the arguments are its own."""
    table, source = described(name), relation(name)
    if (since_s is not None or until_s is not None) and not table.clock:
        raise TelemetryError(f"store, {name}: has no date to choose a period by; leave out since and until")
    query = sa.select(*(source.c[column] for column in table.names))
    if since_s is not None:
        query = query.where(source.c[table.clock] >= since_s)
    if until_s is not None:
        query = query.where(source.c[table.clock] < until_s)
    for column, value in (where or {}).items():
        query = query.where(_condition(table, source, column, value))
    query = query.order_by(*_order(table, source, newest_first))
    return query if limit is None else query.limit(_positive(limit))


def _condition(table: Table, source: sa.FromClause, column: str, value: object) -> sa.ColumnElement[bool]:
    if column not in table.names:
        near = difflib.get_close_matches(str(column), table.names, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"one of {', '.join(table.names)}"
        raise TelemetryError(f"store, {table.name}: no column '{column}'; {hint}")
    if value is None:
        return source.c[column].is_(None)
    if isinstance(value, list | tuple | set | frozenset):
        if len(value) > _MAX_VALUES:
            raise TelemetryError(f"store, {table.name}, column {column}: {len(value)} values, at most {_MAX_VALUES}")
        return source.c[column].in_(list(value))
    return source.c[column] == value


def _order(table: Table, source: sa.FromClause, newest_first: bool) -> list[sa.ColumnElement[Any]]:
    names = dict.fromkeys((*([table.clock] if table.clock else []), *table.key))
    columns = [source.c[name] for name in names or table.names[:1]]
    return [column.desc() if newest_first else column.asc() for column in columns]


def _positive(limit: int) -> int:
    if limit < 0:
        raise TelemetryError(f"store: limit {limit}; must be 0 or more")
    return limit
