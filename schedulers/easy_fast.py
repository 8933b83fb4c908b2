"""batsched's fast variant of EASY, `easy_bf_fast`, decision for decision. It is not the textbook rule.

One *priority job* is the first that did not fit. Its expected start is computed when it becomes the priority job, from
the expected ends of the jobs that run then, and is never updated afterwards, even when jobs end early. After a job
ended: the priority job starts if it fits, then jobs in order of submission until one does not fit and becomes the
priority job; and only if there was a priority job at the beginning, every waiting job that fits and is expected to end
by the expected start begins. There is no extra-nodes rule. A new job starts when it fits and there is no priority job
or it ends by the expected start; one that does not fit becomes the priority job if there is none.

Jobs without walltime never end, so they never pass a priority job (batsched 1.4.0 leaves that case undefined). Only
when a job outlives what a predictor expected of it is the expected start computed anew.

Source: the `easy_bf_fast` variant of batsched 1.4.0 (M. Poquet and others); no parameters.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattq.schedulers.message import acceptable, ends_moved, may_release, new_job
from wattq.simulator.jit import inlined, jitted
from wattq.simulator.layout import Ledger
from wattq.simulator.ledger import start_lowest

__all__ = ["decide_easy_fast", "easy_fast_memory"]


def easy_fast_memory(n_jobs: int, n_hosts: int, n_words: int) -> tuple[int, int, tuple[int, int]]:
    """Return the sizes of the policy's memory: integers, floats, rows of bit words.

    The one integer is the priority job plus 1, the one float its expected start.
    """
    return 1, 1, (1, n_words)


@inlined
def _promote(v: Ledger, job: int, mi: NDArray[np.int64], mf: NDArray[np.float64]) -> None:
    """Make a job the priority job and compute its expected start, once and for all."""
    mi[0] = job + 1
    hosts = v.head[0].n_free
    for k in range(v.head[0].n_running):
        j = v.jobs[v.running[k]]
        hosts += j.hosts
        if hosts >= v.jobs[job].hosts:
            mf[0] = j.end_s
            return
    mf[0] = np.inf


@inlined
def _ends_in_time(v: Ledger, job: int, mf: NDArray[np.float64]) -> bool:
    """Return whether a job started now is expected to end by the priority job's expected start."""
    estimate_s = v.jobs[job].estimate_s
    return bool(estimate_s < np.inf and v.head[0].now_s + estimate_s <= mf[0])


@jitted
def _serve_waiting(v: Ledger, waited: int, mi: NDArray[np.int64], mf: NDArray[np.float64]) -> None:
    """Hosts came back: start the priority job and its successors, then backfill; ``queue[:waited]`` counts."""
    head = v.head[0]
    if v.jobs[mi[0] - 1].hosts <= head.n_free:
        start_lowest(v, mi[0] - 1)
        mi[0] = 0
        for pos in range(head.q_head, waited):
            job = v.queue[pos]
            if job < 0:
                continue
            if v.jobs[job].hosts > head.n_free:
                _promote(v, job, mi, mf)
                break
            start_lowest(v, job)
    for pos in range(head.q_head, waited):
        if head.n_free == 0:
            return
        job = v.queue[pos]
        if job >= 0 and job != mi[0] - 1 and v.jobs[job].hosts <= head.n_free and _ends_in_time(v, job, mf):
            start_lowest(v, job)


@jitted
def decide_easy_fast(
    v: Ledger, par: NDArray[np.float64], mi: NDArray[np.int64], mf: NDArray[np.float64], mw: NDArray[np.uint64]
) -> None:
    """Take one round of decisions; see the module."""
    head = v.head[0]
    # batsched walks the jobs that waited before this message; the ledger's queue already holds the new ones.
    waited = head.q_tail
    for e in range(head.n_events):
        if new_job(v, e) >= 0:
            waited -= 1
    if mi[0] > 0 and ends_moved(v):
        _promote(v, mi[0] - 1, mi, mf)
    if mi[0] > 0 and may_release(v):
        _serve_waiting(v, waited, mi, mf)
    for e in range(head.n_events):
        job = new_job(v, e)
        if job < 0 or not acceptable(v, job, False):
            continue
        if v.jobs[job].hosts <= head.n_free:
            if mi[0] == 0 or _ends_in_time(v, job, mf):
                start_lowest(v, job)
        elif mi[0] == 0:
            _promote(v, job, mi, mf)
