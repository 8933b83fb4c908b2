"""Reservations in a timetable: jobs placed by first fit on given hosts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattq.schedulers.timetable import (
    FIRST,
    FULL,
    SCRATCH,
    Timetable,
    drop_row,
    give,
    new_row,
    take,
)
from wattq.simulator.bits import count_bits, first_bit
from wattq.simulator.jit import inlined, jitted
from wattq.simulator.layout import Ledger
from wattq.simulator.ledger import start_set

__all__ = ["fits_now", "forget", "free_now", "is_reserved", "place", "start_reserved", "unreserve"]


@inlined
def is_reserved(t: Timetable, job: int) -> bool:
    """Return whether a waiting job has a reservation."""
    return bool(t.row_of[job] > 0)


@inlined
def free_now(t: Timetable) -> int:
    """Return the number of hosts that are free in the first slice."""
    return int(t.free[t.head[FIRST]])


@inlined
def _common_hosts(t: Timetable, a: int, hosts: int, to_s: float) -> int:
    """Intersect the slices from a up to a date into the scratch row.

    Returns:
        0 when enough hosts stay free; else the slice to go on from (-1 when there is none).
    """
    for k in range(t.words.shape[1]):
        t.words[SCRATCH, k] = t.words[a, k]
    b = int(t.next[a])
    while b > 0 and t.begin_s[b] < to_s:
        if t.free[b] < hosts:
            return b  # whatever starts before the end of b meets it, too
        n = 0
        for k in range(t.words.shape[1]):
            t.words[SCRATCH, k] &= t.words[b, k]
            n += count_bits(t.words[SCRATCH, k])
        if n < hosts:
            return int(t.next[a])
        b = int(t.next[b])
    return 0


@inlined
def _keep_lowest(words: NDArray[np.uint64], n: int) -> None:
    """Leave only the n lowest hosts of a set."""
    left = n
    for k in range(words.shape[0]):
        word = words[k]
        size = count_bits(word)
        if size <= left:
            left -= size
            continue
        kept = np.uint64(0)
        for _ in range(left):
            kept |= np.uint64(1) << np.uint64(first_bit(word))
            word &= word - np.uint64(1)
        words[k] = kept
        left = 0


@jitted
def fits_now(t: Timetable, hosts: int, estimate_s: float) -> bool:
    """Return whether enough hosts are free from now on for so long, the same ones throughout."""
    first = t.head[FIRST]
    return t.free[first] >= hosts and _common_hosts(t, first, hosts, t.begin_s[first] + estimate_s + t.delay_s) == 0


@jitted
def place(v: Ledger, t: Timetable, job: int) -> bool:
    """Place a job by first fit: the first slice from which enough hosts stay free for its expected run time.

    The lowest hosts of those that are free in all the slices covered are taken. The job has a reservation then.

    Returns:
        whether the job is placed in the first slice, so that it can start now (see `start_reserved`).
    """
    hosts = v.jobs[job].hosts
    estimate_s = v.jobs[job].estimate_s
    a = t.head[FIRST]
    while a > 0:
        to_s = t.begin_s[a] + estimate_s + t.delay_s
        if t.free[a] < hosts:
            a = t.next[a]
            continue
        onwards = _common_hosts(t, a, hosts, to_s)
        if onwards == 0:
            break
        a = onwards
    if a <= 0:
        return False
    row = new_row(t)
    if row == 0:
        return False
    for k in range(t.words.shape[1]):
        t.words[row, k] = t.words[SCRATCH, k]
    _keep_lowest(t.words[row], hosts)
    t.row_of[job] = row
    t.from_s[job] = t.begin_s[a]
    t.to_s[job] = to_s
    take(t, row, hosts, a, to_s)
    return bool(a == t.head[FIRST] and t.head[FULL] == 0)


@inlined
def forget(t: Timetable, job: int) -> None:
    """Drop the note of a job's reservation after `reset`."""
    t.row_of[job] = 0


@inlined
def _release(t: Timetable, job: int) -> None:
    """Drop the note of a job's reservation; its hosts stay taken."""
    drop_row(t, t.row_of[job])
    t.row_of[job] = 0


@jitted
def start_reserved(v: Ledger, t: Timetable, job: int) -> None:
    """Start a job that was placed in the first slice; the plan keeps its hosts taken until its expected end."""
    start_set(v, job, t.words[t.row_of[job]])
    _release(t, job)


@jitted
def unreserve(t: Timetable, job: int) -> None:
    """Take a waiting job out of the plan."""
    row = t.row_of[job]
    # A date in the past would free hosts of late jobs in the first slice.
    from_s = max(t.from_s[job], t.begin_s[t.head[FIRST]])
    give(t, row, from_s, t.to_s[job])
    _release(t, job)
