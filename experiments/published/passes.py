"""EASY backfilling by a pass after every event, as the simulator of Gaussier et al. (SC'15) does.

At one date, submissions come before completions, and completions in the order of the starts. Every event has its own
pass, but a submission only if the new job fits the processors that are free; what a job holds is free from its
estimated end on, even if the completion at that date is still to come. A pass starts the jobs at the head of the queue
while they fit; the first one that does not gets the only reservation, at the earliest date that the estimates allow.
A job behind it starts if it fits and either ends by that date or leaves the head its processors (extra nodes).

Estimates are given with the jobs, or asked for when they are needed: at the submission of a job, and when a running job
has reached its estimated end but not its end. Such a job keeps its processors, and its new end counts from the next
pass on; the correction has none of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wattq.simulator.jit import inlined, jitted

__all__ = [
    "BY_ESTIMATE",
    "BY_SUBMISSION",
    "DONE",
    "ORDERS",
    "OUTLIVED",
    "SUBMITTED",
    "Machine",
    "asked_job",
    "new_machine",
    "news",
    "play",
    "prolong",
    "serve",
]

BY_SUBMISSION, BY_ESTIMATE = range(2)
ORDERS: Mapping[str, int] = MappingProxyType({"submission": BY_SUBMISSION, "estimate": BY_ESTIMATE})
"""Names of the orders in which jobs behind the head are tried: EASY, and EASY-SJBF (shortest estimate first)."""

DONE, SUBMITTED, OUTLIVED = range(3)
"""What `play` returns: all jobs have ended; the next job's estimate is needed; a running job needs a longer one."""

_FREE, _HEAD, _ARRIVED, _WAITING, _RUNNING, _HOLDING, _NEWS, _TOLD = range(8)


class Machine(NamedTuple):
    """Jobs in order of submission, and what goes on.

    Attributes:
        submit_s, run_s, estimate_s: submit, run and estimated times, s, length n_jobs; an estimate is NaN until it is
            known.
        processors: processors of each job, length n_jobs.
        start_s: start dates, s, NaN before; the result, length n_jobs.
        waiting: indices of the jobs to try behind the head in their order, the first ``counts[3]`` entries; those
            started meanwhile leave at the next pass.
        running: indices of the running jobs, the next one to end last, ``counts[4]`` entries.
        holding: those that hold processors by their estimates, the next one to end last, ``counts[5]`` entries.
        happened: jobs that started (their index) and ended (the complement of it, ``~job``), in that order, the first
            ``counts[6]`` entries; `news` has read ``counts[7]`` of them.
        counts: free processors, head of the queue, jobs arrived, then the lengths of the lists.
        clock: the date, s.
    """

    submit_s: NDArray[np.float64]
    run_s: NDArray[np.float64]
    estimate_s: NDArray[np.float64]
    processors: NDArray[np.int64]
    start_s: NDArray[np.float64]
    waiting: NDArray[np.int64]
    running: NDArray[np.int64]
    holding: NDArray[np.int64]
    happened: NDArray[np.int64]
    counts: NDArray[np.int64]
    clock: NDArray[np.float64]


def new_machine(
    submit_s: NDArray[np.float64],
    run_s: NDArray[np.float64],
    estimate_s: NDArray[np.float64],
    processors: NDArray[np.int64],
    free: int,
) -> Machine:
    """Return an empty machine of that many processors, and the jobs to come."""
    n_jobs = len(submit_s)
    waiting, running, holding = (np.zeros(n_jobs, dtype=np.int64) for _ in range(3))
    counts = np.array([free, 0, 0, 0, 0, 0, 0, 0], dtype=np.int64)
    happened = np.zeros(2 * n_jobs, dtype=np.int64)
    start_s = np.full(n_jobs, np.nan)
    return Machine(
        submit_s,
        run_s,
        estimate_s,
        processors,
        start_s,
        waiting,
        running,
        holding,
        happened,
        counts,
        np.zeros(1, dtype=np.float64),
    )


@inlined
def _insert(jobs: Any, n: int, job: int, start_s: Any, length_s: Any) -> None:
    """Insert a job into a list by descending end; it comes to end after those that end with it."""
    end_s = start_s[job] + length_s[job]
    place = n
    while place > 0 and start_s[jobs[place - 1]] + length_s[jobs[place - 1]] <= end_s:
        jobs[place] = jobs[place - 1]
        place -= 1
    jobs[place] = job


@inlined
def _note(m: Any, what: int) -> None:
    m.happened[m.counts[_NEWS]] = what
    m.counts[_NEWS] += 1


@inlined
def _start(m: Any, job: int) -> None:
    m.start_s[job] = m.clock[0]
    _note(m, job)
    m.counts[_FREE] -= m.processors[job]
    _insert(m.running, m.counts[_RUNNING], job, m.start_s, m.run_s)
    m.counts[_RUNNING] += 1
    _insert(m.holding, m.counts[_HOLDING], job, m.start_s, m.estimate_s)
    m.counts[_HOLDING] += 1


@inlined
def _release(m: Any, job: int) -> None:
    """Free what a completed job holds, unless its estimated end has freed it before."""
    n = m.counts[_HOLDING]
    place = n - 1
    while place >= 0 and m.holding[place] != job:
        place -= 1
    if place < 0:
        return
    m.counts[_FREE] += m.processors[job]
    m.counts[_HOLDING] = n - 1
    for later in range(place, n - 1):
        m.holding[later] = m.holding[later + 1]


@inlined
def _expire(m: Any) -> bool:
    """Free what jobs hold whose estimated end has come, up to one that goes on; return whether there is such a one."""
    while m.counts[_HOLDING] > 0:
        job = m.holding[m.counts[_HOLDING] - 1]
        if m.start_s[job] + m.estimate_s[job] > m.clock[0]:
            return False
        if m.start_s[job] + m.run_s[job] > m.clock[0]:
            return True
        m.counts[_FREE] += m.processors[job]
        m.counts[_HOLDING] -= 1
    return False


@inlined
def _arrive(m: Any, order: int) -> int:
    """Add the next job to the queue and return it."""
    job = m.counts[_ARRIVED]
    m.counts[_ARRIVED] += 1
    place = m.counts[_WAITING]
    m.counts[_WAITING] += 1
    while order == BY_ESTIMATE and place > 0 and m.estimate_s[m.waiting[place - 1]] > m.estimate_s[job]:
        m.waiting[place] = m.waiting[place - 1]
        place -= 1
    m.waiting[place] = job
    return int(job)


@inlined
def _start_heads(m: Any) -> None:
    """Start jobs from the head of the queue while they fit."""
    while m.counts[_HEAD] < m.counts[_ARRIVED]:
        job = m.counts[_HEAD]
        if np.isnan(m.start_s[job]):
            if m.processors[job] > m.counts[_FREE]:
                return
            _start(m, job)
        m.counts[_HEAD] += 1


@inlined
def _reservation(m: Any) -> tuple[float, int]:
    """Return the date at which the head should fit, and how many processors are left beside it then."""
    needed = m.processors[m.counts[_HEAD]]
    free = m.counts[_FREE]
    shadow_s = np.inf
    for place in range(m.counts[_HOLDING] - 1, -1, -1):
        job = m.holding[place]
        end_s = m.start_s[job] + m.estimate_s[job]
        if end_s > shadow_s:
            break
        free += m.processors[job]
        if free >= needed:
            shadow_s = end_s
    return shadow_s, free - needed


@inlined
def _backfill(m: Any) -> None:
    shadow_s, extra = _reservation(m)
    kept = 0
    for place in range(m.counts[_WAITING]):
        job = m.waiting[place]
        if not np.isnan(m.start_s[job]):
            continue
        size = m.processors[job]
        if job != m.counts[_HEAD] and size <= m.counts[_FREE]:
            in_time = m.clock[0] + m.estimate_s[job] <= shadow_s
            if in_time or size <= extra:
                extra -= 0 if in_time else size
                _start(m, job)
                continue
        m.waiting[kept] = job
        kept += 1
    m.counts[_WAITING] = kept


@inlined
def _pass(m: Any) -> None:
    _start_heads(m)
    if m.counts[_HEAD] == m.counts[_ARRIVED]:
        m.counts[_WAITING] = 0
    elif m.counts[_FREE] > 0:
        _backfill(m)


@inlined
def _next_end_s(m: Any) -> float:
    if m.counts[_RUNNING] == 0:
        return np.inf
    job = m.running[m.counts[_RUNNING] - 1]
    return float(m.start_s[job] + m.run_s[job])


@jitted
def play(m: Any, order: int) -> int:
    """Run jobs until all have ended or an estimate is needed; every job must fit an empty machine.

    After `SUBMITTED`, the estimate of `asked_job` is to be set; after `OUTLIVED`, `prolong` is to be called; then this
    function again.

    Args:
        m: a `Machine`; its ``start_s`` is filled.
        order: one of `ORDERS`.
    """
    n_jobs = len(m.submit_s)
    while m.counts[_ARRIVED] < n_jobs or m.counts[_RUNNING] > 0:
        first_end_s = _next_end_s(m)
        arrives = m.counts[_ARRIVED] < n_jobs and m.submit_s[m.counts[_ARRIVED]] <= first_end_s
        m.clock[0] = m.submit_s[m.counts[_ARRIVED]] if arrives else first_end_s
        if _expire(m):
            return OUTLIVED
        if arrives:
            if np.isnan(m.estimate_s[m.counts[_ARRIVED]]):
                return SUBMITTED
            job = _arrive(m, order)
            if m.processors[job] <= m.counts[_FREE]:
                _pass(m)
            continue
        m.counts[_RUNNING] -= 1
        job = m.running[m.counts[_RUNNING]]
        _note(m, ~job)
        _release(m, job)
        _pass(m)
    return DONE


@jitted
def prolong(m: Any, estimate_s: float) -> None:
    """Give the job that `play` found to outlive its estimate another one, s, beyond the time that it has run."""
    n = m.counts[_HOLDING] - 1
    job = m.holding[n]
    m.estimate_s[job] = estimate_s
    _insert(m.holding, n, job, m.start_s, m.estimate_s)


def serve(m: Machine, order: int) -> None:
    """Run all jobs with the estimates that were given; none may be shorter than its run.

    Args:
        m: a `Machine`; its ``start_s`` is filled.
        order: one of `ORDERS`.
    """
    if play(m, order) != DONE:
        raise ValueError("a job has no estimate, or one shorter than its run")


def asked_job(m: Machine, asked: int) -> int:
    """Return the job that `play` asks for, by what it returned."""
    return int(m.counts[_ARRIVED] if asked == SUBMITTED else m.holding[m.counts[_HOLDING] - 1])


def news(m: Machine) -> list[tuple[int, bool]]:
    """Return the jobs that started (False) and ended (True) since the last call, in that order."""
    first, stop = m.counts[_TOLD], m.counts[_NEWS]
    m.counts[_TOLD] = stop
    return [(job, False) if job >= 0 else (~job, True) for job in m.happened[first:stop].tolist()]
