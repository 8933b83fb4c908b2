"""Queues without backfilling: jobs start in the queue's order, and the first that does not fit holds back the rest.

Parameters:
    order: who comes first, one of `orders.ORDERS` (first come, first served).

With the order `fcfs` this is batsched's `fcfs_fast`: batsched starts jobs from the head of its list after a job ended
and a new job when nobody waits and it fits, which is the same thing said for the two kinds of messages. With `sjf`,
`ljf`, `smallest`, ... it is the plain list scheduler of that name.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattq.schedulers import orders as o
from wattq.schedulers.message import acceptable, new_job
from wattq.schedulers.waitlist import FIRST, TAIL, Waitlist, add, drop, list_size, open_list, refresh
from wattq.simulator.jit import inlined, jitted
from wattq.simulator.layout import Ledger
from wattq.simulator.ledger import start_lowest

__all__ = ["decide_fcfs", "fcfs_memory"]


def fcfs_memory(n_jobs: int, n_hosts: int, n_words: int) -> tuple[int, int, tuple[int, int]]:
    """Return the sizes of the policy's memory: integers, floats, rows of bit words."""
    len_i, len_f = list_size(n_jobs)
    return len_i, len_f, (1, n_words)


@inlined
def _start_heads(v: Ledger, w: Waitlist) -> None:
    """Start jobs from the head of the list while they fit."""
    while w.head[FIRST] < w.head[TAIL] and w.hosts[w.head[FIRST]] <= v.head[0].n_free:
        job = w.job[w.head[FIRST]]
        drop(w, w.head[FIRST])
        start_lowest(v, job)


@jitted
def decide_fcfs(
    v: Ledger, par: NDArray[np.float64], mi: NDArray[np.int64], mf: NDArray[np.float64], mw: NDArray[np.uint64]
) -> None:
    """Take one round of decisions; see the module."""
    order = int(par[0])
    w = open_list(mi, mf, 0, 0, mf.shape[0] // 2)
    refresh(v, w, order)
    in_turn = order == o.FCFS
    if in_turn:
        _start_heads(v, w)
    for e in range(v.head[0].n_events):
        job = new_job(v, e)
        if job >= 0 and acceptable(v, job, False):
            add(v, w, job, order, False)
            if in_turn:
                _start_heads(v, w)
    _start_heads(v, w)
