"""``wattq workload generate``: one command for each model of work."""

from __future__ import annotations

from typing import Annotated, Any

import typer
import typer.core

from wattq.cli import workload_generate_hourly, workload_generate_log
from wattq.cli.values import pairs
from wattq.cli.workload_files import WORKLOAD_ENDINGS, write_generated, write_out
from wattq.cli.workload_generate_options import Form, Out, Seed, Speed, WalltimeFactor

__all__ = ["app"]


class _Models(typer.core.TyperGroup):
    """The group of models; ``generate FILE ...`` without a model is short for ``generate saturated -o FILE ...``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        name = args[0].removesuffix(".gz").removesuffix(".xz") if args else ""
        if name.endswith(WORKLOAD_ENDINGS):
            args = ["saturated", "-o", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_Models,
    no_args_is_help=True,
    help="Generate work by a model; `generate FILE` alone is `generate saturated -o FILE`.",
)
workload_generate_hourly.add_to(app)
workload_generate_log.add_to(app)


@app.command()
def saturated(
    out: Out,
    jobs: Annotated[int, typer.Option("--jobs", "-n", help="Number of jobs.")] = 1000,
    hosts: Annotated[int, typer.Option(help="Hosts of the machine.")] = 100,
    seed: Seed = 0,
    load: Annotated[float, typer.Option(help="Offered load; above 1 the queue grows.")] = 1.1,
    users: Annotated[int, typer.Option(help="Number of users.")] = 100,
    form: Form = "parallel_homogeneous",
    speed: Speed = 1e9,
) -> None:
    """Jobs that keep a machine saturated, for tests and benchmarks."""
    from wattq.workloads import generate_saturated

    workload = generate_saturated(jobs, hosts, seed, load=load, users=users, form=form, speed_flops=speed)
    write_out(workload, out, None, speed)
    typer.echo(f"{workload.n_jobs} generated jobs for {workload.nb_res} hosts written to {out}")


@app.command()
def lublin(
    out: Out,
    jobs: Annotated[int, typer.Option("--jobs", "-n", help="Number of jobs.")] = 1000,
    hosts: Annotated[int, typer.Option(help="Nodes of the machine; the sizes of jobs follow it.")] = 128,
    seed: Seed = 0,
    job_type: Annotated[
        str, typer.Option("--type", help="Jobs: all (types not told apart), batch, interactive, or both together.")
    ] = "all",
    load: Annotated[float | None, typer.Option(help="Offered load (default: what the model's arrivals give).")] = None,
    serial: Annotated[float | None, typer.Option(help="Share of jobs with one node (default: the paper's).")] = None,
    pow2: Annotated[
        float | None, typer.Option(help="Share of jobs drawn as powers of two (default: the paper's).")
    ] = None,
    parameter: Annotated[
        list[str] | None, typer.Option("--parameter", help="Another parameter, KEY=VALUE, such as umed=5; repeatable.")
    ] = None,
    walltime_factor: WalltimeFactor = 1.0,
    form: Form = "parallel_homogeneous",
    speed: Speed = 1e9,
) -> None:
    """The model of Lublin and Feitelson (2003): rigid jobs, powers of two, a daily cycle."""
    from wattq.workloads import generate_lublin

    workload = generate_lublin(
        jobs,
        hosts,
        seed,
        job_type=job_type,
        load=load,
        parameters=_parameters(parameter or [], serial, pow2),
        walltime_factor=walltime_factor,
        form=form,
        speed_flops=speed,
    )
    write_generated(workload, out, speed)


def _parameters(words: list[str], serial: float | None, pow2: float | None) -> dict[str, float]:
    from wattq.errors import InvalidInputError

    found: dict[str, float] = {}
    for key, value in pairs(words, "--parameter").items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InvalidInputError(f"--parameter {key}={value}: the value must be a number")
        found[key] = float(value)
    for key, given in (("serial", serial), ("pow2", pow2)):
        if given is not None and key in found:
            raise InvalidInputError(f"--{key} and --parameter {key}: given twice; keep one")
        if given is not None:
            found[key] = given
    return found
