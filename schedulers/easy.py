"""Textbook EASY backfilling.

The first job of the queue that does not fit gets a reservation: from the expected ends of the running jobs follow
the *shadow time*, at which enough hosts will be free for it, and the *extra nodes*, the hosts that will be left over
then. Another waiting job may start now if enough hosts are free and it either is expected to end by the shadow time
or asks for no more than the extra nodes. So it never delays the first job, as long as jobs keep to their walltimes.
Both numbers are kept up to date at every message. Hosts are counted, not reserved by number: jobs take the free hosts
with the lowest numbers.

Running jobs that outlive their expected end are expected to end now; jobs without walltime never end, so they are
backfilled on extra nodes only.

Parameters:
    order: who is first in the queue, one of `orders.ORDERS` (first come, first served).
    backfill: the order in which candidates for backfilling are tried, likewise (the same order). `sjf` gives
        EASY-SJBF, shortest job backfilled first.

Sources: D. Lifka, The ANL/IBM SP scheduling system, JSSPP 1995 (the rule); A. Mu'alem and D. Feitelson, Utilization,
predictability, workloads, and user runtime estimates in scheduling the IBM SP2 with backfilling, IEEE TPDS 12(6),
2001 (its statement by shadow time and extra nodes); D. Tsafrir, Y. Etsion and D. Feitelson, Backfilling using
system-generated predictions rather than user runtime estimates, IEEE TPDS 18(6), 2007 (SJBF); J. Lelong, V. Reis and
D. Trystram, Tuning EASY-backfilling queues, JSSPP 2017 (both orders as parameters).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattq.schedulers.message import acceptable, ends_moved, hosts_changed, may_release, new_job
from wattq.schedulers.waitlist import (
    FIRST,
    SEEN,
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
from wattq.simulator.jit import inlined, jitted
from wattq.simulator.layout import Ledger
from wattq.simulator.ledger import start_lowest

__all__ = ["decide_easy", "easy_memory"]

# The policy's own numbers: the head of the last round plus 1, its extra nodes; in floats its shadow time.
_HEAD, _EXTRA, _OWN_I = 0, 1, 2
_SHADOW, _OWN_F = 0, 1


def easy_memory(n_jobs: int, n_hosts: int, n_words: int) -> tuple[int, int, tuple[int, int]]:
    """Return the sizes of the policy's memory: integers, floats, rows of bit words."""
    len_i, len_f = list_size(n_jobs)
    return _OWN_I + 2 * len_i, _OWN_F + 2 * len_f, (1, n_words)


@inlined
def _reserve(v: Ledger, head_job: int, mi: NDArray[np.int64], mf: NDArray[np.float64]) -> None:
    """Find the shadow time and the extra nodes of the queue's first job from the running jobs, sorted by end."""
    need = v.jobs[head_job].hosts
    hosts = v.head[0].n_free
    shadow_s = np.inf
    k = 0
    while k < v.head[0].n_running and hosts < need:
        shadow_s = max(v.jobs[v.running[k]].end_s, v.head[0].now_s)
        hosts += v.jobs[v.running[k]].hosts
        k += 1
    while hosts >= need and k < v.head[0].n_running and v.jobs[v.running[k]].end_s <= shadow_s:
        hosts += v.jobs[v.running[k]].hosts
        k += 1
    mi[_HEAD] = head_job + 1
    mi[_EXTRA] = max(hosts - need, 0)
    mf[_SHADOW] = shadow_s if hosts >= need else np.inf


@inlined
def _may_pass(v: Ledger, hosts: int, estimate_s: float, mi: NDArray[np.int64], mf: NDArray[np.float64]) -> bool:
    """Return whether a job that fits may start before the head of the queue; it takes its extra nodes at once."""
    if estimate_s < np.inf and v.head[0].now_s + estimate_s <= mf[_SHADOW]:
        return True
    if hosts <= mi[_EXTRA]:
        mi[_EXTRA] -= hosts
        return True
    return False


@inlined
def _start_heads(v: Ledger, par: NDArray[np.float64], queue: Waitlist, others: Waitlist, both: bool) -> None:
    """Start jobs from the head of the queue while they fit."""
    while queue.head[FIRST] < queue.head[TAIL] and queue.hosts[queue.head[FIRST]] <= v.head[0].n_free:
        job = queue.job[queue.head[FIRST]]
        if both:
            drop_job(v, others, job, int(par[1]), queue.tie[queue.head[FIRST]])
        drop(queue, queue.head[FIRST])
        start_lowest(v, job)


@inlined
def _backfill(
    v: Ledger,
    par: NDArray[np.float64],
    queue: Waitlist,
    others: Waitlist,
    both: bool,
    mi: NDArray[np.int64],
    mf: NDArray[np.float64],
) -> None:
    """Walk the candidates in their order and start those that do not delay the head of the queue."""
    head_job = first_job(queue)
    free = v.head[0].n_free
    for slot in range(others.head[FIRST], others.head[TAIL]):
        hosts = others.hosts[slot]
        if hosts > free:
            continue
        job = others.job[slot]
        if job == head_job or not _may_pass(v, hosts, others.estimate_s[slot], mi, mf):
            continue
        if both:
            drop_job(v, queue, job, int(par[0]), others.tie[slot])
        drop(others, slot)
        start_lowest(v, job)
        free -= hosts
        if free == 0:
            return


@inlined
def _is_settled(v: Ledger, head_job: int, n_new: int, mi: NDArray[np.int64], mf: NDArray[np.float64]) -> bool:
    """Return whether all but the new job were refused under a reservation that still holds.

    While the head stays the same, nobody started in this round, no host comes back, no job outlived its expected end
    and the shadow time is ahead, time only makes it harder to end by the shadow time, so a job refused before would be
    refused again. A shadow time that is not known (running jobs without walltime) settles nothing: a job that started
    meanwhile counts as ended by then.
    """
    return (
        n_new <= 1
        and mi[_HEAD] == head_job + 1
        and v.head[0].n_decisions == 0
        and v.head[0].now_s <= mf[_SHADOW] < np.inf
        and not may_release(v)
        and not hosts_changed(v)
        and not ends_moved(v)
    )


@inlined
def _try_new(
    v: Ledger,
    par: NDArray[np.float64],
    queue: Waitlist,
    others: Waitlist,
    both: bool,
    job: int,
    mi: NDArray[np.int64],
    mf: NDArray[np.float64],
) -> None:
    """Start the one new job if it does not delay the head of the queue."""
    j = v.jobs[job]
    if j.hosts > v.head[0].n_free or not _may_pass(v, j.hosts, j.estimate_s, mi, mf):
        return
    drop_job(v, queue, job, int(par[0]), queue.head[SEEN])
    if both:
        drop_job(v, others, job, int(par[1]), others.head[SEEN])
    start_lowest(v, job)


@jitted
def decide_easy(
    v: Ledger, par: NDArray[np.float64], mi: NDArray[np.int64], mf: NDArray[np.float64], mw: NDArray[np.uint64]
) -> None:
    """Take one round of decisions; see the module."""
    order = int(par[0])
    backfill = int(par[1])
    both = order != backfill
    cap = (mf.shape[0] - _OWN_F) // 4
    queue = open_list(mi, mf, _OWN_I, _OWN_F, cap)
    others = queue
    if both:
        others = open_list(mi, mf, _OWN_I + (mi.shape[0] - _OWN_I) // 2, _OWN_F + 2 * cap, cap)
        tidy(others)
        refresh(v, others, backfill)
    tidy(queue)
    refresh(v, queue, order)
    n_new = 0
    last = -1
    for e in range(v.head[0].n_events):
        job = new_job(v, e)
        if job >= 0 and acceptable(v, job, False):
            add(v, queue, job, order, False)
            if both:
                add(v, others, job, backfill, False)
            last = job
            n_new += 1
    _start_heads(v, par, queue, others, both)
    head_job = first_job(queue)
    if head_job < 0 or v.head[0].n_free == 0:
        mi[_HEAD] = 0
    elif _is_settled(v, head_job, n_new, mi, mf):
        if n_new == 1 and last != head_job:
            _try_new(v, par, queue, others, both, last, mi, mf)
    else:
        _reserve(v, head_job, mi, mf)
        _backfill(v, par, queue, others, both, mi, mf)
