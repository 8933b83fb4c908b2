"""``wattq telemetry``: sensors of this machine, and carbon intensity and prices from public services."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wattq.cli import (
    telemetry_align,
    telemetry_exporter,
    telemetry_loggers,
    telemetry_report,
    telemetry_stack,
    telemetry_store,
)

if TYPE_CHECKING:
    from wattq.telemetry import AnswerCache, Fetcher, Series

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True,
    help="Log sensors, store and show measurements; fetch carbon intensities and prices of the grid.",
)

From = Annotated[str, typer.Option("--from", help="Begin: 2021-01-31 (midnight UTC), or 2021-01-31T14:30Z.")]
To = Annotated[str, typer.Option("--to", help="End, not part of the period; written as --from.")]
Out = Annotated[Path, typer.Option("--out", "-o", help="CSV to write: .csv, .csv.gz or .csv.xz.")]
Cache = Annotated[
    Path | None, typer.Option("--cache", help="Folder of answers; by default in $WATTQ_DATA or the user's cache.")
]
Offline = Annotated[bool, typer.Option("--offline", help="Use the cache alone, never ask the service.")]
Tries = Annotated[int, typer.Option("--tries", min=1, max=20, help="How often an address is asked at most.")]
Pause = Annotated[
    float,
    typer.Option("--pause", min=0.0, max=60.0, help="Seconds before the second try; doubled for each next."),
]


@app.command()
def carbon(
    start: From,
    end: To,
    out: Out,
    url: Annotated[str, typer.Option("--url", help="Base address; by default the public service.")] = "",
    cache: Cache = None,
    offline: Offline = False,
    tries: Tries = 5,
    pause: Pause = 1.0,
) -> None:
    """Fetch Great Britain's carbon intensity (g/kWh), half hour by half hour, forecast and actual.

    The service is asked in pieces of at most 14 days.
    """
    from wattq.telemetry import CARBON_URL, CarbonFeed
    from wattq.telemetry.feed import parse_period

    period = parse_period(start, end)
    feed = CarbonFeed(url or CARBON_URL, _fetcher(tries, pause), _cache(cache), offline)
    _write(feed.fetch(*period), out)


@app.command()
def price(
    start: From,
    end: To,
    out: Out,
    zone: Annotated[str, typer.Option("--zone", help="Bidding zone, such as DE-LU, FR or NO2.")] = "DE-LU",
    url: Annotated[str, typer.Option("--url", help="Base address; by default the public service.")] = "",
    cache: Cache = None,
    offline: Offline = False,
    tries: Tries = 5,
    pause: Pause = 1.0,
) -> None:
    """Fetch day-ahead prices of a bidding zone from Energy-Charts; negative ones keep their sign."""
    from wattq.telemetry import PRICE_URL, PriceFeed
    from wattq.telemetry.feed import parse_period

    period = parse_period(start, end)
    feed = PriceFeed(zone, url or PRICE_URL, _fetcher(tries, pause), _cache(cache), offline)
    _write(feed.fetch(*period), out)


def _fetcher(tries: int, pause: float) -> Fetcher:
    from wattq.telemetry import Fetcher

    return Fetcher(tries=tries, pause_s=pause)


def _cache(folder: Path | None) -> AnswerCache:
    from wattq.telemetry import AnswerCache
    from wattq.workloads import cache_dir

    return AnswerCache(folder or cache_dir() / "feeds")


def _write(series: Series, out: Path) -> None:
    from wattq.errors import InvalidInputError
    from wattq.files import compress_for, plain_name, write_whole
    from wattq.telemetry.series_text import series_csv

    if not plain_name(out).endswith(".csv"):
        raise InvalidInputError(f"{out}: the ending says what to write; use .csv, also with .gz or .xz")
    write_whole(out, compress_for(out, series_csv(series).encode()))
    for note in series.notes:
        typer.echo(f"note: {note}", err=True)
    typer.echo(f"{len(series.intervals)} intervals of {series.region} ({series.unit}) written to {out}")
    typer.echo(f"{series.requests} requests to {series.source}")


app.command("align")(telemetry_align.align)
app.command("node")(telemetry_loggers.node)
app.command("nvml")(telemetry_loggers.nvml)
app.command("rapl")(telemetry_loggers.rapl)
app.command("report")(telemetry_report.report)
app.command("stack")(telemetry_stack.stack)
app.add_typer(telemetry_exporter.app, name="exporter")
app.add_typer(telemetry_store.app, name="store")
