"""``wattq workload``: convert, clean, describe and generate workloads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wattq.cli.cleaning import with_cleaning
from wattq.workloads.options import CleaningOptions

if TYPE_CHECKING:
    from wattq.workloads import Workload

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Convert, clean, describe and generate workloads (SWF, Batsim JSON).")

_Source = Annotated[
    str, typer.Argument(help="SWF log or Batsim JSON, plain, gzip or xz; or a name of `wattq data list`.")
]
_Out = Annotated[
    Path, typer.Argument(help="File to write: .json (Batsim), .swf or .csv (table of jobs), also with .gz or .xz.")
]
_Data = Annotated[list[Path] | None, typer.Option("--data", help="Folder with traces, searched first; repeatable.")]
_Speed = Annotated[float, typer.Option("--speed", help="Speed of a host, flop/s, at which a job lasts its run time.")]
_FORM_HELP = "Profiles: delay (draws idle power) or parallel_homogeneous (draws computing power)."


@app.command()
@with_cleaning
def convert(
    source: _Source,
    out: _Out,
    form: Annotated[str | None, typer.Option(help=_FORM_HELP + " JSON keeps its own when absent.")] = None,
    speed: _Speed = 1e9,
    data: _Data = None,
    options: CleaningOptions | None = None,
) -> None:
    """Turn a log or a Batsim workload into Batsim JSON, SWF or a CSV table of jobs."""
    workload = _read(source, data, form or "parallel_homogeneous", speed, options)
    _write(workload, out, form, speed)
    _print_report(workload)
    typer.echo(f"{workload.n_jobs} jobs for {workload.nb_res} hosts written to {out}")


@app.command()
@with_cleaning
def clean(
    source: _Source,
    out: Annotated[Path, typer.Argument(help="SWF file to write, also with .gz or .xz.")],
    data: _Data = None,
    options: CleaningOptions | None = None,
) -> None:
    """Clean an SWF log, write it as SWF, and say what was dropped and repaired."""
    from wattq.workloads import write_swf

    workload = _read(source, data, "delay", 1e9, options)
    write_swf(workload, out)
    _print_report(workload)
    typer.echo(f"{workload.n_jobs} jobs for {workload.nb_res} hosts written to {out}")


@app.command()
@with_cleaning
def stats(
    source: _Source,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    speed: _Speed = 1e9,
    data: _Data = None,
    options: CleaningOptions | None = None,
) -> None:
    """Describe a workload: counts, load, sizes, run times, walltime accuracy, arrivals by hour."""
    import dataclasses
    import json

    from wattq.workloads import stats_lines, workload_stats

    workload = _read(source, data, "parallel_homogeneous", speed, options)
    numbers = workload_stats(workload, speed_flops=speed)
    if as_json:
        typer.echo(json.dumps(numbers | {"report": dataclasses.asdict(workload.report)}, indent=1))
        return
    _print_report(workload)
    typer.echo("\n".join(stats_lines(numbers)))


@app.command()
def generate(
    out: _Out,
    jobs: Annotated[int, typer.Option("--jobs", "-n", help="Number of jobs.")] = 1000,
    hosts: Annotated[int, typer.Option(help="Hosts of the machine.")] = 100,
    seed: Annotated[int, typer.Option(help="Seed; the same seed gives the same file.")] = 0,
    load: Annotated[float, typer.Option(help="Offered load; above 1 the queue grows.")] = 1.1,
    users: Annotated[int, typer.Option(help="Number of users.")] = 100,
    form: Annotated[str, typer.Option(help=_FORM_HELP)] = "parallel_homogeneous",
    speed: _Speed = 1e9,
) -> None:
    """Generate jobs that keep a machine saturated."""
    from wattq.workloads import generate_saturated

    workload = generate_saturated(jobs, hosts, seed, load=load, users=users, form=form, speed_flops=speed)
    _write(workload, out, None, speed)
    typer.echo(f"{workload.n_jobs} generated jobs for {workload.nb_res} hosts written to {out}")


def _read(source: str, data: list[Path] | None, form: str, speed: float, options: CleaningOptions | None) -> Workload:
    from wattq.experiments.inputs import data_dirs
    from wattq.workloads import locate_workload, read_workload

    path = locate_workload(source, data_dirs=[*(data or []), *data_dirs()])
    return read_workload(path, options=options, form=form, speed_flops=speed)


def _write(workload: Workload, out: Path, form: str | None, speed: float) -> None:
    from wattq.errors import InvalidInputError
    from wattq.workloads import write_batsim_json, write_jobs_csv, write_swf

    name = out.name.removesuffix(".gz").removesuffix(".xz")
    if name.endswith(".json"):
        write_batsim_json(workload, out, form=form, speed_flops=speed)
    elif name.endswith(".swf"):
        write_swf(workload, out, speed_flops=speed)
    elif name.endswith(".csv"):
        write_jobs_csv(workload, out, speed_flops=speed)
    else:
        raise InvalidInputError(f"{out}: the ending says what to write; use .json, .swf or .csv, also with .gz or .xz")


def _print_report(workload: Workload) -> None:
    from wattq.workloads import report_lines

    typer.echo("\n".join(report_lines(workload.report)))
