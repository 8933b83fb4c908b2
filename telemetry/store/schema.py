"""The schema in SQLAlchemy Core: one MetaData made of the tables' descriptions, for every database.

A column of kind ``time`` is Unix seconds (UTC) in Python. SQLite holds just that, rounded to microseconds; PostgreSQL
holds a timestamp with time zone.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from wattq.telemetry.store.derived import ROLLUPS, VIEWS
from wattq.telemetry.store.fields import Field, Table
from wattq.telemetry.store.tables import TABLES

__all__ = ["DESCRIPTIONS", "METADATA", "SCHEMA_VERSION", "SPOOL_POSITIONS", "STATE", "UnixTime", "relation"]

SCHEMA_VERSION = "0001"
"""Latest revision of the schema that this program knows."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class UnixTime(sa.types.TypeDecorator[float]):
    """A date: Unix seconds (UTC) in Python, to the microsecond."""

    impl = sa.Double
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        """Return a timestamp with time zone for PostgreSQL, a number elsewhere."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(sa.DateTime(timezone=True))
        return dialect.type_descriptor(sa.Double())

    def process_bind_param(self, value: float | None, dialect: sa.Dialect) -> Any:
        """Turn Unix seconds into what the database holds."""
        if value is None:
            return None
        if dialect.name == "postgresql":
            return _EPOCH + timedelta(microseconds=round(value * 1e6))
        return round(value * 1e6) / 1e6

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> float | None:
        """Turn what the database holds into Unix seconds."""
        if isinstance(value, datetime):
            return ((value - _EPOCH) // _MICROSECOND) / 1e6
        return None if value is None else float(value)


_TYPES: dict[str, type[sa.types.TypeEngine[Any]]] = {
    "time": UnixTime,
    "text": sa.Text,
    "real": sa.Double,
    "int": sa.BigInteger,
    "bool": sa.Boolean,
}


def _column(field: Field, table: Table) -> sa.Column[Any]:
    computed = (sa.Computed(field.computed, persisted=True),) if field.computed else ()
    key = field.name in table.key
    return sa.Column(field.name, _TYPES[field.kind], *computed, primary_key=key, nullable=not key)


def _table(table: Table, metadata: sa.MetaData) -> sa.Table:
    columns = [_column(field, table) for field in table.fields]
    indexes = [sa.Index(f"ix_{table.name}_{'_'.join(names)}", *names) for names in table.indexes]
    return sa.Table(table.name, metadata, *columns, *indexes)


METADATA = sa.MetaData()
"""Every table, roll-ups included (where TimescaleDB is, they are continuous aggregates of the same columns)."""

for _described in (*TABLES.values(), *(rollup.table for rollup in ROLLUPS.values())):
    _table(_described, METADATA)

SPOOL_POSITIONS = sa.Table(
    "spool_positions",
    METADATA,
    sa.Column("spool_id", sa.Text, primary_key=True),
    sa.Column("segment", sa.BigInteger, nullable=False),
    sa.Column("byte_offset", sa.BigInteger, nullable=False),
    sa.Column("time", UnixTime, nullable=False),
)
"""How far each spool has been delivered; written with the rows, in one transaction, so that none comes twice."""

STATE = sa.Table(
    "store_state",
    METADATA,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("time", UnixTime, nullable=False),
)
"""Dates that maintenance remembers."""

DESCRIPTIONS: dict[str, Table] = {
    **TABLES,
    **{name: rollup.table for name, rollup in ROLLUPS.items()},
    **{name: view.table for name, view in VIEWS.items()},
}
"""What can be read, by name: tables, roll-ups and views."""


def relation(name: str) -> sa.FromClause:
    """Return a table, roll-up or view that statements can be made of; KeyError when there is none."""
    if name in METADATA.tables:
        return METADATA.tables[name]
    fields = VIEWS[name].table.fields
    return sa.table(name, *(sa.column(field.name, _TYPES[field.kind]()) for field in fields))
