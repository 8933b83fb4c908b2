"""What a store holds: kind, version, and how many rows of which period each table has."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa

from wattq.telemetry.store.engine import translated
from wattq.telemetry.store.migrate import schema_version
from wattq.telemetry.store.schema import DESCRIPTIONS, relation
from wattq.telemetry.store.store import Store

__all__ = ["RelationSummary", "StoreSummary", "summarise_store"]


@dataclass(frozen=True)
class RelationSummary:
    """A table, roll-up or view.

    Attributes:
        name: its name.
        rows: how many rows it has.
        first_s: date of its first row, Unix seconds; None without rows or dates.
        last_s: date of its last row.
        kept_days: days that rows are kept; 0 for ever.
    """

    name: str
    rows: int
    first_s: float | None
    last_s: float | None
    kept_days: int


@dataclass(frozen=True)
class StoreSummary:
    """A store.

    Attributes:
        address: where it is, without a password.
        kind: ``sqlite``, ``postgresql`` or ``timescaledb``.
        schema: version of its schema.
        bytes: size on disk.
        timescale_unused: TimescaleDB could be had on this server, and the store does without.
        relations: tables, roll-ups and views.
    """

    address: str
    kind: str
    schema: str
    bytes: int
    timescale_unused: bool
    relations: tuple[RelationSummary, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self)


def summarise_store(store: Store) -> StoreSummary:
    """Return what a store holds.

    Raises:
        StoreAwayError: the database does not answer.
    """
    with (
        translated(store.shown, "read it"),
        store.engine.connect().execution_options(read=True) as connection,
    ):
        relations = tuple(_relation(connection, name) for name in DESCRIPTIONS)
        version, size = schema_version(connection) or "", _bytes(connection)
        unused = store.flavor == "postgresql" and _could_have_timescale(connection)
        return StoreSummary(store.shown, store.flavor, version, size, unused, relations)


def _relation(connection: sa.Connection, name: str) -> RelationSummary:
    table, source = DESCRIPTIONS[name], relation(name)
    asked: list[Any] = [sa.func.count()]
    if table.clock:
        clock = source.c[table.clock]
        asked += [sa.type_coerce(sa.func.min(clock), clock.type), sa.type_coerce(sa.func.max(clock), clock.type)]
    row = connection.execute(sa.select(*asked).select_from(source)).one()
    first_s, last_s = (row[1], row[2]) if table.clock else (None, None)
    return RelationSummary(name, int(row[0]), first_s, last_s, table.kept_days)


def _bytes(connection: sa.Connection) -> int:
    if connection.dialect.name == "postgresql":
        return int(connection.execute(sa.text("SELECT pg_database_size(current_database())")).scalar_one())
    pages = connection.execute(sa.text("PRAGMA page_count")).scalar_one()
    return int(pages) * int(connection.execute(sa.text("PRAGMA page_size")).scalar_one())


def _could_have_timescale(connection: sa.Connection) -> bool:
    found = connection.execute(sa.text("SELECT 1 FROM pg_available_extensions WHERE name = 'timescaledb'"))
    return bool(found.scalar())
