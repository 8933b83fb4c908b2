"""From the spool into the database: in order, each row once in effect."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from wattq.errors import TelemetryError
from wattq.telemetry.store.engine import translated
from wattq.telemetry.store.problems import RowRefusedError
from wattq.telemetry.store.rows import check_rows
from wattq.telemetry.store.schema import SPOOL_POSITIONS
from wattq.telemetry.store.spool import Position, Record, Spool
from wattq.telemetry.store.statements import upsert_rows
from wattq.telemetry.store.store import Store

__all__ = ["deliver"]

_LOG = logging.getLogger("wattq.telemetry.store")


def deliver(store: Store, spool: Spool, batch: int) -> int:
    """Deliver what waits, batch by batch; the caller holds the right to deliver.

    The database notes how far the spool has come in the transaction that brings the rows. So a process that is killed
    between the two, or an answer that is lost, makes no row come twice.

    Args:
        store: where rows go.
        spool: where they wait.
        batch: rows of a transaction.

    Returns:
        How many rows were delivered.

    Raises:
        StoreAwayError: the database went away; what had been delivered stays delivered.
    """
    position = max(spool.position(), _known(store, spool))
    delivered = 0
    while records := spool.read(position, batch):
        delivered += _write(store, spool, records)
        position = records[-1].end
        spool.delivered(position)
    return delivered


def _known(store: Store, spool: Spool) -> Position:
    query = sa.select(SPOOL_POSITIONS.c.segment, SPOOL_POSITIONS.c.byte_offset)
    query = query.where(SPOOL_POSITIONS.c.spool_id == spool.name)
    with (
        translated(store.shown, "read positions"),
        store.engine.connect().execution_options(read=True) as connection,
    ):
        row = connection.execute(query).first()
    return Position(0, 0) if row is None else Position(*row)


def _write(store: Store, spool: Spool, records: Sequence[Record]) -> int:
    for record in records:
        if record.damage:
            _LOG.error(
                "spool %s: damaged line before byte %d is left out (%s)", spool.folder, record.end[1], record.damage
            )
    try:
        _transact(store, spool, records)
    except RowRefusedError:
        return sum(_write_one(store, spool, record) for record in records)
    except TelemetryError as problem:
        if isinstance(problem.__cause__, sa.exc.SQLAlchemyError):
            raise
        # Rows were checked when they were spooled; what does not fit now was written by another version.
        return sum(_write_one(store, spool, record) for record in records)
    return sum(len(record.rows) for record in records)


def _write_one(store: Store, spool: Spool, record: Record) -> int:
    """Write a line row by row, and keep aside what is refused."""
    written = 0
    for row in record.rows:
        try:
            # The position moves with the line's last row; rows before it may come again, to the same effect.
            store.write(record.table, [row])
            written += 1
        except TelemetryError as problem:
            cause = problem.__cause__
            if isinstance(cause, sa.exc.SQLAlchemyError) and not isinstance(problem, RowRefusedError):
                raise
            _LOG.error("spool %s: a row is refused and kept in rejected.jsonl: %s", spool.folder, problem)
            spool.reject(record.table, [row], str(problem))
    _transact(store, spool, [Record("", [], record.end)])
    return written


def _transact(store: Store, spool: Spool, records: Sequence[Record]) -> None:
    groups = [
        (table, check_rows(table, [row for record in group for row in record.rows]))
        for table, group in groupby((record for record in records if record.rows), key=lambda record: record.table)
    ]
    with translated(store.shown, "write rows of the spool"), store.engine.begin() as connection:
        for table, rows in groups:
            upsert_rows(connection, table, rows)
        _note(connection, spool.name, records[-1].end)


def _note(connection: sa.Connection, name: str, position: Position) -> None:
    make: Any = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    insert = make(SPOOL_POSITIONS).values(
        spool_id=name, segment=position.segment, byte_offset=position.offset, time=time.time()
    )
    changed = {column: insert.excluded[column] for column in ("segment", "byte_offset", "time")}
    connection.execute(insert.on_conflict_do_update(index_elements=["spool_id"], set_=changed))
