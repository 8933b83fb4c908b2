"""The two functions of the store: energy per job, core hour and GiB hour, and a node's thermal events.

PostgreSQL has them as SQL functions too, so that dashboards call what `Store` calls.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from wattq.telemetry.store.derived import COUNTED, RATIOS, SUMS
from wattq.telemetry.store.schema import UnixTime

__all__ = ["EFFICIENCY_COLUMNS", "THERMAL_COLUMNS", "efficiency_query", "make_functions", "thermal_query"]

EFFICIENCY_COLUMNS: dict[str, str] = {
    "jobs_completed": "BIGINT",
    "energy_j": "DOUBLE PRECISION",
    "total_cpu_hours": "DOUBLE PRECISION",
    "total_memory_gb_hours": "DOUBLE PRECISION",
    "energy_per_job_wh": "DOUBLE PRECISION",
    "energy_per_cpu_hour_wh": "DOUBLE PRECISION",
    "energy_per_gb_hour_wh": "DOUBLE PRECISION",
}
"""What `calculate_energy_efficiency` returns: columns and their types."""

THERMAL_COLUMNS: dict[str, str] = {
    "event_type": "TEXT",
    "events": "BIGINT",
    "max_temperature": "DOUBLE PRECISION",
    "avg_temperature": "DOUBLE PRECISION",
    "total_duration_seconds": "DOUBLE PRECISION",
    "energy_impact_wh": "DOUBLE PRECISION",
    "first_time": "TIMESTAMPTZ",
    "last_time": "TIMESTAMPTZ",
}
"""What `get_thermal_events_summary` returns: columns and their types."""

_EFFICIENCY = f"""
    SELECT jobs_completed, energy_j, total_cpu_hours, total_memory_gb_hours,
           {RATIOS}
    FROM (
        SELECT {SUMS}
        FROM job_metrics
        WHERE {COUNTED} AND ({{node}} IS NULL OR node_id = {{node}}) AND time >= {{since}} AND time < {{until}}
    ) sums
"""

_THERMAL = """
    SELECT event_type,
           COUNT(*) AS events,
           MAX(temperature) AS max_temperature,
           AVG(temperature) AS avg_temperature,
           SUM(duration_seconds) AS total_duration_seconds,
           SUM(energy_impact_wh) AS energy_impact_wh,
           MIN(time) AS first_time,
           MAX(time) AS last_time
    FROM thermal_events
    WHERE ({node} IS NULL OR node_id = {node}) AND time >= {since}
    GROUP BY event_type
    ORDER BY event_type
"""


def efficiency_query(node_id: str | None, since_s: float, until_s: float) -> sa.TextClause:
    """Return the query of `Store.calculate_energy_efficiency`."""
    text = _EFFICIENCY.format(node="CAST(:node AS TEXT)", since=":since", until=":until")
    return sa.text(text).bindparams(
        sa.bindparam("node", node_id, sa.Text), _time("since", since_s), _time("until", until_s)
    )


def thermal_query(node_id: str | None, since_s: float) -> Any:
    """Return the query of `Store.get_thermal_events_summary`."""
    text = sa.text(_THERMAL.format(node="CAST(:node AS TEXT)", since=":since"))
    bound = text.bindparams(sa.bindparam("node", node_id, sa.Text), _time("since", since_s))
    return bound.columns(first_time=UnixTime, last_time=UnixTime)


def _time(name: str, value_s: float) -> sa.BindParameter[float]:
    return sa.bindparam(name, value_s, UnixTime)


def make_functions(connection: sa.Connection) -> None:
    """Make the functions of PostgreSQL anew; SQLite has none."""
    if connection.dialect.name != "postgresql":
        return
    efficiency = _EFFICIENCY.format(node="p_node", since="p_since", until="p_until")
    thermal = _THERMAL.format(node="p_node", since="now() - p_hours * INTERVAL '1 hour'")
    arguments = "p_node TEXT, p_since TIMESTAMPTZ, p_until TIMESTAMPTZ"
    _make(connection, "calculate_energy_efficiency", arguments, EFFICIENCY_COLUMNS, efficiency)
    arguments = "p_node TEXT, p_hours DOUBLE PRECISION"
    _make(connection, "get_thermal_events_summary", arguments, THERMAL_COLUMNS, thermal)


def _make(connection: sa.Connection, name: str, arguments: str, columns: dict[str, str], body: str) -> None:
    kinds = ", ".join(word.split()[1] + (" PRECISION" if "DOUBLE" in word else "") for word in arguments.split(", "))
    connection.execute(sa.text(f"DROP FUNCTION IF EXISTS {name}({kinds})"))
    returned = ", ".join(f"{column} {kind}" for column, kind in columns.items())
    connection.execute(
        sa.text(
            f"CREATE FUNCTION {name}({arguments}) RETURNS TABLE ({returned}) LANGUAGE sql STABLE AS "
            f"$body$ SELECT * FROM ({body}) answer $body$"
        )
    )
