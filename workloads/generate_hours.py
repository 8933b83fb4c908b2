"""Hourly workloads: so many jobs each hour, with duration, nodes and cores drawn by simple laws, and bursts."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from wattq.errors import InvalidInputError
from wattq.units import HOUR_S
from wattq.workloads.arrivals import Law
from wattq.workloads.bursts import HEAVY, SMALL, Burst
from wattq.workloads.generate_table import MAX_JOBS, JobTable, build_workload, child_streams
from wattq.workloads.model import Workload
from wattq.workloads.sampler_duration import DurationSampler

__all__ = ["HourlyModel", "generate_hourly", "hourly_jobs"]

_Ints = NDArray[np.int64]
_HOUR = int(HOUR_S)


@dataclass(frozen=True)
class HourlyModel:
    """What is drawn each hour.

    Attributes:
        arrivals: jobs per hour, from 0 to `max_jobs_hour`.
        duration: run time, h, from 1 to `max_duration_h`; or the run times of a sampler, held within the same bounds.
        nodes: nodes of a job, from 1 to `max_nodes`.
        cores: cores that it uses on each of them, from 1 to `max_cores`.
        max_jobs_hour: most jobs of one hour, bursts included; those drawn last, of the heavy burst, go first.
        max_duration_h, max_nodes, max_cores: bounds of the other three, which bursts keep too.
        small, heavy: the bursts.
        on_the_hour: submit all jobs of an hour at its start; else at random seconds of it, all as likely.
        walltime_factor: jobs ask for this x their run time, rounded up, and one second.

    Raises:
        InvalidInputError: when a law lies outside its bounds, or a bound is no bound.
    """

    arrivals: Law
    duration: Law | DurationSampler
    nodes: Law
    cores: Law
    max_jobs_hour: int = 1500
    max_duration_h: int = 170
    max_nodes: int = 16
    max_cores: int = 96
    small: Burst = field(default=SMALL)
    heavy: Burst = field(default=HEAVY)
    on_the_hour: bool = False
    walltime_factor: float = 1.0

    def __post_init__(self) -> None:
        for key in ("max_jobs_hour", "max_duration_h", "max_nodes", "max_cores"):
            if not 1 <= getattr(self, key) <= 10**6:
                raise InvalidInputError(f"hourly model, {key}: {getattr(self, key)!r}; it must be from 1 to 1000000")
        if not 1 <= self.walltime_factor <= 1e6:
            raise InvalidInputError(f"walltime factor {self.walltime_factor!r}: it must be from 1 to 1e6")
        bounds = (("arrivals", 0, "max_jobs_hour"), ("duration", 1, "max_duration_h"))
        for key, low, bound in (*bounds, ("nodes", 1, "max_nodes"), ("cores", 1, "max_cores")):
            law, high = getattr(self, key), getattr(self, bound)
            if isinstance(law, Law) and not law.fits(low, high):
                raise InvalidInputError(
                    f"hourly model, {key}: {law.kind} {law.a:g}:{law.b:g} is outside {low}:{high}; "
                    f"change it, or {bound.replace('_', '-')}"
                )


def generate_hourly(
    model: HourlyModel,
    hours: int,
    n_hosts: int,
    seed: int = 0,
    *,
    name: str = "w0",
    form: str = "parallel_homogeneous",
    speed_flops: float = 1e9,
) -> Workload:
    """Return jobs of an hourly model, marked as synthetic, the cores of a node in each job's JSON object.

    Args:
        model: what is drawn each hour.
        hours: number of hours, from 1 to 10**6.
        n_hosts: nodes of the machine.
        seed: seed of the generator, 0 or more. The same model and seed give the same jobs; more hours only add jobs.
        name: Batsim's name of the workload.
        form: ``parallel_homogeneous`` or ``delay``.
        speed_flops: speed of a host, flop/s.

    Raises:
        InvalidInputError: when an argument is outside its range.
    """
    table = hourly_jobs(model, hours, seed)
    recipe = f"hourly(hours={hours}, n_hosts={n_hosts}, seed={seed}, {_described(model)})"
    return build_workload(table, n_hosts, recipe, name=name, with_cores=True, form=form, speed_flops=speed_flops)


def _described(model: HourlyModel) -> str:
    values = {entry.name: getattr(model, entry.name) for entry in dataclasses.fields(model)}
    return ", ".join(f"{key}={value!r}" for key, value in values.items())


def hourly_jobs(model: HourlyModel, hours: int, seed: int = 0) -> JobTable:
    """Return the jobs of the first `hours` hours; see `generate_hourly`."""
    if not 1 <= hours <= 10**6:
        raise InvalidInputError(f"hours of the workload: {hours!r}; it must be from 1 to 1000000")
    streams = child_streams(seed, 15)
    base = model.arrivals.draw(streams[0], hours, 0, model.max_jobs_hour)
    small = np.minimum(model.small.counts(streams[1], hours), model.max_jobs_hour - base)
    heavy = np.minimum(model.heavy.counts(streams[2], hours), model.max_jobs_hour - base - small)
    total = int(base.sum() + small.sum() + heavy.sum())
    if total > MAX_JOBS:
        raise InvalidInputError(
            f"hourly model: {total} jobs in {hours} hours; at most {MAX_JOBS} are made, ask for less"
        )
    parts = [_part(model, base, (model.duration, model.nodes, model.cores), streams[3:7])]
    for burst, counts, own in ((model.small, small, streams[7:11]), (model.heavy, heavy, streams[11:15])):
        duration, nodes, cores = (Law("uniform", *ends) for ends in (burst.duration_h, burst.nodes, burst.cores))
        parts.append(_part(model, counts, (duration, nodes, cores), own))
    columns = (np.concatenate([part[column] for part in parts]) for column in range(4))
    return JobTable.of(*columns, walltime_factor=model.walltime_factor).sorted()


def _part(
    model: HourlyModel,
    counts: _Ints,
    laws: tuple[Law | DurationSampler, Law, Law],
    streams: list[np.random.Generator],
) -> tuple[_Ints, _Ints, _Ints, _Ints]:
    total = int(counts.sum())
    submit = np.repeat(np.arange(counts.size) * _HOUR, counts)
    if not model.on_the_hour:
        submit = submit + streams[0].integers(0, _HOUR, total)
    duration, nodes, cores = laws
    return (
        submit.astype(np.int64),
        _durations(duration, streams[1], total, model.max_duration_h),
        nodes.draw(streams[2], total, 1, model.max_nodes),
        cores.draw(streams[3], total, 1, model.max_cores),
    )


def _durations(law: Law | DurationSampler, random: np.random.Generator, count: int, most_h: int) -> _Ints:
    if isinstance(law, Law):
        return law.draw(random, count, 1, most_h) * _HOUR
    return np.clip(law.draw(random, count), _HOUR, most_h * _HOUR)
