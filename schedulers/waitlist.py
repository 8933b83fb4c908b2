"""Waiting jobs kept sorted by a score, in arrays that a policy owns.

The list occupies slots `first..tail`; a job that leaves from the middle stays as a hole that asks for more hosts than
any machine has, so that scans pass over it without a test of its own. There are as many slots as jobs; where jobs enter
more than once, the list moves to the first slots when it has come to the last one.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wattq.schedulers import orders as o
from wattq.schedulers.borrowed import borrowed
from wattq.simulator.jit import inlined, jitted
from wattq.simulator.layout import Ledger

__all__ = [
    "HOLE",
    "Waitlist",
    "add",
    "add_scored",
    "drop",
    "drop_job",
    "drop_scored",
    "first_job",
    "list_size",
    "open_list",
    "refresh",
    "tidy",
]

HOLE = 1 << 40  # hosts of an empty slot
FIRST, TAIL, HOLES, SEEN = 0, 1, 2, 3
_HEADER = 4


class Waitlist(NamedTuple):
    """A sorted list of waiting jobs.

    Attributes:
        head: first slot, slot after the last, holes among them, jobs that ever entered.
        job: job number per slot.
        tie: order among equal scores.
        hosts: hosts asked for, `HOLE` in an empty slot.
        score: sort key, ascending.
        estimate_s: expected run time, s.
    """

    head: NDArray[np.int64]
    job: NDArray[np.int64]
    tie: NDArray[np.int64]
    hosts: NDArray[np.int64]
    score: NDArray[np.float64]
    estimate_s: NDArray[np.float64]


def list_size(n_jobs: int) -> tuple[int, int]:
    """Return how many integers and floats a list for this many jobs takes."""
    return _HEADER + 3 * n_jobs, 2 * n_jobs


@inlined
def open_list(mi: NDArray[np.int64], mf: NDArray[np.float64], at_i: int, at_f: int, cap: int) -> Waitlist:
    """Return the list that lies at these offsets of a policy's memory; zeroed memory is an empty list."""
    i = at_i + _HEADER
    return Waitlist(
        borrowed(mi[at_i:i]),
        borrowed(mi[i : i + cap]),
        borrowed(mi[i + cap : i + 2 * cap]),
        borrowed(mi[i + 2 * cap : i + 3 * cap]),
        borrowed(mf[at_f : at_f + cap]),
        borrowed(mf[at_f + cap : at_f + 2 * cap]),
    )


@inlined
def _fitted(order: int, run_s: float, hosts: float, submit_s: float) -> float:
    """Return one of the four fitted functions of Carastan-Santos and de Camargo, SC'17, table 3."""
    age = np.log10(submit_s)
    if order == o.F1:
        return float(np.log10(run_s) * hosts + 870.0 * age)
    if order == o.F2:
        return float(np.sqrt(run_s) * hosts + 25600.0 * age)
    if order == o.F3:
        return float(run_s * hosts + 6860000.0 * age)
    return float(run_s * np.sqrt(hosts) + 530000.0 * age)


@inlined
def _score(v: Ledger, job: int, order: int) -> float:
    """Return the sort key of a job in an order, at the date of the message."""
    j = v.jobs[job]
    key = j.seen_s
    if order == o.SJF or order == o.LJF:
        key = j.estimate_s
    elif order == o.SMALLEST or order == o.LARGEST:
        key = np.float64(j.hosts)
    elif order == o.SAF or order == o.LAF:
        key = j.estimate_s * j.hosts
    elif order >= o.F1 and order <= o.F4:
        key = _fitted(order, max(j.estimate_s, 1.0), np.float64(j.hosts), max(j.submit_s, 1.0))
    elif order == o.MARK:
        key = np.float64(j.mark)
    elif order >= o.LXF:
        key = max(v.head[0].now_s - j.submit_s, 0.0) / max(j.estimate_s, 1e-6)
        if order == o.WFP3:
            key *= key * key * j.hosts
        elif order == o.UNICEF:
            key /= np.log2(j.hosts + 1.0)
    changing = order == o.LXF or order == o.WFP3 or order == o.UNICEF
    descending = order == o.LCFS or order == o.LJF or order == o.LARGEST or order == o.LAF or changing
    return float(-key if descending else key)


@inlined
def _precedes(score: float, tie: int, w: Waitlist, slot: int) -> bool:
    """Return whether a key comes before the one in a slot."""
    return bool(score < w.score[slot] or (score == w.score[slot] and tie < w.tie[slot]))


@inlined
def _move(w: Waitlist, source: int, target: int) -> None:
    """Copy a slot."""
    w.job[target] = w.job[source]
    w.tie[target] = w.tie[source]
    w.hosts[target] = w.hosts[source]
    w.score[target] = w.score[source]
    w.estimate_s[target] = w.estimate_s[source]


@inlined
def _slot_after(w: Waitlist, score: float, tie: int) -> int:
    """Return the first slot whose key comes after the given one."""
    low = int(w.head[FIRST])
    high = int(w.head[TAIL])
    if high > low and not _precedes(score, tie, w, high - 1):
        return high
    while low < high:
        middle = (low + high) // 2
        if _precedes(score, tie, w, middle):
            high = middle
        else:
            low = middle + 1
    return low


@jitted
def add(v: Ledger, w: Waitlist, job: int, order: int, by_id: bool) -> None:
    """Insert a job.

    Args:
        v: the ledger.
        w: the list.
        job: the job.
        order: one of `orders`.
        by_id: whether ties follow the bytes of the ids (batsched) rather than the order of submission.
    """
    w.head[SEEN] += 1
    tie = int(v.jobs[job].id_rank) if by_id else int(w.head[SEEN])
    _insert(v, w, job, _score(v, job, order), tie)


@jitted
def add_scored(v: Ledger, w: Waitlist, job: int, score: float) -> None:
    """Insert a job with a sort key of the caller's; ties follow the order of insertion."""
    w.head[SEEN] += 1
    _insert(v, w, job, score, int(w.head[SEEN]))


@jitted
def _to_front(w: Waitlist) -> None:
    """Move the jobs to the first slots, which those that left do not need any more."""
    to = 0
    for slot in range(w.head[FIRST], w.head[TAIL]):
        if w.hosts[slot] != HOLE:
            _move(w, slot, to)
            to += 1
    w.head[FIRST] = 0
    w.head[TAIL] = to
    w.head[HOLES] = 0


@inlined
def _insert(v: Ledger, w: Waitlist, job: int, score: float, tie: int) -> None:
    """Put a job where its key belongs."""
    if w.head[TAIL] == w.job.shape[0]:
        _to_front(w)
    slot = _slot_after(w, score, tie)
    for k in range(w.head[TAIL], slot, -1):
        _move(w, k - 1, k)
    w.head[TAIL] += 1
    w.job[slot] = job
    w.tie[slot] = tie
    w.hosts[slot] = v.jobs[job].hosts
    w.score[slot] = score
    w.estimate_s[slot] = v.jobs[job].estimate_s


@inlined
def drop(w: Waitlist, slot: int) -> None:
    """Take the job in a slot out of the list; other jobs keep their slots."""
    w.hosts[slot] = HOLE
    w.head[HOLES] += 1
    while w.head[FIRST] < w.head[TAIL] and w.hosts[w.head[FIRST]] == HOLE:
        w.head[FIRST] += 1
        w.head[HOLES] -= 1


@jitted
def drop_job(v: Ledger, w: Waitlist, job: int, order: int, tie: int) -> None:
    """Take a job out of the list, given its tie number; its slot is found by its key."""
    drop(w, _slot_after(w, _score(v, job, order), tie) - 1)


@jitted
def drop_scored(w: Waitlist, score: float, tie: int) -> None:
    """Take the job with this sort key and tie number out of the list."""
    drop(w, _slot_after(w, score, tie) - 1)


@inlined
def first_job(w: Waitlist) -> int:
    """Return the job that comes first, or -1."""
    if w.head[FIRST] == w.head[TAIL]:
        return -1
    return int(w.job[w.head[FIRST]])


@jitted
def _close(w: Waitlist) -> None:
    """Move the jobs together."""
    to = w.head[FIRST]
    for slot in range(w.head[FIRST], w.head[TAIL]):
        if w.hosts[slot] != HOLE:
            _move(w, slot, to)
            to += 1
    w.head[TAIL] = to
    w.head[HOLES] = 0


@inlined
def tidy(w: Waitlist) -> None:
    """Close the holes when they are half of the list; slots change."""
    if 2 * w.head[HOLES] > w.head[TAIL] - w.head[FIRST]:
        _close(w)


@jitted
def refresh(v: Ledger, w: Waitlist, order: int) -> None:
    """Sort again by scores of today, for the orders that change with the date; nothing for the others.

    The order hardly changes from one message to the next, so insertion sort passes over it once.
    """
    if order < o.LXF:
        return
    _close(w)
    first = w.head[FIRST]
    for slot in range(first, w.head[TAIL]):
        job = w.job[slot]
        tie = w.tie[slot]
        hosts = w.hosts[slot]
        estimate_s = w.estimate_s[slot]
        score = _score(v, job, order)
        k = slot
        while k > first and _precedes(score, tie, w, k - 1):
            _move(w, k - 1, k)
            k -= 1
        w.job[k] = job
        w.tie[k] = tie
        w.hosts[k] = hosts
        w.score[k] = score
        w.estimate_s[k] = estimate_s
