"""Conservative backfilling: every waiting job holds a reservation, and no reservation is ever delayed.

All waiting jobs stand in a timetable, placed by first fit on given hosts. A new job is placed behind the others. When
a job ended, the plan is compressed: each waiting job in turn is taken out and placed again, never later than before,
and starts when its place is now. So no job is delayed by one submitted after it, as long as jobs keep to their
walltimes.

Jobs without walltime and jobs larger than the machine are rejected. When a running job outlives its expected end or
hosts come or go, all jobs are planned anew, and only then a reservation may move to a later date.

Parameters:
    order: the order in which the plan is compressed, one of `orders.ORDERS` (first come, first served); ties follow
        the bytes of the ids. The orders that change with the date keep the invariant, too.

Sources: A. Mu'alem and D. Feitelson, IEEE TPDS 12(6), 2001; D. Feitelson and A. Weil, Utilization and predictability in
scheduling the IBM SP2 with backfilling, IPPS 1998 (compression); the `conservative_bf` variant of batsched 1.4.0
(M. Poquet and others), whose schedules this reaches.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattq.schedulers.message import acceptable, may_release, new_job
from wattq.schedulers.present import catch_up, is_new, must_reset, ran_out, reset
from wattq.schedulers.reservations import forget, is_reserved, place, start_reserved, unreserve
from wattq.schedulers.timetable import Timetable, open_timetable, table_size
from wattq.schedulers.waitlist import (
    FIRST,
    HOLE,
    TAIL,
    Waitlist,
    add,
    drop,
    drop_job,
    list_size,
    open_list,
    refresh,
    tidy,
)
from wattq.simulator import layout as c
from wattq.simulator.jit import inlined, jitted
from wattq.simulator.layout import Ledger

__all__ = ["conservative_memory", "decide_conservative"]


def conservative_memory(n_jobs: int, n_hosts: int, n_words: int) -> tuple[int, int, tuple[int, int]]:
    """Return the sizes of the policy's memory: integers, floats, rows of bit words.

    There is room for a reservation of every job, up to 1 GiB of them; only what is used costs memory.
    """
    list_i, list_f = list_size(n_jobs)
    table_i, table_f, rows = table_size(n_jobs, n_jobs, n_hosts, n_words)
    return list_i + table_i, list_f + table_f, (rows, n_words)


@inlined
def _forget_all(t: Timetable, w: Waitlist) -> None:
    """Drop the notes of all reservations."""
    for slot in range(w.head[FIRST], w.head[TAIL]):
        forget(t, w.job[slot])


@inlined
def _place_new(v: Ledger, t: Timetable, w: Waitlist, order: int) -> None:
    """Place the jobs of this message behind the others and start those placed now."""
    for e in range(v.head[0].n_events):
        job = new_job(v, e)
        if job >= 0 and v.jobs[job].state == c.SUBMITTED and place(v, t, job):
            drop_job(v, w, job, order, v.jobs[job].id_rank)
            start_reserved(v, t, job)


@inlined
def _compress(v: Ledger, t: Timetable, w: Waitlist) -> None:
    """Place each job of the queue again, in order, and start those placed now."""
    for slot in range(w.head[FIRST], w.head[TAIL]):
        if w.hosts[slot] == HOLE:
            continue
        job = w.job[slot]
        if is_reserved(t, job):
            unreserve(t, job)
        if place(v, t, job):
            drop(w, slot)
            start_reserved(v, t, job)


@jitted
def decide_conservative(
    v: Ledger, par: NDArray[np.float64], mi: NDArray[np.int64], mf: NDArray[np.float64], mw: NDArray[np.uint64]
) -> None:
    """Take one round of decisions; see the module."""
    order = int(par[0])
    n_jobs = (mf.shape[0] - mw.shape[0]) // 4
    w = open_list(mi, mf, 0, 0, n_jobs)
    t = open_timetable(mi, mf, mw, 4 + 3 * n_jobs, 2 * n_jobs, n_jobs, par[1])
    tidy(w)
    ended = may_release(v)
    if must_reset(v, t):
        ended = ended or not is_new(t)
        _forget_all(t, w)
        reset(v, t)
    else:
        catch_up(v, t)
    for e in range(v.head[0].n_events):
        job = new_job(v, e)
        if job >= 0 and acceptable(v, job, True):
            add(v, w, job, order, True)
    refresh(v, w, order)
    if ended:
        _compress(v, t, w)
    else:
        _place_new(v, t, w, order)
    ran_out(v, t)
