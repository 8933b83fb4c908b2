"""``wattq workload generate flat``, ``poisson`` and ``uniform``: so many jobs an hour."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from wattq.cli.workload_files import write_generated
from wattq.cli.workload_generate_options import Form, Out, Seed, Speed, WalltimeFactor
from wattq.errors import InvalidInputError

if TYPE_CHECKING:
    from wattq.workloads.arrivals import Law
    from wattq.workloads.bursts import Burst

__all__ = ["add_to"]

_Laws = tuple["Law", "Law", "Law", "Law"]
_Highs = tuple[int, int, int, int]
_Text = str | None

_ORDER = "arrivals,duration,nodes,cores"
_FILE = "; with --job-durations, the second is -"


def _bounds(
    out: Out,
    hours: Annotated[int, typer.Option(help="Hours to fill.")] = 336,
    hosts: Annotated[int, typer.Option(help="Nodes of the machine.")] = 335,
    seed: Seed = 0,
    max_jobs_hour: Annotated[
        int, typer.Option("--wg-max-jobs-hour", "--max-jobs-hour", help="Most jobs in an hour, bursts included.")
    ] = 1500,
    max_duration: Annotated[int, typer.Option("--max-duration", help="Longest run time, h.")] = 170,
    max_nodes: Annotated[int, typer.Option("--max-nodes", help="Most nodes of a job.")] = 16,
    max_cores: Annotated[int, typer.Option("--max-cores", help="Most cores that a job uses on a node.")] = 96,
    job_durations: Annotated[
        Path | None, typer.Option("--job-durations", help="Draw run times from this file (HH:MM:SS lines, or a log).")
    ] = None,
    small: Annotated[
        float, typer.Option("--wg-burst-small-prob", "--burst-small", help="Probability of a small burst in an hour.")
    ] = 0.0,
    small_ranges: Annotated[
        str, typer.Option("--wg-burst-small-ranges4", help="Small burst: jobs,duration (h),nodes,cores.")
    ] = "50:750,1:8,1:2,1:16",
    heavy: Annotated[
        float, typer.Option("--wg-burst-heavy-prob", "--burst-heavy", help="Probability of a heavy burst in an hour.")
    ] = 0.0,
    heavy_ranges: Annotated[
        str, typer.Option("--wg-burst-heavy-ranges4", help="Heavy burst: jobs,duration (h),nodes,cores.")
    ] = "1:12,72:170,4:16,32:96",
    on_the_hour: Annotated[
        bool, typer.Option("--on-the-hour", help="Submit at full hours (default: at random seconds of the hour).")
    ] = False,
    walltime_factor: WalltimeFactor = 1.0,
    form: Form = "parallel_homogeneous",
    speed: Speed = 1e9,
) -> None:
    """Options of all three models, as typer reads them; the body is `_generate`."""


def add_to(app: typer.Typer) -> None:
    """Add the three commands to a group."""
    for laws in (flat, poisson, uniform):
        app.command(laws.__name__)(_command(laws))


def _command(laws: Callable[..., _Laws]) -> Callable[..., None]:
    """Return a command with the options of a model and those of all of them."""
    own = inspect.signature(laws, eval_str=True).parameters.values()
    shared = inspect.signature(_bounds, eval_str=True)
    mine = [parameter for parameter in own if parameter.name not in ("highs", "sampled")]

    @wraps(laws)
    def command(**values: Any) -> None:
        _generate(laws, {parameter.name: values.pop(parameter.name) for parameter in mine}, **values)

    every = [*shared.parameters.values(), *mine]
    signature = shared.replace(
        parameters=[parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in every]
    )
    cast("Any", command).__signature__ = signature
    command.__annotations__ = {name: parameter.annotation for name, parameter in signature.parameters.items()}
    return command


def _generate(laws: Callable[..., _Laws], own: dict[str, Any], **values: Any) -> None:
    from wattq.workloads.bursts import HEAVY, SMALL
    from wattq.workloads.generate_hours import HourlyModel, generate_hourly
    from wattq.workloads.sampler_duration import read_durations

    highs = tuple(values[key] for key in ("max_jobs_hour", "max_duration", "max_nodes", "max_cores"))
    path = values["job_durations"]
    arrivals, duration, nodes, cores = laws(highs=highs, sampled=path is not None, **own)
    model = HourlyModel(
        arrivals,
        duration if path is None else read_durations(path),
        nodes,
        cores,
        max_jobs_hour=highs[0],
        max_duration_h=highs[1],
        max_nodes=highs[2],
        max_cores=highs[3],
        small=_burst(SMALL, values["small"], values["small_ranges"]),
        heavy=_burst(HEAVY, values["heavy"], values["heavy_ranges"]),
        on_the_hour=values["on_the_hour"],
        walltime_factor=values["walltime_factor"],
    )
    form, speed = values["form"], values["speed"]
    made = generate_hourly(model, values["hours"], values["hosts"], values["seed"], form=form, speed_flops=speed)
    write_generated(made, values["out"], speed)


def _burst(kind: Burst, probability: float, ranges: str) -> Burst:
    from dataclasses import replace

    from wattq.workloads.arrivals import four_ranges

    jobs, duration, nodes, cores = four_ranges(ranges, f"--wg-burst-{kind.name}-ranges4")
    return replace(kind, probability=probability, jobs=jobs, duration_h=duration, nodes=nodes, cores=cores)


def flat(
    *,
    highs: _Highs,
    sampled: bool,
    jobs_hour: Annotated[
        int | None, typer.Option("--wg-flat-jobs-hour", "--jobs-hour", help="Jobs per hour (default: 200).")
    ] = None,
    jitter: Annotated[
        int | None, typer.Option("--wg-flat-jitter", "--jitter", help="Jobs more or less in an hour (default: 0).")
    ] = None,
    targets4: Annotated[
        _Text, typer.Option("--wg-flat-targets4", "--targets4", help=f"Targets {_ORDER} (h for duration){_FILE}.")
    ] = None,
    jitters4: Annotated[
        _Text, typer.Option("--wg-flat-jitters4", "--jitters4", help=f"More or less, {_ORDER}{_FILE}.")
    ] = None,
) -> _Laws:
    """As many jobs every hour, more or less by a jitter; duration, nodes and cores likewise (default: mid-range)."""
    from wattq.workloads.arrivals import Law, four_values

    _one_of("--wg-flat-targets4", targets4, "--wg-flat-jobs-hour", jobs_hour)
    _one_of("--wg-flat-jitters4", jitters4, "--wg-flat-jitter", jitter)
    targets: tuple[float, ...] = (200 if jobs_hour is None else jobs_hour, *_middles(highs))
    jitters: tuple[float, ...] = (jitter or 0, 0, 0, 0)
    if targets4 is not None:
        targets = four_values(_without_duration(targets4, "--wg-flat-targets4", "1", sampled), "--wg-flat-targets4")
    if jitters4 is not None:
        jitters = four_values(_without_duration(jitters4, "--wg-flat-jitters4", "0", sampled), "--wg-flat-jitters4")
    laws = [Law("flat", target, more) for target, more in zip(targets, jitters, strict=True)]
    return laws[0], laws[1], laws[2], laws[3]


def poisson(
    *,
    highs: _Highs,
    sampled: bool,
    mean: Annotated[
        float | None, typer.Option("--wg-poisson-lambda", "--mean", help="Mean jobs per hour (default: 200).")
    ] = None,
    lambdas4: Annotated[
        _Text, typer.Option("--wg-poisson-lambdas4", "--lambdas4", help=f"Means {_ORDER} (h for duration){_FILE}.")
    ] = None,
) -> _Laws:
    """Jobs per hour by a Poisson law; duration, nodes and cores likewise (default: mid-range means)."""
    from wattq.workloads.arrivals import Law, four_values

    _one_of("--wg-poisson-lambdas4", lambdas4, "--wg-poisson-lambda", mean)
    means: tuple[float, ...] = (200 if mean is None else mean, *_middles(highs))
    if lambdas4 is not None:
        option = "--wg-poisson-lambdas4"
        means = four_values(_without_duration(lambdas4, option, "1", sampled), option)
    laws = [Law("poisson", value) for value in means]
    return laws[0], laws[1], laws[2], laws[3]


def uniform(
    *,
    highs: _Highs,
    sampled: bool,
    ranges4: Annotated[
        _Text,
        typer.Option("--wg-uniform-ranges4", "--ranges4", help=f"Ranges a:b for {_ORDER} (h for duration){_FILE}."),
    ] = None,
) -> _Laws:
    """Jobs per hour, durations, nodes and cores from ranges, all numbers as likely (default: up to the bounds)."""
    from wattq.workloads.arrivals import Law, four_ranges

    ranges = tuple((int(number > 0), high) for number, high in enumerate(highs))
    if ranges4 is not None:
        option = "--wg-uniform-ranges4"
        ranges = four_ranges(_without_duration(ranges4, option, "1:1", sampled), option)
    laws = [Law("uniform", low, high) for low, high in ranges]
    return laws[0], laws[1], laws[2], laws[3]


def _middles(highs: _Highs) -> tuple[int, ...]:
    return tuple((1 + high) // 2 for high in highs[1:])


def _one_of(first: str, one: object, second: str, other: object) -> None:
    if one is not None and other is not None:
        raise InvalidInputError(f"{first} and {second}: both say how many jobs arrive; keep one of them")


def _without_duration(text: str, option: str, stand_in: str, sampled: bool) -> str:
    """Return the four values with a stand-in for the duration where a file gives it, which ``-`` must say."""
    parts = text.split(",")
    left_out = len(parts) == 4 and parts[1].strip() == "-"
    if len(parts) == 4 and left_out != sampled:
        rule = "write - for the duration" if sampled else "- for the duration needs --job-durations FILE"
        raise InvalidInputError(f"{option} '{text}': run times come {'' if sampled else 'not '}from a file; {rule}")
    if left_out:
        parts[1] = stand_in
    return ",".join(parts)
