"""``wattq sla``: runs held against service-level targets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wattq.errors import InvalidInputError, MissingFileError

__all__ = ["sla"]


def sla(
    runs: Annotated[
        list[Path], typer.Argument(help="Run directories (also of the real Batsim), or folders that hold some.")
    ],
    targets: Annotated[Path, typer.Option("--targets", "-t", help="YAML file of targets.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File of all violations; .json or .csv.")
    ] = None,
    workload: Annotated[
        Path | None,
        typer.Option(
            "--workload", "-w", help="Workload w0 of the runs, for those without submitted.csv (of the real Batsim)."
        ),
    ] = None,
    prefix: Annotated[str, typer.Option(help="What precedes the file names, such as out_ for Batsim's -e out.")] = "",
    check: Annotated[bool, typer.Option("--check", help="End with exit code 1 when a target was not met.")] = False,
) -> None:
    """Hold finished runs against deadlines, percentiles and limits of preemption; list what was not met."""
    missing = next((place for place in runs if not place.is_dir()), None)
    if missing is not None:
        raise MissingFileError(f"{missing}: no such folder; give run directories, or folders that hold some")
    if output is not None and output.suffix not in (".json", ".csv"):
        raise InvalidInputError(f"{output}: the name ends neither in .json nor in .csv; choose one of them")

    from wattq.experiments.folders import run_directories, write_text
    from wattq.experiments.reading import read_run
    from wattq.experiments.sla import judge
    from wattq.experiments.sla_output import sla_csv, sla_json, sla_text
    from wattq.experiments.sla_targets import read_targets
    from wattq.experiments.submitted import with_workload

    promised = read_targets(targets)
    found = dict.fromkeys(below for place in runs for below in ([place] if prefix else run_directories(place)))
    results = {directory: read_run(directory, prefix) for directory in found}
    if workload is not None:
        results = {directory: with_workload(run, workload) for directory, run in results.items()}
    reports = [(directory.as_posix(), judge(run, promised)) for directory, run in results.items()]
    if output is not None:
        write_text(output, sla_csv(reports) if output.suffix == ".csv" else sla_json(reports))
    typer.echo(sla_text(reports))
    if check and any(report.violations for _, report in reports):
        raise typer.Exit(1)
