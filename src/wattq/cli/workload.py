"""``wattq workload``: convert, clean, describe and generate workloads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wattq.cli import workload_convert, workload_generate, workload_privacy
from wattq.cli.cleaning import with_cleaning
from wattq.cli.workload_files import read_source, write_out
from wattq.workloads.options import CleaningOptions

if TYPE_CHECKING:
    from wattq.workloads import Workload

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Convert, clean, merge, describe and generate workloads of many formats.")
app.add_typer(workload_generate.app, name="generate")
app.command("anonymize")(workload_privacy.anonymize)
app.command("purge")(workload_privacy.purge)
app.command("merge")(workload_convert.merge)
app.command("formats")(workload_convert.formats)
app.command("query")(workload_convert.query)

_Source = Annotated[
    str,
    typer.Argument(
        help="Workload of any of `wattq workload formats`, plain, gzip or xz; or a name of `wattq data list`."
    ),
]
_Out = Annotated[
    Path,
    typer.Argument(
        help="File to write: .json (Batsim), .swf or .csv (table), also with .gz or .xz, or .parquet (table)."
    ),
]
_Data = Annotated[list[Path] | None, typer.Option("--data", help="Folder with traces, searched first; repeatable.")]
_Speed = Annotated[float, typer.Option("--speed", help="Speed of a host, flop/s, at which a job lasts its run time.")]
_Format = Annotated[
    str | None,
    typer.Option("--format", help="Format of the file, as `wattq workload formats` lists; told when absent."),
]
_FORM_HELP = "Profiles: delay (draws idle power) or parallel_homogeneous (draws computing power)."

_BETA_HELP = "How far run times follow the hosts' speed, 0 to 1: one number, or QUEUE=NUMBER,... (tables hold it)."
_MEAN_HELP = "class-mean writes jobs with beta below 1 without it; Batsim's JSON refuses them otherwise."


@app.command()
@with_cleaning
def convert(
    source: _Source,
    out: _Out,
    form: Annotated[str | None, typer.Option(help=_FORM_HELP + " JSON keeps its own when absent.")] = None,
    speed: _Speed = 1e9,
    data: _Data = None,
    file_format: _Format = None,
    beta: Annotated[str | None, typer.Option(help=_BETA_HELP)] = None,
    batsim_beta: Annotated[str | None, typer.Option(help=_MEAN_HELP)] = None,
    options: CleaningOptions | None = None,
) -> None:
    """Turn a workload of any format into Batsim JSON, SWF or a table (CSV, Parquet)."""
    workload = read_source(source, data, form or "parallel_homogeneous", speed, options, file_format)
    if beta is not None:
        from wattq.workloads import parse_beta, with_beta

        workload = with_beta(workload, parse_beta(beta))
    write_out(workload, out, form, speed, batsim_beta)
    _print_report(workload)
    typer.echo(f"{workload.n_jobs} jobs for {workload.nb_res} hosts written to {out}")
    if batsim_beta is not None:
        from wattq.workloads import mean_beta

        typer.echo(f"mean beta {mean_beta(workload):.6g}: give it to wattq platform effective --beta")


@app.command()
@with_cleaning
def clean(
    source: _Source,
    out: Annotated[Path, typer.Argument(help="SWF file to write, also with .gz or .xz.")],
    data: _Data = None,
    file_format: _Format = None,
    options: CleaningOptions | None = None,
) -> None:
    """Clean a log of any format, write it as SWF, and say what was dropped and repaired."""
    from wattq.workloads import write_swf

    workload = read_source(source, data, "delay", 1e9, options, file_format)
    write_swf(workload, out)
    _print_report(workload)
    typer.echo(f"{workload.n_jobs} jobs for {workload.nb_res} hosts written to {out}")


@app.command()
@with_cleaning
def stats(
    source: _Source,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    suggest: Annotated[
        bool, typer.Option("--suggest/--no-suggest", help="Say which generators make such work.")
    ] = True,
    speed: _Speed = 1e9,
    data: _Data = None,
    file_format: _Format = None,
    options: CleaningOptions | None = None,
) -> None:
    """Describe a workload: counts, load, sizes, run times, arrivals, and the generators of such work."""
    import dataclasses
    import json

    from wattq.workloads import stats_lines, workload_stats

    workload = read_source(source, data, "parallel_homogeneous", speed, options, file_format)
    numbers = workload_stats(workload, speed_flops=speed)
    if as_json:
        more = {"report": dataclasses.asdict(workload.report)} | _suggestions(workload, speed, wanted=suggest)
        typer.echo(json.dumps(numbers | more, indent=1))
        return
    _print_report(workload)
    typer.echo("\n".join(stats_lines(numbers)))
    if suggest:
        typer.echo("\n".join(["", *_suggestion_lines(workload, source, speed)]))


def _suggestions(workload: Workload, speed: float, *, wanted: bool) -> dict[str, list[dict[str, Any]]]:
    import dataclasses

    from wattq.errors import WorkloadError
    from wattq.workloads import suggest_generators

    try:
        found = suggest_generators(workload, speed_flops=speed) if wanted else []
    except WorkloadError:
        found = []
    return {"suggestions": [dataclasses.asdict(one) | {"command": one.command} for one in found]} if wanted else {}


def _suggestion_lines(workload: Workload, source: str, speed: float) -> list[str]:
    from wattq.errors import WorkloadError
    from wattq.workloads import suggest_generators, suggestion_lines

    try:
        lines = suggestion_lines(suggest_generators(workload, speed_flops=speed))
    except WorkloadError as error:
        return [f"no generator suggested: {error}"]
    last = [f"wattq workload generate hourly {source}", "    draws from the log, hour of the day by hour of the day"]
    return ["generators of such work, the nearest first (add -o FILE)", *lines, *last]


def _print_report(workload: Workload) -> None:
    from wattq.workloads import report_lines

    typer.echo("\n".join(report_lines(workload.report)))
