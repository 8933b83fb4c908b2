"""``wattq report``: one HTML file from run directories."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wattq.cli.values import check_tau
from wattq.errors import MissingFileError

__all__ = ["report"]


def report(
    runs: Annotated[
        list[Path], typer.Argument(help="Run directories (also of the real Batsim), or folders that hold some.")
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="HTML file (default: report.html in the first folder).")
    ] = None,
    prefix: Annotated[str, typer.Option(help="What precedes the file names, such as out_ for Batsim's -e out.")] = "",
    title: Annotated[str, typer.Option(help="Heading of the report.")] = "Comparison of scheduling policies",
    tau: Annotated[float, typer.Option(help="Bound of the bounded slowdown, s.")] = 10.0,
) -> None:
    """Write a report on finished runs: table, pictures, provenance; print the table."""
    check_tau(tau)
    missing = next((place for place in runs if not place.is_dir()), None)
    if missing is not None:
        raise MissingFileError(f"{missing}: no such folder; give run directories, or folders that hold some")

    from wattq.experiments.comparison import group_runs
    from wattq.experiments.folders import run_directories, write_text
    from wattq.experiments.reading import read_run
    from wattq.experiments.report import report_html
    from wattq.experiments.table import text_table

    found = [runs_below for place in runs for runs_below in ([place] if prefix else run_directories(place))]
    cases = group_runs([read_run(directory, prefix) for directory in dict.fromkeys(found)], tau)
    target = output or runs[0] / "report.html"
    write_text(target, report_html(cases, title, tau_s=tau))
    typer.echo(text_table(cases))
    typer.echo(f"\n{target}")
