"""batsched's EASY backfilling, `easy_bf`, decision for decision: a reservation of given hosts for the queue's head.

The first job of the queue is placed in a timetable by first fit, on given hosts; other jobs start when they can take
hosts now that nobody holds for their whole walltime. A message without an ended job tries only the new jobs; one with
an ended job places the head again and walks the whole queue, unless no host is free. It differs from the textbook rule
(`easy`) in that the head waits for given hosts, not for a number of hosts, so that backfilled jobs keep off these
hosts.

Jobs without walltime and jobs larger than the machine are rejected. When a running job outlives its expected end or
hosts come or go (cases in which batsched stops with an error), the plan is made anew.

Parameters:
    order: the order of the queue, one of `orders.ORDERS` (first come, first served); ties follow the bytes of the ids.

Source: the `easy_bf` variant of batsched 1.4.0 (M. Poquet and others), after D. Lifka, JSSPP 1995.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattq.schedulers.message import acceptable, may_release, new_job
from wattq.schedulers.present import catch_up, is_new, must_reset, ran_out, reset
from wattq.schedulers.reservations import fits_now, forget, free_now, is_reserved, place, start_reserved, unreserve
from wattq.schedulers.timetable import Timetable, open_timetable, table_size
from wattq.schedulers.waitlist import (
    FIRST,
    HOLE,
    TAIL,
    Waitlist,
    add,
    drop,
    drop_job,
    first_job,
    list_size,
    open_list,
    refresh,
    tidy,
)
from wattq.simulator import layout as c
from wattq.simulator.jit import inlined, jitted
from wattq.simulator.layout import Ledger

__all__ = ["decide_easy_bf", "easy_bf_memory"]


def easy_bf_memory(n_jobs: int, n_hosts: int, n_words: int) -> tuple[int, int, tuple[int, int]]:
    """Return the sizes of the policy's memory: integers, floats, rows of bit words."""
    list_i, list_f = list_size(n_jobs)
    table_i, table_f, rows = table_size(n_jobs, 2, n_hosts, n_words)
    return list_i + table_i, list_f + table_f, (rows, n_words)


@inlined
def _start_heads(v: Ledger, t: Timetable, w: Waitlist) -> int:
    """Place the first job of the queue; while it starts at once, place the next one. Return the job left first."""
    while first_job(w) >= 0:
        job = first_job(w)
        if not place(v, t, job):
            return job
        drop(w, w.head[FIRST])
        start_reserved(v, t, job)
    return -1


@inlined
def _try_new(v: Ledger, t: Timetable, w: Waitlist, order: int, head_job: int) -> None:
    """Start the jobs of this message that fit beside the plan, in order of submission."""
    free = free_now(t)
    for e in range(v.head[0].n_events):
        job = new_job(v, e)
        if job < 0 or v.jobs[job].state != c.SUBMITTED or job == head_job or v.jobs[job].hosts > free:
            continue
        if fits_now(t, v.jobs[job].hosts, v.jobs[job].estimate_s) and place(v, t, job):
            free -= v.jobs[job].hosts
            drop_job(v, w, job, order, v.jobs[job].id_rank)
            start_reserved(v, t, job)


@inlined
def _walk(v: Ledger, t: Timetable, w: Waitlist, head_job: int) -> None:
    """Place the head again and start every other job that fits beside the plan."""
    priority = head_job
    for slot in range(w.head[FIRST], w.head[TAIL]):
        if w.hosts[slot] == HOLE:
            continue
        job = w.job[slot]
        if is_reserved(t, job):
            unreserve(t, job)
        if job != priority and not fits_now(t, w.hosts[slot], w.estimate_s[slot]):
            continue
        if place(v, t, job):
            drop(w, slot)
            start_reserved(v, t, job)
            if job == priority:
                priority = first_job(w)


@jitted
def decide_easy_bf(
    v: Ledger, par: NDArray[np.float64], mi: NDArray[np.int64], mf: NDArray[np.float64], mw: NDArray[np.uint64]
) -> None:
    """Take one round of decisions; see the module."""
    order = int(par[0])
    n_jobs = (mf.shape[0] - mw.shape[0]) // 4
    list_i = 4 + 3 * n_jobs
    w = open_list(mi, mf, 0, 0, n_jobs)
    t = open_timetable(mi, mf, mw, list_i, 2 * n_jobs, n_jobs, par[1])
    tidy(w)
    before = first_job(w)
    ended = may_release(v)
    if must_reset(v, t):
        ended = ended or not is_new(t)
        if before >= 0:
            forget(t, before)
        reset(v, t)
        before = -1
    else:
        catch_up(v, t)
    for e in range(v.head[0].n_events):
        job = new_job(v, e)
        if job >= 0 and acceptable(v, job, True):
            add(v, w, job, order, True)
    refresh(v, w, order)
    head_job = first_job(w)
    if head_job != before:
        if before >= 0 and is_reserved(t, before):
            unreserve(t, before)
        head_job = _start_heads(v, t, w)
    if not ended:
        _try_new(v, t, w, order, head_job)
    elif free_now(t) > 0:
        _walk(v, t, w, head_job)
    ran_out(v, t)
