"""Filler: walk the queue in its order and start every job that fits; nobody holds back anybody.

Large jobs may starve. This is batsched's `filler` (first fit over the queue); ties of the order follow the bytes of
the ids, as there.

Parameters:
    order: the order of the walk, one of `orders.ORDERS` (first come, first served).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattq.schedulers.message import acceptable, may_release, new_job
from wattq.schedulers.waitlist import FIRST, TAIL, Waitlist, add, drop, list_size, open_list, refresh, tidy
from wattq.simulator.jit import inlined, jitted
from wattq.simulator.layout import Ledger
from wattq.simulator.ledger import start_lowest

__all__ = ["decide_filler", "filler_memory"]


def filler_memory(n_jobs: int, n_hosts: int, n_words: int) -> tuple[int, int, tuple[int, int]]:
    """Return the sizes of the policy's memory: integers, floats, rows of bit words."""
    len_i, len_f = list_size(n_jobs)
    return len_i, len_f, (1, n_words)


@inlined
def _fill(v: Ledger, w: Waitlist) -> None:
    """Start every job of the list that fits."""
    head = v.head[0]
    for slot in range(w.head[FIRST], w.head[TAIL]):
        if head.n_free == 0:
            return
        if w.hosts[slot] <= head.n_free:
            job = w.job[slot]
            drop(w, slot)
            start_lowest(v, job)


@jitted
def decide_filler(
    v: Ledger, par: NDArray[np.float64], mi: NDArray[np.int64], mf: NDArray[np.float64], mw: NDArray[np.uint64]
) -> None:
    """Take one round of decisions; see the module."""
    order = int(par[0])
    w = open_list(mi, mf, 0, 0, mf.shape[0] // 2)
    tidy(w)
    any_new = False
    for e in range(v.head[0].n_events):
        job = new_job(v, e)
        if job >= 0 and acceptable(v, job, False):
            add(v, w, job, order, True)
            any_new = True
    if any_new or may_release(v):
        refresh(v, w, order)
        _fill(v, w)
