"""``wattq telemetry report``: what a period of a store says about energy, heat and predictions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["report"]

_WEEK_S = 7 * 86400.0


def report(
    store: Annotated[
        str, typer.Option("--store", help="Store: path or URL (default: store.url of the settings).")
    ] = "",
    start: Annotated[
        str,
        typer.Option("--start", "--start_date", help="Begin, a date or time, UTC (default: a week before the end)."),
    ] = "",
    end: Annotated[
        str, typer.Option("--end", "--end_date", help="End, not part of the period, UTC (default: now).")
    ] = "",
    kind: Annotated[
        str,
        typer.Option(
            "--type", "--report_type", help="efficiency, anomalies, thermal, predictions (with commas), or all."
        ),
    ] = "all",
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Folder for report.html, report.json and its schema (default: text alone)."
        ),
    ] = None,
) -> None:
    """Report energy for work, anomalies, heat and predictions of a period, and what to do about them.

    Prices and carbon intensities are those of the settings (signals.price, signals.carbon, signals.pue).
    """
    import time

    from wattq.errors import TelemetryError
    from wattq.settings import load_settings
    from wattq.telemetry.period import date_s
    from wattq.telemetry.reports import grid_terms, make_report, report_text, report_types, write_report
    from wattq.telemetry.store import open_store

    settings = load_settings()
    types, address = report_types(kind), store or settings.store.url
    if not address:
        raise TelemetryError("no store: name one with --store, or as store.url in the settings ($WATTQ_STORE_URL)")
    end_s = date_s(end, "--end") if end else time.time()
    start_s = date_s(start, "--start") if start else end_s - _WEEK_S
    terms = grid_terms(settings.signals)
    with open_store(address, create=False) as opened:
        made = make_report(opened, start_s, end_s, terms, types)
    typer.echo(report_text(made), nl=False)
    for path in write_report(made, output) if output is not None else ():
        typer.echo(f"written: {path}")
