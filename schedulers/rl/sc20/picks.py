"""Simulation of a sequence of jobs by picking one job after the other, as the environment of RLScheduler does.

The job with the lowest score is picked and blocks the machine until it fits. Jobs arrive (are seen) only while the
picked job waits for resources or when the queue is empty; an arrival at the date of a completion comes first.

Backfilling, where asked for, is not EASY: the date at which the picked job should fit (by requested times) is taken
once, when it blocks; at every event the queue is scanned in order of submission, and a job starts if it fits and
should end before that date. There is no rule of extra nodes. Jobs run as long as they do, whatever was requested.

Queue and running jobs are lists that are sorted in place by stable sorts; who comes first among equals depends on the
sorts before, and is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wattq.schedulers.rl.sc20.scores import SJF, score, wait
from wattq.simulator.jit import inlined, jitted

__all__ = [
    "BACKFILLS",
    "FREE",
    "HEAD_ONCE",
    "NEXT",
    "NO_BACKFILL",
    "QUEUED",
    "RUNNING",
    "Sequence",
    "new_sequence",
    "play",
    "serve",
]

NO_BACKFILL, HEAD_ONCE = range(2)
BACKFILLS: Mapping[str, int] = MappingProxyType({"none": NO_BACKFILL, "head_once": HEAD_ONCE})
"""Names of the ways to backfill."""

FREE, QUEUED, RUNNING, NEXT = range(4)
"""Places in ``Sequence.counts``."""


class Sequence(NamedTuple):
    """Jobs of one sequence in order of arrival, and what goes on; every array but the last two has length n_jobs.

    Attributes:
        submit_s, run_s, request_s: submit, run and requested times, s.
        processors: processors of each job.
        nodes: nodes of each job.
        start_s: start dates, s; the result.
        queue: indices of the waiting jobs, the first ``counts[1]`` entries.
        running: indices of the running jobs, the first ``counts[2]`` entries.
        key: sort keys of the queue.
        spare_queue, spare_key: room for sorting.
        counts: free nodes, waiting jobs, running jobs, next job to arrive.
        clock: the date, s.
    """

    submit_s: NDArray[np.float64]
    run_s: NDArray[np.float64]
    request_s: NDArray[np.float64]
    processors: NDArray[np.float64]
    nodes: NDArray[np.int64]
    start_s: NDArray[np.float64]
    queue: NDArray[np.int64]
    running: NDArray[np.int64]
    key: NDArray[np.float64]
    spare_queue: NDArray[np.int64]
    spare_key: NDArray[np.float64]
    counts: NDArray[np.int64]
    clock: NDArray[np.float64]


def new_sequence(
    submit_s: NDArray[np.float64],
    run_s: NDArray[np.float64],
    request_s: NDArray[np.float64],
    processors: NDArray[np.int64],
    nodes: NDArray[np.int64],
    free_nodes: int,
) -> Sequence:
    """Return a sequence ready to play on an empty machine at the date of its first job."""
    n_jobs = len(submit_s)
    queue, running, spare_queue = (np.zeros(n_jobs, dtype=np.int64) for _ in range(3))
    start_s, key, spare_key = np.full(n_jobs, np.nan), np.zeros(n_jobs), np.zeros(n_jobs)
    counts = np.array([free_nodes, 1, 0, 1], dtype=np.int64)
    clock = np.array([submit_s[0]], dtype=np.float64)
    jobs = (submit_s, run_s, request_s, processors.astype(np.float64), nodes)
    return Sequence(*jobs, start_s, queue, running, key, spare_queue, spare_key, counts, clock)


@inlined
def _fits(v: Any, job: int) -> bool:
    return bool(v.nodes[job] <= v.counts[FREE])


@inlined
def _start(v: Any, place: int) -> None:
    """Start the job at one place of the queue now."""
    job = v.queue[place]
    v.start_s[job] = v.clock[0]
    v.running[v.counts[RUNNING]] = job
    v.counts[RUNNING] += 1
    v.counts[FREE] -= v.nodes[job]
    v.counts[QUEUED] -= 1
    for later in range(place, v.counts[QUEUED]):
        v.queue[later] = v.queue[later + 1]


@inlined
def _merge(v: Any, low: int, middle: int, high: int) -> None:
    """Merge two sorted parts of the queue; of equals, the one from the first part goes first."""
    for place in range(low, high):
        v.spare_queue[place], v.spare_key[place] = v.queue[place], v.key[place]
    first, second = low, middle
    for place in range(low, high):
        if second == high or (first < middle and v.spare_key[first] <= v.spare_key[second]):
            taken = first
            first += 1
        else:
            taken = second
            second += 1
        v.queue[place], v.key[place] = v.spare_queue[taken], v.spare_key[taken]


@inlined
def _stable_sort(v: Any) -> None:
    """Sort the queue by its keys; equals stay in order. Parts that are in order already cost no work."""
    n = v.counts[QUEUED]
    width = 1
    while width < n:
        for low in range(0, n - width, 2 * width):
            if not v.key[low + width - 1] <= v.key[low + width]:
                _merge(v, low, low + width, min(low + 2 * width, n))
        width *= 2


@inlined
def _sort_by_submission(v: Any) -> None:
    for place in range(v.counts[QUEUED]):
        v.key[place] = v.submit_s[v.queue[place]]
    _stable_sort(v)


@inlined
def _sort_by_score(v: Any, kind: int, waits: int) -> None:
    if kind == SJF:
        _sort_by_submission(v)
    for place in range(v.counts[QUEUED]):
        job = v.queue[place]
        waited_s = wait(waits, v.clock[0], v.submit_s[job])
        v.key[place] = score(kind, waited_s, v.submit_s[job], v.request_s[job], v.processors[job])
    _stable_sort(v)


@inlined
def _sort_running(v: Any, length_s: Any) -> None:
    """Sort the running jobs by start + length; few are out of order, hence by insertion."""
    for place in range(1, v.counts[RUNNING]):
        job = v.running[place]
        end_s = v.start_s[job] + length_s[job]
        before = place - 1
        while before >= 0 and v.start_s[v.running[before]] + length_s[v.running[before]] > end_s:
            v.running[before + 1] = v.running[before]
            before -= 1
        v.running[before + 1] = job


@inlined
def _shadow_s(v: Any, job: int, per_node: float) -> float:
    """Return the date at which a job should fit, by requested times (which may have passed)."""
    _sort_running(v, v.request_s)
    free = v.counts[FREE] * per_node
    shadow_s = v.clock[0]
    for place in range(v.counts[RUNNING]):
        other = v.running[place]
        free += v.nodes[other] * per_node
        shadow_s = v.start_s[other] + v.request_s[other]
        if free >= v.processors[job]:
            break
    return float(shadow_s)


@inlined
def _backfill(v: Any, shadow_s: float) -> None:
    _sort_by_submission(v)
    place = 0
    while place < v.counts[QUEUED]:
        job = v.queue[place]
        if v.clock[0] + v.request_s[job] < shadow_s and _fits(v, job):
            _start(v, place)
        else:
            place += 1


@inlined
def _next_event(v: Any) -> None:
    """Go to the next arrival or completion, the arrival first where both have one date."""
    first_end_s = np.inf
    if v.counts[RUNNING] > 0:
        _sort_running(v, v.run_s)
        first_end_s = v.start_s[v.running[0]] + v.run_s[v.running[0]]
    arriving = v.counts[NEXT]
    if arriving < len(v.submit_s) and v.submit_s[arriving] <= first_end_s:
        v.clock[0] = max(v.clock[0], v.submit_s[arriving])
        v.queue[v.counts[QUEUED]] = arriving
        v.counts[QUEUED] += 1
        v.counts[NEXT] += 1
        return
    v.clock[0] = max(v.clock[0], first_end_s)
    v.counts[FREE] += v.nodes[v.running[0]]
    v.counts[RUNNING] -= 1
    for place in range(v.counts[RUNNING]):
        v.running[place] = v.running[place + 1]


@inlined
def _wait_for(v: Any, job: int, backfill: int, per_node: float) -> None:
    """Let time pass until the picked job fits."""
    shadow_s = _shadow_s(v, job, per_node) if backfill == HEAD_ONCE else 0.0
    while not _fits(v, job):
        if backfill == HEAD_ONCE:
            _backfill(v, shadow_s)
        _next_event(v)


@inlined
def serve(v: Any, job: int, backfill: int, per_node: float) -> bool:
    """Start the picked job as soon as it fits; return whether there are jobs to pick from, having waited for one."""
    _wait_for(v, job, backfill, per_node)
    place = 0
    while v.queue[place] != job:
        place += 1
    _start(v, place)
    while v.counts[QUEUED] == 0:
        if v.counts[NEXT] >= len(v.submit_s):
            return False
        _next_event(v)
    return True


@jitted
def play(v: Any, kind: int, waits: int, backfill: int, per_node: float) -> None:
    """Run a sequence to its last start; every job must fit an empty machine.

    Args:
        v: a `Sequence`; its ``start_s`` is filled.
        kind: one of `SCORES`.
        waits: one of `WAITS`.
        backfill: one of `BACKFILLS`.
        per_node: processors of a node.
    """
    _sort_by_score(v, kind, waits)
    while serve(v, v.queue[0], backfill, per_node):
        _sort_by_score(v, kind, waits)
