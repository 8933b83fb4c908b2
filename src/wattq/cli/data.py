"""``wattq data``: the catalogue of public traces."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="List and fetch public traces.")


@app.command("list")
def list_traces(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the traces known by name: what they are, where they come from, their terms, what to cite."""
    import json
    from dataclasses import asdict

    from wattq.workloads import TRACES, cache_dir

    if as_json:
        typer.echo(json.dumps([asdict(trace) for trace in TRACES.values()], indent=1))
        return
    for trace in TRACES.values():
        typer.echo(f"{trace.name}: {trace.description}; {trace.jobs:,} jobs")
        typer.echo(f"  from    {trace.source}: {trace.origin}")
        typer.echo(f"  sha256  {trace.sha256} ({trace.filename})")
        typer.echo(f"  terms   {trace.licence}")
        typer.echo(f"  cite    {trace.citation}")
    typer.echo(f"downloads are kept in {cache_dir()}; $WATTQ_DATA names another folder")


@app.command()
def get(
    names: Annotated[list[str], typer.Argument(help="Names of `wattq data list`, upper or lower case.")],
    data: Annotated[
        list[Path] | None, typer.Option("--data", help="Folder with traces, searched first; repeatable.")
    ] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Never download.")] = False,
) -> None:
    """Find or download traces, check their sha256, and print where each file lies."""
    from wattq.experiments.inputs import data_dirs
    from wattq.workloads import get_trace

    for name in names:
        typer.echo(str(get_trace(name, data_dirs=[*(data or []), *data_dirs()], offline=offline)))
