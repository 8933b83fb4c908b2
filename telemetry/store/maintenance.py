"""Upkeep: hours and days are summed up first, rows that are old enough are removed then, their sums stay.

Everything from the last removal on is summed up anew, since runs that began long ago may have changed. Rows that come
for a time before that are late: they make the sums of an hour or day that has none, and leave those that are there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from wattq.telemetry.store.derived import COUNTED, ROLLUPS, SUMS, Rollup
from wattq.telemetry.store.fields import DAY_S, HOUR_S
from wattq.telemetry.store.schema import METADATA, STATE, UnixTime
from wattq.telemetry.store.spelling import Flavor, bucket_of, rollup_query
from wattq.telemetry.store.tables import TABLES

__all__ = ["Maintenance", "maintain_store"]

_LOCK = 0x77617474716D


@dataclass(frozen=True)
class Maintenance:
    """What an upkeep did.

    Attributes:
        summed: rows that each roll-up has now, and `energy_efficiency`, from the last removal on.
        removed: rows that were removed, by table.
        late: rows that came too late for the sums of their hour or day, and were removed without, by table.
    """

    summed: dict[str, int] = field(default_factory=dict)
    removed: dict[str, int] = field(default_factory=dict)
    late: dict[str, int] = field(default_factory=dict)


def maintain_store(engine: sa.Engine, flavor: Flavor, now_s: float) -> Maintenance:
    """Sum up, then remove.

    Args:
        engine: the engine of the store.
        flavor: its kind.
        now_s: the present, Unix seconds; rows are removed by their age at this time.
    """
    done = Maintenance()
    with engine.begin() as connection:
        _lock(connection)
        _fill_efficiency(connection, flavor, now_s, done)
        if flavor != "timescaledb":
            for rollup in ROLLUPS.values():
                _fill(connection, flavor, rollup, done)
            _forget(connection, flavor, now_s, done)
    if flavor == "timescaledb":
        _refresh(engine, now_s, done)
        with engine.begin() as connection:
            _forget(connection, flavor, now_s, done)
    if flavor == "sqlite":
        _shrink(engine)
    return done


def _lock(connection: sa.Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})


def _removed_until(connection: sa.Connection, table: str) -> float:
    """Return the date before which rows of a table have been removed."""
    found = connection.execute(sa.select(STATE.c.time).where(STATE.c.name == f"removed {table}")).scalar()
    return 0.0 if found is None else float(found)


def _closed_until(connection: sa.Connection, flavor: Flavor, table: str, now_s: float) -> float:
    """Return the date before which rows of a table may have been removed."""
    known_s = _removed_until(connection, table)
    # Policies of TimescaleDB remove by themselves: chunks, which are days, that lie wholly before the limit.
    return max(known_s, _cutoff_s(table, now_s)) if flavor == "timescaledb" else known_s


def _remember(connection: sa.Connection, table: str, until_s: float) -> None:
    make: Any = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    insert = make(STATE).values(name=f"removed {table}", time=until_s)
    connection.execute(insert.on_conflict_do_update(index_elements=["name"], set_={"time": insert.excluded.time}))


def _text(sql: str, **dates_s: float) -> sa.TextClause:
    return sa.text(sql).bindparams(*(sa.bindparam(name, value, UnixTime) for name, value in dates_s.items()))


def _count(connection: sa.Connection, sql: str, **dates_s: float) -> int:
    return int(connection.execute(_text(f"SELECT COUNT(*) FROM {sql}", **dates_s)).scalar_one())


# --- hours of energy_efficiency, from job_metrics and node_metrics


def _fill_efficiency(connection: sa.Connection, flavor: Flavor, now_s: float, done: Maintenance) -> None:
    known_s = _closed_until(connection, flavor, "job_metrics", now_s)
    names = ("energy_j", "jobs_completed", "total_cpu_hours", "total_memory_gb_hours", "avg_thermal_efficiency")
    columns = (*names, "cooling_efficiency")
    replaced = ", ".join(f"{name} = excluded.{name}" for name in columns)
    insert = f"INSERT INTO energy_efficiency (time, node_id, {', '.join(columns)}) "
    hours = _hours(flavor)
    old = insert + hours.format(period="time < :since") + " ON CONFLICT (time, node_id) DO NOTHING"
    new = insert + hours.format(period="time >= :since") + f" ON CONFLICT (time, node_id) DO UPDATE SET {replaced}"
    connection.execute(_text(old, since=known_s))
    connection.execute(_text(new, since=known_s))
    done.summed["energy_efficiency"] = _count(connection, "energy_efficiency WHERE time >= :since", since=known_s)


def _hours(flavor: Flavor) -> str:
    bucket = bucket_of(flavor, HOUR_S)
    return f"""
    SELECT jobs.bucket, jobs.node_id, jobs.energy_j, jobs.jobs_completed, jobs.total_cpu_hours,
           jobs.total_memory_gb_hours, jobs.calm, cooling.watts_per_kelvin
    FROM (
        SELECT {bucket} AS bucket, node_id,
               {SUMS},
               SUM(CASE WHEN thermal_throttling THEN 0.0 ELSE duration_seconds END)
                   / NULLIF(SUM(duration_seconds), 0) AS calm
        FROM job_metrics
        WHERE {COUNTED} AND node_id IS NOT NULL AND {{period}}
        GROUP BY {bucket}, node_id
    ) jobs
    LEFT JOIN (
        SELECT {bucket} AS bucket, node_id,
               CASE WHEN AVG(cpu_temp - system_temp) > 0
                    THEN AVG(power_consumption_watts) / AVG(cpu_temp - system_temp) END AS watts_per_kelvin
        FROM node_metrics
        WHERE power_consumption_watts IS NOT NULL AND cpu_temp IS NOT NULL AND system_temp IS NOT NULL AND {{period}}
        GROUP BY {bucket}, node_id
    ) cooling ON cooling.bucket = jobs.bucket AND cooling.node_id = jobs.node_id
    WHERE jobs.jobs_completed > 0
    """


# --- roll-ups that are tables


def _fill(connection: sa.Connection, flavor: Flavor, rollup: Rollup, done: Maintenance) -> None:
    name, columns = rollup.table.name, ", ".join(rollup.table.names)
    known_s = _removed_until(connection, rollup.source)
    bucket = bucket_of(flavor, rollup.step_s)
    closed = f"{bucket} IN (SELECT bucket FROM {name})"
    late = _count(connection, f"{rollup.source} WHERE time < :since AND {closed}", since=known_s)
    if late:
        done.late[rollup.source] = late
    connection.execute(_text(f"DELETE FROM {name} WHERE bucket >= :since", since=known_s))
    for where in (f"WHERE time < :since AND NOT ({closed})", "WHERE time >= :since"):
        query = rollup_query(rollup, flavor, where)
        connection.execute(_text(f"INSERT INTO {name} ({columns}) {query}", since=known_s))
    done.summed[name] = _count(connection, f"{name} WHERE bucket >= :since", since=known_s)


# --- continuous aggregates


def _refresh(engine: sa.Engine, now_s: float, done: Maintenance) -> None:
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for rollup in ROLLUPS.values():
            known_s = _closed_until(connection, "timescaledb", rollup.source, now_s)
            _refresh_late(connection, rollup, known_s, done)
            _refresh_between(connection, rollup, known_s, (now_s // rollup.step_s + 1) * rollup.step_s)
            name = rollup.table.name
            done.summed[name] = _count(connection, f"{name} WHERE bucket >= :since", since=known_s)


def _refresh_late(connection: sa.Connection, rollup: Rollup, known_s: float, done: Maintenance) -> None:
    """Sum up hours or days that have rows, but no sums, and may lack rows; those that have sums stay."""
    bucket, name = bucket_of("timescaledb", rollup.step_s), rollup.table.name
    query = f"SELECT {bucket} AS bucket, COUNT(*) FROM {rollup.source} WHERE time < :since GROUP BY 1 ORDER BY 1"
    old = connection.execute(_text(query, since=known_s).columns(bucket=UnixTime)).fetchall()
    there = _text(f"SELECT DISTINCT bucket FROM {name} WHERE bucket < :since", since=known_s).columns(bucket=UnixTime)
    closed = set(connection.execute(there).scalars()) if old else set()
    removed_s = _removed_until(connection, rollup.source)
    late = sum(count for begin_s, count in old if begin_s in closed and begin_s < removed_s)
    if late:
        done.late[rollup.source] = late
    for begin_s, end_s in _spans((begin_s for begin_s, _ in old if begin_s not in closed), rollup.step_s):
        _refresh_between(connection, rollup, begin_s, end_s)


def _spans(begins_s: Iterable[float], step_s: float) -> list[tuple[float, float]]:
    """Join neighbouring hours or days to spans."""
    spans: list[tuple[float, float]] = []
    for begin_s in begins_s:
        if spans and spans[-1][1] == begin_s:
            spans[-1] = (spans[-1][0], begin_s + step_s)
        else:
            spans.append((begin_s, begin_s + step_s))
    return spans


def _refresh_between(connection: sa.Connection, rollup: Rollup, begin_s: float, end_s: float) -> None:
    call = f"CALL refresh_continuous_aggregate('{rollup.table.name}', CAST(:begin AS TIMESTAMPTZ), :end)"
    connection.execute(_text(call.replace(":end", "CAST(:end AS TIMESTAMPTZ)"), begin=begin_s, end=end_s))


# --- removal


def _cutoff_s(table: str, now_s: float) -> float:
    """Return the date before which rows are removed; whole days, so that no hour or day is left in part."""
    return max(0.0, (now_s // DAY_S - TABLES[table].kept_days) * DAY_S)


def _forget(connection: sa.Connection, flavor: Flavor, now_s: float, done: Maintenance) -> None:
    for name, table in TABLES.items():
        if not table.kept_days:
            continue
        until_s = max(_cutoff_s(name, now_s), _removed_until(connection, name))
        done.removed[name] = _count(connection, f"{name} WHERE time < :until", until=until_s)
        if flavor == "timescaledb":
            connection.execute(
                _text(f"SELECT drop_chunks('{name}', older_than => CAST(:until AS TIMESTAMPTZ))", until=until_s)
            )
        target = METADATA.tables[name]
        connection.execute(target.delete().where(target.c.time < until_s))
        _remember(connection, name, until_s)


def _shrink(engine: sa.Engine) -> None:
    """Give the disk back what removed rows took."""
    connection = engine.raw_connection()
    try:
        cursor = connection.cursor()
        for pragma in ("incremental_vacuum", "optimize", "wal_checkpoint(TRUNCATE)"):
            cursor.execute(f"PRAGMA {pragma}")
            cursor.fetchall()
        cursor.close()
    finally:
        connection.close()
