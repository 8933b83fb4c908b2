"""A store of measurements: SQLite by default, PostgreSQL, TimescaleDB where its extension is."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any

import sqlalchemy as sa

from wattq.errors import TelemetryError
from wattq.telemetry.store.address import Address, parse_address
from wattq.telemetry.store.engine import make_engine, translated
from wattq.telemetry.store.functions import efficiency_query, thermal_query
from wattq.telemetry.store.maintenance import Maintenance, maintain_store
from wattq.telemetry.store.migrate import check_version, flavor_of, make_file, schema_version, upgrade
from wattq.telemetry.store.reading import selection
from wattq.telemetry.store.rows import check_rows
from wattq.telemetry.store.schema import SCHEMA_VERSION
from wattq.telemetry.store.spelling import Flavor
from wattq.telemetry.store.statements import upsert_rows

__all__ = ["Store", "open_store"]

_WRITE_ROWS = 5000
_READ_ROWS = 1000


def open_store(url: str, *, create: bool = True) -> Store:
    """Open a store.

    Args:
        url: path of an SQLite file, ``sqlite:////absolute.db``, or ``postgresql://user:password@host/database``.
        create: make what is missing, and bring an older schema to the latest version.

    Raises:
        StoreAwayError: the database does not answer.
        TelemetryError: the address is wrong, nothing is there and `create` is False, or the schema is of another
            version of the program.
        MissingDependencyError: a library is missing.
    """
    address = parse_address(url)
    if address.path is not None:
        _prepare_file(address, create)
    engine = make_engine(address)
    try:
        with translated(address.shown, "open it"):
            return Store(engine, address, _prepare(engine, address, create))
    except BaseException:
        engine.dispose()
        raise


def _prepare_file(address: Address, create: bool) -> None:
    assert address.path is not None
    if address.path.exists() and not address.path.is_file():
        raise TelemetryError(f"store {address.shown}: is no file; name a file")
    if not address.path.exists() or address.path.stat().st_size == 0:
        if not create:
            raise TelemetryError(f"store {address.shown}: is not there; make it with 'wattq telemetry store init'")
        make_file(address.path, address.shown)


def _prepare(engine: sa.Engine, address: Address, create: bool) -> Flavor:
    with engine.connect().execution_options(read=True) as connection:
        version = schema_version(connection)
        if version == SCHEMA_VERSION:
            return flavor_of(connection)
        check_version(version, address)
    if not create:
        state = "holds no tables of wattq" if version is None else f"has the older schema {version}"
        raise TelemetryError(f"store {address.shown}: {state}; run 'wattq telemetry store init'")
    upgrade(engine, address)
    with engine.connect().execution_options(read=True) as connection:
        return flavor_of(connection)


class Store:
    """An open store; several threads may use it at a time.

    Attributes:
        shown: where it is, without a password.
        flavor: ``sqlite``, ``postgresql`` or ``timescaledb``.
        engine: the engine of SQLAlchemy.
    """

    def __init__(self, engine: sa.Engine, address: Address, flavor: Flavor) -> None:
        self.engine = engine
        self.shown = address.shown
        self.flavor: Flavor = flavor

    def write(self, table: str, rows: Sequence[Mapping[str, object]]) -> int:
        """Write rows; a row whose key is there fills or replaces the columns that it brings, but for None.

        Args:
            table: name of a table.
            rows: mappings from column to value; dates are Unix seconds (UTC), or datetimes with a time zone.

        Returns:
            How many rows were given; all of them are in the store, or none.

        Raises:
            TelemetryError: unknown names, or values of the wrong kind.
            StoreAwayError: the database does not answer.
        """
        clean = check_rows(table, rows)
        with translated(self.shown, f"write {table}"), self.engine.begin() as connection:
            for start in range(0, len(clean), _WRITE_ROWS):
                upsert_rows(connection, table, clean[start : start + _WRITE_ROWS])
        return len(clean)

    def read(
        self,
        name: str,
        *,
        since_s: float | None = None,
        until_s: float | None = None,
        where: Mapping[str, object] | None = None,
        limit: int | None = None,
        newest_first: bool = False,
    ) -> list[dict[str, Any]]:
        """Return rows of a table, roll-up or view, in the order of their dates and keys.

        Args:
            name: table, roll-up or view.
            since_s: begin of the period, Unix seconds.
            until_s: end of the period, not part of it.
            where: values that columns must have; a list means any of them, None an empty column.
            limit: most rows.
            newest_first: the other way round.

        Raises:
            TelemetryError: unknown names.
            StoreAwayError: the database does not answer.
        """
        chosen = selection(name, since_s, until_s, where, limit, newest_first)
        return [row for piece in self._pieces(chosen, name) for row in piece]

    def stream(
        self, name: str, *, since_s: float | None = None, until_s: float | None = None, rows: int = _READ_ROWS
    ) -> Iterator[list[dict[str, Any]]]:
        """Yield the rows of `read` in pieces of at most `rows`, so that memory stays bounded."""
        yield from self._pieces(selection(name, since_s, until_s, None, None, False), name, rows)

    def _pieces(self, query: sa.Select[Any], name: str, rows: int = _READ_ROWS) -> Iterator[list[dict[str, Any]]]:
        with (
            translated(self.shown, f"read {name}"),
            self.engine.connect().execution_options(read=True, yield_per=rows) as connection,
            connection.execute(query) as found,
        ):
            for piece in found.mappings().partitions(rows):
                yield [dict(row) for row in piece]

    def maintain(self, now_s: float) -> Maintenance:
        """Sum up hours and days, then remove rows that are older than their table keeps them; the sums stay.

        Args:
            now_s: the present, Unix seconds.

        Raises:
            StoreAwayError: the database does not answer.
        """
        with translated(self.shown, "maintain it"):
            return maintain_store(self.engine, self.flavor, now_s)

    def calculate_energy_efficiency(
        self, node_id: str | None = None, since_s: float = 0.0, until_s: float | None = None
    ) -> dict[str, Any]:
        """Return energy per job, core hour and GiB hour of the jobs that began in a period and completed.

        Args:
            node_id: the node, as `job_metrics` names it; all of them when None.
            since_s: begin of the period, Unix seconds.
            until_s: end of the period, not part of it; the present when None.
        """
        query = efficiency_query(node_id, since_s, time.time() if until_s is None else until_s)
        return self._answer(query, "calculate the energy efficiency")[0]

    def get_thermal_events_summary(self, node_id: str | None = None, hours: float = 24.0) -> list[dict[str, Any]]:
        """Return thermal events of the last hours by type: how many, how hot, how long, and what they cost.

        Args:
            node_id: the node; all of them when None.
            hours: how far to look back.
        """
        return self._answer(thermal_query(node_id, time.time() - hours * 3600.0), "summarise thermal events")

    def _answer(self, query: Any, doing: str) -> list[dict[str, Any]]:
        with (
            translated(self.shown, doing),
            self.engine.connect().execution_options(read=True) as connection,
        ):
            return [dict(row) for row in connection.execute(query).mappings()]

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    def __enter__(self) -> Store:
        """Return the store itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()
