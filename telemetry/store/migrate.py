"""The schema's versions: which one a database has, and how it becomes the latest."""

from __future__ import annotations

import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from wattq.errors import TelemetryError
from wattq.telemetry.extras import need
from wattq.telemetry.store.address import Address
from wattq.telemetry.store.derived import VIEWS
from wattq.telemetry.store.engine import BUSY_S
from wattq.telemetry.store.functions import make_functions
from wattq.telemetry.store.schema import SCHEMA_VERSION
from wattq.telemetry.store.spelling import Flavor, view_query
from wattq.telemetry.store.timescale import has_timescale

__all__ = ["VERSION_TABLE", "flavor_of", "make_file", "make_views", "schema_version", "upgrade"]

VERSION_TABLE = "wattq_schema_version"
MIGRATIONS = Path(__file__).resolve().parent / "migrations"

# Any number that no other program is likely to lock: "wattq" in ASCII.
_LOCK = 0x7761747471

# Alembic runs one migration per process at a time: what it works on is a variable of its module.
_ALEMBIC = threading.Lock()


def schema_version(connection: sa.Connection) -> str | None:
    """Return the version of a database's schema; None when it has none."""
    if not sa.inspect(connection).has_table(VERSION_TABLE):
        return None
    found = connection.execute(sa.text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()
    return None if found is None else str(found)


def flavor_of(connection: sa.Connection) -> Flavor:
    """Return the kind of a store that is there, by what `job_metrics` is."""
    if connection.dialect.name == "sqlite":
        return "sqlite"
    if not has_timescale(connection):
        return "postgresql"
    found = "SELECT 1 FROM timescaledb_information.hypertables WHERE hypertable_name = 'job_metrics'"
    return "timescaledb" if connection.execute(sa.text(found)).scalar() else "postgresql"


def upgrade(engine: sa.Engine, address: Address) -> None:
    """Bring a database to the latest version; another process that does the same waits.

    Raises:
        TelemetryError: its schema is of a later program.
    """
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        version = schema_version(connection)
        if version == SCHEMA_VERSION:
            return
        check_version(version, address)
        _run(connection)
        make_views(connection)
        make_functions(connection)


def check_version(version: str | None, address: Address) -> None:
    """Refuse a schema of a later program.

    Raises:
        TelemetryError: it is one.
    """
    if version is not None and version not in known_versions():
        raise TelemetryError(
            f"store {address.shown}: its schema has version {version}, this program knows {SCHEMA_VERSION} at most; "
            "upgrade wattq"
        )


def known_versions() -> set[str]:
    """Return every version that this program knows."""
    return {path.stem.split("_")[0].removeprefix("v") for path in (MIGRATIONS / "versions").glob("v[0-9]*.py")}


def _run(connection: sa.Connection) -> None:
    command: Any = need("alembic.command", "telemetry", "the store's schema")
    config = need("alembic.config", "telemetry", "the store's schema").Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    with _ALEMBIC:
        command.upgrade(config, "head")


def make_views(connection: sa.Connection) -> None:
    """Make every view anew; they hold no rows."""
    flavor = flavor_of(connection)
    for name, view in VIEWS.items():
        connection.execute(sa.text(f"DROP VIEW IF EXISTS {name}"))
        connection.execute(sa.text(f"CREATE VIEW {name} AS {view_query(view, flavor)}"))


def make_file(path: Path, shown: str) -> None:
    """Make an SQLite file for many readers beside a writer, unless it is there.

    Raises:
        TelemetryError: the file cannot be made, or is none of SQLite.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_ahead(path)
    except (OSError, sqlite3.Error) as problem:
        raise TelemetryError(
            f"store {shown}: cannot be made or opened ({problem}); check the path and its permissions"
        ) from None


def _write_ahead(path: Path) -> None:
    end = time.monotonic() + BUSY_S
    while True:
        connection = sqlite3.connect(path, timeout=BUSY_S)
        try:
            connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as problem:
            # Changing the journal does not wait for other connections as statements do.
            if "locked" not in str(problem) or time.monotonic() > end:
                raise
            time.sleep(0.05)
        finally:
            connection.close()
