"""Statements that write: inserts that fill or replace what rows of the same key held."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from wattq.telemetry.store.rows import Row, merge_rows
from wattq.telemetry.store.schema import METADATA
from wattq.telemetry.store.tables import TABLES

__all__ = ["upsert", "upsert_rows"]


@lru_cache(maxsize=512)
def upsert(dialect: str, table: str, columns: tuple[str, ...]) -> sa.Insert:
    """Return the insert of some columns; a row that is there keeps what the new one leaves empty.

    Args:
        dialect: ``sqlite`` or ``postgresql``.
        table: name of a table of the schema.
        columns: the columns that are written, those of the key among them.
    """
    target = METADATA.tables[table]
    make: Any = sqlite.insert if dialect == "sqlite" else postgresql.insert
    insert = make(target).values({name: sa.bindparam(name) for name in columns})
    keys = [column.name for column in target.primary_key]
    kept = {name: sa.func.coalesce(insert.excluded[name], target.c[name]) for name in columns if name not in keys}
    if not kept:
        statement: sa.Insert = insert.on_conflict_do_nothing(index_elements=keys)
    else:
        statement = insert.on_conflict_do_update(index_elements=keys, set_=kept)
    return statement


def upsert_rows(connection: sa.Connection, table: str, rows: Sequence[Row]) -> None:
    """Write checked rows of one table within the connection's transaction."""
    merged = merge_rows(TABLES[table], rows)
    if not merged:
        return
    brought = {name for row in merged for name in row}
    columns = tuple(name for name in TABLES[table].names if name in brought)
    statement = upsert(connection.dialect.name, table, columns)
    connection.execute(statement, [{name: row.get(name) for name in columns} for row in merged])
