"""The power of the hosts that run a job, over time, from the energy that Batsim states for the job."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattq.errors import InvalidInputError
from wattq.experiments.accounting.host_states import ON, HostStates, expand, sum_by
from wattq.experiments.results import JobTable, RunResults
from wattq.platforms.model import Platform

__all__ = ["JobPower", "first_pstate", "job_power"]

_NO_TIME_S = 1.0001e-5
"""Batsim prints a run time of 0 as 1e-5 s."""


@dataclass(frozen=True)
class JobPower:
    """Pieces of constant power of jobs; a job has several where the power states of its hosts change.

    Attributes:
        job: row in ``jobs.csv`` of each piece.
        start_s, end_s: interval of each piece.
        power_w: power of all hosts of the job.
        idle_w: what these hosts would draw without the job.
        load: per job, power above idle as a share of what full load adds; NaN for jobs that did not run.
        slowed: per job, whether any of its hosts was in another power state than the one the run began with.
        notes: what had to be assumed.
    """

    job: NDArray[np.int64]
    start_s: NDArray[np.float64]
    end_s: NDArray[np.float64]
    power_w: NDArray[np.float64]
    idle_w: NDArray[np.float64]
    load: NDArray[np.float64]
    slowed: NDArray[np.bool_]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Pieces:
    job: NDArray[np.int64]
    start_s: NDArray[np.float64]
    end_s: NDArray[np.float64]
    idle_w: NDArray[np.float64]
    full_w: NDArray[np.float64]
    slowed: NDArray[np.bool_]


def job_power(run: RunResults, platform: Platform, states: HostStates) -> JobPower:
    """Return the power of jobs over time.

    A job draws idle + load x (full - idle) on each of its hosts, in the power state of the moment. Its load is the one
    number for which its energy is that of ``jobs.csv``: exact where the load is constant (1 while it computes, 0 while
    it waits), the mean otherwise. Where energy was not counted the load is 1.

    Raises:
        InvalidInputError: a job ran on a host that the platform does not have.
    """
    jobs = run.jobs
    high = jobs.allocation.high
    if high.size and int(high.max()) >= platform.n_hosts:
        job = jobs.key[int(jobs.allocation.job[int(np.argmax(high))])]
        raise InvalidInputError(
            f"{run.directory}: job '{job}' ran on host {int(high.max())}, but the platform '{platform.name}' has "
            f"{platform.n_hosts}; give the platform of the run"
        )
    end = np.where((jobs.run_s <= _NO_TIME_S) & ~(jobs.energy_j > 0), jobs.start_s, jobs.finish_s)
    if (end < jobs.start_s - 1e-6).any():
        job = jobs.key[int(np.argmax(end < jobs.start_s - 1e-6))]
        raise InvalidInputError(f"{run.directory}: job '{job}' ends before it starts; jobs.csv is damaged")
    on = states.doing == ON
    steady = states.pstate[on] == first_pstate(states, platform)[states.host[on]]
    pieces = (_steady if steady.all() else _changing)(jobs, end, platform, states)
    return _fit(jobs, pieces)


def first_pstate(states: HostStates, platform: Platform) -> NDArray[np.int64]:
    """Return the power state in which each host begins."""
    first = np.zeros(platform.n_hosts, dtype=np.int64)
    rows = np.flatnonzero(np.diff(states.host, prepend=-1) != 0)
    first[states.host[rows]] = states.pstate[rows]
    return first


def _steady(jobs: JobTable, end: NDArray[np.float64], platform: Platform, states: HostStates) -> _Pieces:
    """Return one piece per job: its hosts are in the same power state whenever they are on."""
    hosts, first = np.arange(platform.n_hosts), first_pstate(states, platform)
    table = jobs.allocation
    sums = []
    for watts in (platform.idle_w, platform.full_w):
        upto = np.concatenate([[0.0], np.cumsum(watts[hosts, first])])
        part = upto[table.high + 1] - upto[table.low]
        sums.append(sum_by(table.job, part, len(jobs)))
    ran = np.flatnonzero(~jobs.rejected)
    slowed = np.zeros(len(jobs), dtype=bool)
    return _Pieces(ran, jobs.start_s[ran], end[ran], sums[0][ran], sums[1][ran], slowed)


def _changing(jobs: JobTable, end: NDArray[np.float64], platform: Platform, states: HostStates) -> _Pieces:
    """Return the pieces of jobs between changes of the power states of their hosts."""
    on = states.doing == ON
    since, on_host, pstate = states.start_s[on], states.host[on], states.pstate[on]
    job, host = expand(jobs.allocation)
    dates = np.unique(np.concatenate([since, jobs.start_s[job], end[job]]))
    n = len(dates)
    key = on_host * n + np.searchsorted(dates, since)
    # the state that holds at the start, and the last one that begins before the end
    first = np.searchsorted(key, host * n + np.searchsorted(dates, jobs.start_s[job]), side="right") - 1
    last = np.searchsorted(key, host * n + np.searchsorted(dates, end[job]), side="left") - 1
    count = np.maximum(last - first, 0) + 1
    pair = np.repeat(np.arange(len(job)), count)
    nth = np.arange(len(pair)) - np.repeat(np.cumsum(count) - count, count)
    state = first[pair] + nth
    start = np.where(nth == 0, jobs.start_s[job[pair]], since[state])
    stop = np.where(nth == count[pair] - 1, end[job[pair]], since[np.minimum(state + 1, len(since) - 1)])
    held, where = pstate[state], host[pair]
    other = (held != first_pstate(states, platform)[where]) & (stop > start)
    slowed = sum_by(job[pair], other.astype(np.float64), len(jobs)) > 0
    row, group = _groups(dates, job[pair], start, stop)
    idle = sum_by(group, platform.idle_w[where, held], len(row))
    full = sum_by(group, platform.full_w[where, held], len(row))
    return _Pieces(job[pair][row], start[row], stop[row], idle, full, slowed)


def _groups(
    dates: NDArray[np.float64], job: NDArray[np.int64], start: NDArray[np.float64], stop: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Group the hosts of a job that share an interval: return a row of each group, and the group of each row."""
    n = len(dates)
    _, left = np.unique(job * n + np.searchsorted(dates, start), return_inverse=True)
    _, row, group = np.unique(left * n + np.searchsorted(dates, stop), return_index=True, return_inverse=True)
    return row, group


def _fit(jobs: JobTable, pieces: _Pieces) -> JobPower:
    """Find the load of each job from its energy."""
    lasts = pieces.end_s - pieces.start_s
    n = len(jobs)
    idle_j = sum_by(pieces.job, pieces.idle_w * lasts, n)
    above = pieces.full_w - pieces.idle_w
    above_j = sum_by(pieces.job, above * lasts, n)
    ran_s = sum_by(pieces.job, lasts, n)
    rest_j = jobs.energy_j - idle_j
    with np.errstate(divide="ignore", invalid="ignore"):
        load = np.where(above_j != 0.0, rest_j / above_j, np.where(ran_s > 0, 0.0, np.nan))
        flat_w = np.where((above_j == 0.0) & (ran_s > 0), rest_j / ran_s, 0.0)
    uncounted = np.isnan(jobs.energy_j) & ~jobs.rejected
    load, flat_w = np.where(uncounted, 1.0, load), np.where(uncounted, 0.0, flat_w)
    power = pieces.idle_w + np.nan_to_num(load)[pieces.job] * above + flat_w[pieces.job]
    notes: tuple[str, ...] = ()
    if uncounted.any():
        number = int(uncounted.sum())
        notes = (f"energy of {number:,} job{'s' * (number > 1)} was not counted: full load is assumed",)
    return JobPower(pieces.job, pieces.start_s, pieces.end_s, power, pieces.idle_w, load, pieces.slowed, notes)
