"""``wattq telemetry store``: make a store, look at it, keep it small, take rows out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from wattq.telemetry.store.maintenance import Maintenance
    from wattq.telemetry.store.summary import StoreSummary

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="The store of measurements: SQLite, PostgreSQL, TimescaleDB.")

Address = Annotated[
    str,
    typer.Option(
        "--store", help="Path of an SQLite file, or postgresql://user@host/db (default: store.url of the settings)."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def init(store: Address = "") -> None:
    """Make the tables, roll-ups, views and functions of a store, or bring an older one to the latest version."""
    from wattq.telemetry.store import open_store
    from wattq.telemetry.store.summary import summarise_store

    with open_store(_address(store)) as opened:
        summary = summarise_store(opened)
    typer.echo(f"{summary.address}: {summary.kind}, schema {summary.schema}, {len(summary.relations)} tables and views")
    if summary.timescale_unused:
        typer.echo(
            "note: this server has TimescaleDB; CREATE EXTENSION timescaledb in an empty database uses it", err=True
        )


@app.command()
def show(store: Address = "", json: AsJson = False) -> None:
    """Show what a store holds: rows and periods of its tables, and rows that wait in the spool."""
    from wattq.telemetry.store import open_store
    from wattq.telemetry.store.summary import summarise_store

    address = _address(store)
    with open_store(address, create=False) as opened:
        summary = summarise_store(opened)
    waiting = _waiting(address)
    typer.echo(_summary_json(summary, waiting) if json else _summary_text(summary, waiting))


@app.command()
def maintain(store: Address = "", json: AsJson = False) -> None:
    """Sum up hours and days, then remove rows older than their table keeps them; meant to run once a day."""
    import time

    from wattq.telemetry.store import open_store

    with open_store(_address(store), create=False) as opened:
        done = opened.maintain(time.time())
    typer.echo(_maintenance_json(done) if json else _maintenance_text(done))


@app.command()
def export(
    name: Annotated[str, typer.Argument(help="Table, roll-up or view, such as job_metrics.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write: .csv, .csv.gz, .csv.xz or .parquet.")],
    store: Address = "",
    start: Annotated[str, typer.Option("--start", help="Begin: 2026-11-21, or 2026-11-21T14:30Z (UTC).")] = "",
    end: Annotated[str, typer.Option("--end", help="End, not part of the period; written as --start.")] = "",
) -> None:
    """Write rows of a period to a file; dates in it are Unix seconds (UTC), as everywhere."""
    from wattq.errors import TelemetryError
    from wattq.telemetry.period import date_s
    from wattq.telemetry.store import open_store
    from wattq.telemetry.store.export import export_rows

    since_s = date_s(start, "--start") if start else None
    until_s = date_s(end, "--end") if end else None
    if since_s is not None and until_s is not None and since_s >= until_s:
        raise TelemetryError(f"--start {start} --end {end}: the end must be after the start")
    with open_store(_address(store), create=False) as opened:
        rows = export_rows(opened, name, output, since_s=since_s, until_s=until_s)
    typer.echo(f"{_rows(rows)} of {name} written to {output}")


def _address(named: str) -> str:
    from wattq.errors import TelemetryError
    from wattq.settings import load_settings

    address = named or load_settings().store.url
    if not address:
        raise TelemetryError("no store: name one with --store, or as store.url in the settings ($WATTQ_STORE_URL)")
    return address


def _waiting(address: str) -> tuple[str, int] | None:
    """Return the spool that loggers use for a store and how many rows wait in it; None where there is none."""
    from wattq.settings import load_settings
    from wattq.telemetry.loggers.store_sink import spool_folder
    from wattq.telemetry.store.spool import pending_rows

    folder = spool_folder(address, load_settings().store.spool)
    return (str(folder), pending_rows(folder)) if folder.is_dir() else None


def _summary_json(summary: StoreSummary, waiting: tuple[str, int] | None) -> str:
    import json

    spool = None if waiting is None else {"folder": waiting[0], "rows": waiting[1]}
    return json.dumps({**summary.as_dict(), "spool": spool}, indent=2)


def _summary_text(summary: StoreSummary, waiting: tuple[str, int] | None) -> str:
    from wattq.telemetry.period import date_text

    lines = [f"{summary.address}: {summary.kind}, schema {summary.schema}, {summary.bytes / 1e6:.1f} MB"]
    lines.append(f"{'':24} {'rows':>10}  {'first (UTC)':16}  {'last (UTC)':16}  kept")
    for found in summary.relations:
        first, last = ("" if date is None else date_text(date) for date in (found.first_s, found.last_s))
        kept = f"{found.kept_days} d" if found.kept_days else ""
        lines.append(f"{found.name:24} {found.rows:10d}  {first:16}  {last:16}  {kept}".rstrip())
    if waiting is not None:
        lines.append(f"waiting in {waiting[0]}: {_rows(waiting[1])}")
    return "\n".join(lines)


def _maintenance_json(done: Maintenance) -> str:
    import json
    from dataclasses import asdict

    return json.dumps(asdict(done), indent=2)


def _maintenance_text(done: Maintenance) -> str:
    lines = [f"{name}: {_rows(rows)} summed up" for name, rows in done.summed.items()]
    lines += [f"{name}: {_rows(rows, 'old ')} removed" for name, rows in done.removed.items() if rows]
    lines += [f"{name}: {_rows(rows)} came too late for the sums of their time" for name, rows in done.late.items()]
    return "\n".join(lines)


def _rows(count: int, kind: str = "") -> str:
    return f"{count} {kind}row{'' if count == 1 else 's'}"
