"""``wattq workload generate hourly`` and ``replay``: work made from a log."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wattq.cli.cleaning import with_cleaning
from wattq.cli.workload_files import read_source, write_generated
from wattq.cli.workload_generate_options import CoresPerNode, Form, Out, Seed, Speed
from wattq.workloads.options import CleaningOptions

__all__ = ["add_to"]

_Log = Annotated[str, typer.Argument(help="SWF log or Batsim JSON; or a name of `wattq data list`.")]
_Aggregate = Annotated[
    bool, typer.Option("--aggregate", help="Jobs of whole hours with the same core-hours, alike ones together.")
]
_Scale = Annotated[float, typer.Option("--job-arrival-scale", "--arrival-scale", help="Times as many jobs; 0 or more.")]
_Data = Annotated[list[Path] | None, typer.Option("--data", help="Folder with traces, searched first; repeatable.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands to a group."""
    app.command()(hourly)
    app.command()(replay)


@with_cleaning
def hourly(
    log: _Log,
    out: Out,
    hours: Annotated[int, typer.Option(help="Hours to fill, from a midnight on.")] = 336,
    seed: Seed = 0,
    aggregate: _Aggregate = False,
    scale: _Scale = 1.0,
    cores_per_node: CoresPerNode = 1,
    form: Form = "parallel_homogeneous",
    speed: Speed = 1e9,
    data: _Data = None,
    options: CleaningOptions | None = None,
) -> None:
    """Days like those of a log: each hour's number of jobs, and its jobs, drawn from that hour of the day."""
    from wattq.workloads import sample_hours

    source = read_source(log, data, form, speed, options)
    made = sample_hours(
        source,
        hours,
        seed,
        aggregated=aggregate,
        arrival_scale=scale,
        cores_per_node=cores_per_node,
        form=form,
        speed_flops=speed,
    )
    write_generated(made, out, speed, what="jobs drawn")


@with_cleaning
def replay(
    log: _Log,
    out: Out,
    hours: Annotated[int | None, typer.Option(help="Hours to fill, the log again and again (default: once).")] = None,
    seed: Seed = 0,
    aggregate: _Aggregate = False,
    scale: _Scale = 1.0,
    cores_per_node: CoresPerNode = 1,
    form: Form = "parallel_homogeneous",
    speed: Speed = 1e9,
    data: _Data = None,
    options: CleaningOptions | None = None,
) -> None:
    """The jobs of a log again: exactly, as whole-hour equivalents, or more or fewer of them."""
    from wattq.workloads import replay_workload

    source = read_source(log, data, form, speed, options)
    made = replay_workload(
        source,
        aggregated=aggregate,
        arrival_scale=scale,
        hours=hours,
        seed=seed,
        cores_per_node=cores_per_node,
        form=form,
        speed_flops=speed,
    )
    write_generated(made, out, speed, what="replayed jobs")
