"""Engines of SQLAlchemy for the two kinds of database, and what their errors mean."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event, exc

from wattq.errors import TelemetryError
from wattq.telemetry.store.address import Address
from wattq.telemetry.store.problems import RowRefusedError, StoreAwayError

__all__ = ["BUSY_S", "make_engine", "translated"]

BUSY_S = 30.0
"""How long a writer waits for another one on SQLite, in seconds."""

_CONNECT_S = 5
# The server is known to be gone after this long without an answer, also when its machine vanished from the network.
_SILENCE_MS = 15_000


def make_engine(address: Address) -> sa.Engine:
    """Return an engine; no connection is made yet."""
    return _sqlite_engine(address.path) if address.path is not None else _postgres_engine(address)


def _sqlite_engine(path: Path) -> sa.Engine:
    engine = sa.create_engine(
        sa.URL.create("sqlite+pysqlite", database=str(path)),
        connect_args={"timeout": BUSY_S, "check_same_thread": False},
        pool_size=5,
        max_overflow=10,
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, record: object) -> None:
    connection.isolation_level = None
    # Commits reach the disk: what a spool has handed over must survive a power cut.
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")


def _begin_sqlite(connection: sa.Connection) -> None:
    # A transaction that reads first and writes later fails at once when another writer came between.
    read = connection.get_execution_options().get("read", False)
    connection.exec_driver_sql("BEGIN" if read else "BEGIN IMMEDIATE")


def _postgres_engine(address: Address) -> sa.Engine:
    assert address.url is not None
    given = address.url.query
    wanted = {
        "connect_timeout": _CONNECT_S,
        "application_name": "wattq",
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": _SILENCE_MS,
    }
    arguments: dict[str, Any] = {name: value for name, value in wanted.items() if name not in given}
    arguments["prepare_threshold"] = address.prepare_threshold
    return sa.create_engine(
        address.url, connect_args=arguments, pool_size=address.pool, max_overflow=0, pool_pre_ping=True
    )


@contextmanager
def translated(shown: str, doing: str) -> Iterator[None]:
    """Turn errors of the database into those of wattq.

    Args:
        shown: the store, without its password.
        doing: what was tried, for the message.

    Raises:
        StoreAwayError: the database does not answer, or is too busy.
        RowRefusedError: it refuses values of a row.
        TelemetryError: anything else that it refuses.
    """
    try:
        yield
    except exc.DBAPIError as problem:
        raise _meaning(problem, shown, doing) from problem
    except exc.SQLAlchemyError as problem:
        kind = StoreAwayError if isinstance(problem, exc.TimeoutError) else TelemetryError
        raise kind(f"store {shown}: cannot {doing} ({_words(problem)})") from problem


def _meaning(problem: exc.DBAPIError, shown: str, doing: str) -> TelemetryError:
    words, original = _words(problem.orig or problem), problem.orig
    if isinstance(original, sqlite3.DatabaseError) and "not a database" in words:
        return TelemetryError(f"store {shown}: is no SQLite file; choose another path")
    if isinstance(original, sqlite3.OperationalError) and "readonly" in words:
        return TelemetryError(f"store {shown}: cannot {doing}, the file or its folder is read-only; mend permissions")
    if isinstance(original, sqlite3.OperationalError) and "unable to open" in words:
        return TelemetryError(f"store {shown}: cannot be opened; check the path and its permissions")
    if problem.connection_invalidated or isinstance(problem, exc.OperationalError | exc.InterfaceError):
        return StoreAwayError(f"store {shown}: cannot {doing} now ({words})")
    kind = RowRefusedError if isinstance(problem, exc.DataError | exc.IntegrityError) else TelemetryError
    return kind(f"store {shown}: cannot {doing} ({words})")


def _words(problem: BaseException) -> str:
    lines = str(problem).strip().splitlines()
    return lines[0][:300] if lines else type(problem).__name__
