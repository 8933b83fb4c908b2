"""``wattq data``: the catalogues of public traces and of public series of carbon intensity and price."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="List and fetch public traces, and public series of the grid.")


@app.command("list")
def list_traces(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the traces and series known by name: what they are, where they come from, their terms, what to cite."""
    import json
    from dataclasses import asdict

    from wattq.telemetry import SERIES
    from wattq.workloads import TRACES, cache_dir

    if as_json:
        typer.echo(json.dumps([*map(asdict, TRACES.values()), *map(asdict, SERIES.values())], indent=1))
        return
    for trace in TRACES.values():
        typer.echo(f"{trace.name}: {trace.description}; {trace.jobs:,} jobs")
        _print_entry(trace.source, trace.origin, trace.sha256, trace.filename, trace.licence, trace.citation)
    for series in SERIES.values():
        typer.echo(f"{series.name}: {series.description}")
        _print_entry(series.source, series.origin, series.sha256, series.filename, series.licence, series.citation)
    typer.echo(f"downloads are kept in {cache_dir()}; $WATTQ_DATA names another folder")


def _print_entry(source: str, origin: str, sha256: str, filename: str, licence: str, citation: str) -> None:
    typer.echo(f"  from    {source}: {origin}")
    typer.echo(f"  sha256  {sha256} ({filename})")
    typer.echo(f"  terms   {licence}")
    typer.echo(f"  cite    {citation}")


@app.command()
def get(
    names: Annotated[list[str], typer.Argument(help="Names of `wattq data list`, upper or lower case.")],
    data: Annotated[
        list[Path] | None, typer.Option("--data", help="Folder with files, searched first; repeatable.")
    ] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Never download.")] = False,
) -> None:
    """Find or download traces and series, check their sha256, and print where each file lies."""
    for name in names:
        typer.echo(str(_get(name, data or [], offline)))


def _get(name: str, folders: list[Path], offline: bool) -> Path:
    import difflib

    from wattq.errors import InvalidInputError
    from wattq.experiments.inputs import data_dirs
    from wattq.telemetry import SERIES, get_series, series_dirs
    from wattq.workloads import TRACES, get_trace

    if name.lower() in {known.lower() for known in TRACES}:
        return get_trace(name, data_dirs=[*folders, *data_dirs()], offline=offline)
    if name.lower() in {known.lower() for known in SERIES}:
        return get_series(name, data_dirs=[*folders, *series_dirs()], offline=offline)
    by_lower = {known.lower(): known for known in (*TRACES, *SERIES)}
    near = [by_lower[key] for key in difflib.get_close_matches(name.lower(), by_lower, n=3, cutoff=0.4)]
    raise InvalidInputError(
        f"{name[:80]!r}: not in the catalogue; {'nearest' if near else 'some'} names: "
        f"{', '.join(near or [*list(TRACES)[:3], *list(SERIES)[:3]])} (wattq data list)"
    )
