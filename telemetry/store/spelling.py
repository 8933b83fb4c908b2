"""What SQLite, PostgreSQL and TimescaleDB spell differently in the queries of roll-ups and views."""

from __future__ import annotations

from typing import Literal

from wattq.telemetry.store.derived import Rollup, View
from wattq.telemetry.store.fields import DAY_S, HOUR_S

__all__ = ["Flavor", "bucket_of", "rollup_query", "view_query"]

Flavor = Literal["sqlite", "postgresql", "timescaledb"]
"""Kinds of store."""

_SQLITE_NOW = "((julianday('now') - 2440587.5) * 86400.0)"
_UNITS = {HOUR_S: "hour", DAY_S: "day"}


def bucket_of(flavor: Flavor, step_s: int) -> str:
    """Return the expression for the begin (UTC) of the hour or day that ``time`` lies in."""
    if flavor == "sqlite":
        return f"(CAST(time / {step_s} AS INTEGER) * {step_s}.0)"
    if flavor == "timescaledb":
        return f"time_bucket(INTERVAL '1 {_UNITS[step_s]}', time)"
    return f"date_trunc('{_UNITS[step_s]}', time, 'UTC')"


def rollup_query(rollup: Rollup, flavor: Flavor, where: str = "") -> str:
    """Return the query of a roll-up over its source.

    Args:
        rollup: the roll-up.
        flavor: the kind of store.
        where: a ``WHERE`` clause; everything without it.
    """
    return rollup.sql.format(bucket=bucket_of(flavor, rollup.step_s), where=where).strip()


def view_query(view: View, flavor: Flavor) -> str:
    """Return the query of a view."""
    if flavor == "sqlite":
        ago = {f"ago_{name}": f"({_SQLITE_NOW} - {seconds})" for name, seconds in (("7d", 7 * DAY_S), ("24h", DAY_S))}
        return view.sql.format(elapsed=f"({_SQLITE_NOW} - j.time)", **ago).strip()
    ago = {"ago_7d": "now() - INTERVAL '7 days'", "ago_24h": "now() - INTERVAL '24 hours'"}
    elapsed = "CAST(EXTRACT(EPOCH FROM now() - j.time) AS DOUBLE PRECISION)"
    return view.sql.format(elapsed=elapsed, **ago).strip()
