"""A log again: job by job, or as whole-hour equivalents; more or fewer of its arrivals."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from wattq.errors import InvalidInputError
from wattq.units import HOUR_S
from wattq.workloads.generate_table import MAX_JOBS, JobTable, build_workload, table_of
from wattq.workloads.model import Workload

__all__ = ["aggregate", "replay_workload", "scale_arrivals", "wrap"]

_HOUR = int(HOUR_S)
_Ints = NDArray[np.int64]


def replay_workload(
    workload: Workload,
    *,
    aggregated: bool = False,
    arrival_scale: float = 1.0,
    hours: int | None = None,
    seed: int = 0,
    cores_per_node: int = 1,
    name: str = "w0",
    form: str = "parallel_homogeneous",
    speed_flops: float = 1e9,
) -> Workload:
    """Return the jobs of a workload again; date 0 is the midnight before its first submission.

    A job keeps its submit time, run time, hosts, cores and walltime to the second, unless something else is asked for.
    The result is marked as synthetic as soon as its jobs are no longer those of the log.

    Args:
        workload: what is replayed; ids, users and recorded outcomes are not carried over.
        aggregated: whole-hour equivalents of the jobs, see `aggregate`.
        arrival_scale: see `scale_arrivals`.
        hours: hours to fill from the midnight on: a longer log is cut, a shorter one starts again after its last whole
            day; None is once through the log.
        seed: decides the roundings of `aggregate` and `scale_arrivals`.
        cores_per_node: cores of a node where the jobs do not say.
        name: Batsim's name of the workload.
        form: ``parallel_homogeneous`` or ``delay``.
        speed_flops: speed of a host, flop/s.

    Raises:
        InvalidInputError: when an argument is outside its range.
        WorkloadError: when a job's run time is not known.
    """
    table = table_of(workload, cores_per_node=cores_per_node, speed_flops=speed_flops)
    day = 24 * _HOUR
    table = replace(table, submit_s=table.submit_s - table.submit_s.min() // day * day)
    same = not aggregated and arrival_scale == 1 and hours is None
    table = scale_arrivals(table, arrival_scale, seed=seed)
    if aggregated:
        table = aggregate(table, seed=seed)
    if hours is not None:
        table = wrap(table, hours)
    recipe = (
        f"replay({workload.report.source} sha256 {workload.report.sha256}, aggregated={aggregated}, "
        f"arrival_scale={arrival_scale!r}, hours={hours}, seed={seed}, cores_per_node={cores_per_node})"
    )
    return build_workload(
        table,
        workload.nb_res,
        recipe,
        name=name,
        with_cores=True,
        synthetic=workload.synthetic or not same,
        form=form,
        speed_flops=speed_flops,
    )


def scale_arrivals(table: JobTable, scale: float, *, seed: int = 0) -> JobTable:
    """Return `scale` times as many jobs: each is repeated, or left out, as evenly over the log as whole numbers allow.

    The number of jobs is `scale` x n, rounded up or down as the seed decides; repeated jobs arrive together.

    Raises:
        InvalidInputError: when the scale is negative or no number, or makes too many jobs.
    """
    if not (math.isfinite(scale) and scale >= 0):
        raise InvalidInputError(
            f"arrival scale {scale!r}: it must be a number of at least 0, 1 leaves the log as it is"
        )
    if table.n_jobs * scale > MAX_JOBS:
        raise InvalidInputError(f"arrival scale {scale!r}: {table.n_jobs} jobs become more than {MAX_JOBS}; scale less")
    offset = _stream(seed).random()
    reached = np.floor(np.arange(table.n_jobs + 1) * scale + offset)
    return table.take(np.repeat(np.arange(table.n_jobs), np.diff(reached).astype(np.int64)))


def aggregate(table: JobTable, *, seed: int = 0) -> JobTable:
    """Return jobs of whole hours that hold the core-hours of the given ones.

    Jobs of one hour with the same nodes, cores and minutes (rounded up) form a template. Those of a template of up to
    an hour become as many one-hour jobs as they have hours together; longer ones stay as many, each of whole hours.
    Roundings go up or down in turn within the templates of one shape (nodes and cores), from an offset that the seed
    decides, so that the core-hours of each shape are kept to less than one of its jobs' hours, and on average exactly.
    Jobs start at the full hour and ask for their walltime rounded up to hours.
    """
    bins, minutes = table.submit_s // _HOUR, -(-table.duration_s // 60)
    keys = np.stack([bins, table.nodes, table.cores, minutes], axis=1)
    unique, first, member = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    member = member.reshape(-1)
    seconds = np.bincount(member, weights=table.duration_s).astype(np.int64)
    walltime: _Ints = np.full(len(unique), -1, dtype=np.int64)
    np.maximum.at(walltime, member, table.walltime_s)
    count = np.bincount(member)
    short = unique[:, 3] <= 60
    shape = np.unique(unique[:, 1:3], axis=0, return_inverse=True)[1].reshape(-1)
    hours = _whole_hours(seconds, shape, seed)
    rows = np.repeat(np.arange(len(unique)), np.where(short, hours, count))
    return _hour_jobs(table, first[rows], bins[first[rows]], _job_hours(rows, hours, count, short), walltime[rows])


def _whole_hours(seconds: _Ints, shape: _Ints, seed: int) -> _Ints:
    """Return whole hours of each template, rounded down or up so that those of one shape add up."""
    offsets = _stream(seed).integers(0, _HOUR, int(shape.max(initial=-1)) + 1)
    order = np.argsort(shape, kind="stable")
    running = np.cumsum(seconds[order])
    heads = np.flatnonzero(np.diff(shape[order], prepend=-1))
    before = np.repeat(running[heads] - seconds[order][heads], np.diff(np.append(heads, shape.size)))
    end = running - before + offsets[shape[order]]
    start = end - seconds[order]
    hours = np.empty_like(seconds)
    hours[order] = end // _HOUR - start // _HOUR
    return hours


def _job_hours(rows: _Ints, hours: _Ints, count: _Ints, short: NDArray[np.bool_]) -> _Ints:
    """Share the hours of a template among its jobs, whole hours each, the first ones an hour longer."""
    place = np.arange(rows.size) - np.repeat(
        np.flatnonzero(np.diff(rows, prepend=-1)), np.unique(rows, return_counts=True)[1]
    )
    each, more = hours[rows] // count[rows], hours[rows] % count[rows]
    return np.where(short[rows], 1, each + (place < more)).astype(np.int64)


def _hour_jobs(table: JobTable, source: _Ints, bins: _Ints, hours: _Ints, walltime: _Ints) -> JobTable:
    jobs = table.take(source)
    asked = np.where(walltime > 0, np.maximum(-(-walltime // _HOUR), hours) * _HOUR + 1, -1)
    return replace(jobs, submit_s=bins * _HOUR, duration_s=hours * _HOUR, walltime_s=asked).sorted()


def wrap(table: JobTable, hours: int) -> JobTable:
    """Return the jobs of the first `hours` hours; a shorter table starts again after its last whole day.

    Raises:
        InvalidInputError: when `hours` is out of range, or too many jobs would be made.
    """
    if not 1 <= hours <= 10**6:
        raise InvalidInputError(f"hours of the replay: {hours!r}; it must be from 1 to 1000000")
    if not table.n_jobs:
        return table
    day = 24 * _HOUR
    period = (int(table.submit_s.max()) // day + 1) * day
    rounds = -(-hours * _HOUR // period)
    if rounds * table.n_jobs > MAX_JOBS:
        raise InvalidInputError(f"hours of the replay: {hours}; more than {MAX_JOBS} jobs, ask for less")
    rows = np.tile(np.arange(table.n_jobs), rounds)
    again = table.take(rows)
    again = replace(again, submit_s=again.submit_s + np.repeat(np.arange(rounds) * period, table.n_jobs))
    return again.take(again.submit_s < hours * _HOUR)


def _stream(seed: int) -> np.random.Generator:
    if seed < 0:
        raise InvalidInputError(f"seed {seed}: it must be a whole number of at least 0; give another")
    return np.random.default_rng(seed)
