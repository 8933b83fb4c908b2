"""``wattq signal``: what a file of carbon intensity or prices holds, and the same as wattq's CSV."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from wattq.platforms.signals import Signal

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Show and convert carbon intensities and prices.")

File = Annotated[str, typer.Argument(help="File, or a series of `wattq data list`.")]
Quantity = Annotated[str | None, typer.Option("--quantity", help="carbon, price, pue or temperature.")]
Unit = Annotated[str | None, typer.Option("--unit", help="Unit where the file has none, such as EUR/MWh.")]
Region = Annotated[str | None, typer.Option("--region", help="Zone to take, or the name of the region.")]
Column = Annotated[str | None, typer.Option("--column", help="Column of the values; DE for SMARD's two.")]
Zone = Annotated[str | None, typer.Option("--time-zone", help="IANA zone of dates without UTC offset.")]
Scope = Annotated[str | None, typer.Option("--scope", help="direct or life-cycle, where a file has both.")]
Gaps = Annotated[str, typer.Option("--gaps", help="refuse, hold, linear or same-hour.")]
Values = Annotated[str, typer.Option("--values", help="actual or forecast, where a file has both.")]
Factor = Annotated[
    list[str] | None, typer.Option("--factor", help="Emission factor KIND=g/kWh of ENTSO-E's kinds; repeatable.")
]


@app.command()
def show(
    file: File,
    quantity: Quantity = None,
    unit: Unit = None,
    region: Region = None,
    column: Column = None,
    time_zone: Zone = None,
    scope: Scope = None,
    gaps: Gaps = "refuse",
    values: Values = "actual",
    factor: Factor = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print what a series holds: quantity, unit, span, steps, mean and range, zone, notes."""
    import json

    from wattq.platforms.signals.summary import signal_summary

    signal = _read(file, quantity, unit, region, column, time_zone, scope, gaps, values, factor)
    summary = signal_summary(signal)
    if as_json:
        typer.echo(json.dumps({**summary, "notes": list(signal.notes)}, indent=1, ensure_ascii=False))
        return
    for name, value in summary.items():
        typer.echo(f"{name:<15} {value}")
    for note in signal.notes:
        typer.echo(f"note: {note}")


@app.command()
def convert(
    file: File,
    out: Annotated[Path, typer.Argument(help="CSV to write: .csv, .csv.gz or .csv.xz.")],
    quantity: Quantity = None,
    unit: Unit = None,
    region: Region = None,
    column: Column = None,
    time_zone: Zone = None,
    scope: Scope = None,
    gaps: Gaps = "refuse",
    values: Values = "actual",
    factor: Factor = None,
    step: Annotated[
        float | None, typer.Option("--step", help="Minutes of a regular step; its means are written.")
    ] = None,
) -> None:
    """Write a series as wattq's CSV (from, to, forecast, actual, region), in UTC and without gaps."""
    from wattq.errors import InvalidInputError
    from wattq.files import plain_name
    from wattq.platforms.signals import regular_signal, write_signal

    if not plain_name(out).endswith(".csv"):
        raise InvalidInputError(f"{out}: the ending says what to write; use .csv, also with .gz or .xz")
    signal = _read(file, quantity, unit, region, column, time_zone, scope, gaps, values, factor)
    if step is not None:
        signal = regular_signal(signal, step * 60)
    write_signal(signal, out)
    for note in signal.notes:
        typer.echo(f"note: {note}")
    typer.echo(f"{signal.value.size} values of {signal.quantity} in {signal.unit}, {signal.span}, written to {out}")


def _read(
    file: str,
    quantity: str | None,
    unit: str | None,
    region: str | None,
    column: str | None,
    time_zone: str | None,
    scope: str | None,
    gaps: str,
    values: str,
    factor: list[str] | None,
) -> Signal:
    from wattq.platforms.signals import read_signal
    from wattq.telemetry import locate_series, series_dirs

    path = locate_series(file, data_dirs=series_dirs())
    return read_signal(
        path, quantity=quantity, unit=unit, region=region, column=column, time_zone=time_zone, scope=scope, gaps=gaps,
        values=values, factors=_factors(factor or []),
    )  # fmt: skip


def _factors(words: list[str]) -> dict[str, float]:
    from wattq.errors import InvalidInputError

    found = {}
    for word in words:
        kind, equals, value = word.rpartition("=")
        try:
            found[kind.strip()] = float(value)
        except ValueError:
            equals = ""
        if not equals or not kind.strip():
            raise InvalidInputError(f"--factor '{word[:80]}': a pair KIND=NUMBER is expected, such as 'Other=700'")
    return found
