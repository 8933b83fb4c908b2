"""What TimescaleDB adds: hypertables, continuous aggregates, and policies that refresh and forget by themselves."""

from __future__ import annotations

import sqlalchemy as sa

from wattq.telemetry.store.derived import ROLLUPS, Rollup
from wattq.telemetry.store.fields import HOUR_S
from wattq.telemetry.store.spelling import rollup_query
from wattq.telemetry.store.tables import TABLES

__all__ = ["has_timescale", "make_aggregates", "make_hypertable"]


def has_timescale(connection: sa.Connection) -> bool:
    """Return whether the extension is there, in this database."""
    if connection.dialect.name != "postgresql":
        return False
    return bool(connection.execute(sa.text("SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'")).scalar())


def make_hypertable(connection: sa.Connection, table: str, kept_days: int) -> None:
    """Make a table a hypertable, of a chunk per day, that forgets rows after some days."""
    connection.execute(
        sa.text(
            f"SELECT create_hypertable('{table}', 'time', chunk_time_interval => INTERVAL '1 day', "
            "create_default_indexes => FALSE)"
        )
    )
    connection.execute(sa.text(f"SELECT add_retention_policy('{table}', INTERVAL '{kept_days} days')"))


def make_aggregates(connection: sa.Connection) -> None:
    """Make the roll-ups continuous aggregates that refresh themselves."""
    for rollup in ROLLUPS.values():
        name = rollup.table.name
        query = rollup_query(rollup, "timescaledb")
        connection.execute(
            sa.text(f"CREATE MATERIALIZED VIEW {name} WITH (timescaledb.continuous) AS {query} WITH NO DATA")
        )
        connection.execute(sa.text(_refresh_policy(rollup)))


def _refresh_policy(rollup: Rollup) -> str:
    # A refresh of days whose rows were removed would remove their sums as well: it ends two days before that.
    kept_days = TABLES[rollup.source].kept_days - 2
    unit = "hour" if rollup.step_s == HOUR_S else "day"
    return (
        f"SELECT add_continuous_aggregate_policy('{rollup.table.name}', start_offset => INTERVAL '{kept_days} days', "
        f"end_offset => INTERVAL '1 {unit}', schedule_interval => INTERVAL '1 {unit}')"
    )
