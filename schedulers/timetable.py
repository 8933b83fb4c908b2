"""A plan of the future: time slices, each with the set of hosts that are free during it.

Slices are a linked list in time order. A slice lasts from its `begin` to the begin of the next one, the last one for
ever; its free hosts are a row of bit words. Running jobs take their hosts until their expected end. A placed job takes
the same hosts in every slice it covers. The first slice begins now; it is empty in time while a running job outlives
its expected end, since that job's hosts are taken now and expected back at once.

All arrays come from the policy's memory. Rows of `words` serve slices and the host sets of reservations alike.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wattq.schedulers.borrowed import borrowed
from wattq.simulator.bits import count_bits
from wattq.simulator.jit import inlined, jitted

__all__ = [
    "Timetable",
    "drop_first",
    "drop_row",
    "give",
    "new_row",
    "open_timetable",
    "slice_end_s",
    "split",
    "table_size",
    "take",
]

FIRST, FRESH, SPARE, INSTANT, FULL = 0, 1, 2, 3, 4
_HEADER = 5
# Row 0 is for the intersection of slices, row 1 holds the hosts that are part of the plan at all.
SCRATCH, BASE, ROWS = 0, 1, 2
_MOST_WORDS = 1 << 27  # 1 GiB of bit words


class Timetable(NamedTuple):
    """The plan.

    Attributes:
        head: first slice; rows ever used; first spare row plus 1; whether the first slice is empty in time; whether
            rows ran out.
        row_of: per job, row of its reserved hosts, 0 without a reservation.
        next: per row, the slice after it (0 for none), or the next spare row plus 1.
        free: per row, number of hosts in it.
        begin_s: per row, begin of the slice.
        from_s, to_s: per job, begin and end of its reservation.
        words: rows of bit words.
        delay_s: what is added to every expected run time.
    """

    head: NDArray[np.int64]
    row_of: NDArray[np.int64]
    next: NDArray[np.int64]
    free: NDArray[np.int64]
    begin_s: NDArray[np.float64]
    from_s: NDArray[np.float64]
    to_s: NDArray[np.float64]
    words: NDArray[np.uint64]
    delay_s: float


def table_size(n_jobs: int, n_reserved: int, n_hosts: int, n_words: int) -> tuple[int, int, int]:
    """Return how many integers, floats and rows of words a timetable takes.

    Each running job ends one slice, each reservation begins one, ends one and keeps one set of hosts. There are at most
    as many rows as fit into 1 GiB (`present.OUT_OF_ROWS` is reported when that does not suffice).
    """
    running = min(n_hosts, n_jobs) + ROWS + 4
    rows = max(min(running + 3 * n_reserved, _MOST_WORDS // n_words), running)
    return _HEADER + n_jobs + 2 * rows, 2 * n_jobs + rows, rows


@inlined
def open_timetable(
    mi: NDArray[np.int64],
    mf: NDArray[np.float64],
    mw: NDArray[np.uint64],
    at_i: int,
    at_f: int,
    n_jobs: int,
    delay_s: float,
) -> Timetable:
    """Return the timetable that lies at these offsets of a policy's memory."""
    rows = mw.shape[0]
    i = at_i + _HEADER
    f = at_f + rows
    return Timetable(
        borrowed(mi[at_i:i]),
        borrowed(mi[i : i + n_jobs]),
        borrowed(mi[i + n_jobs : i + n_jobs + rows]),
        borrowed(mi[i + n_jobs + rows : i + n_jobs + 2 * rows]),
        borrowed(mf[at_f:f]),
        borrowed(mf[f : f + n_jobs]),
        borrowed(mf[f + n_jobs : f + 2 * n_jobs]),
        borrowed(mw),
        delay_s,
    )


@inlined
def new_row(t: Timetable) -> int:
    """Return an unused row, or 0 (and set the flag) when there is none left."""
    if t.head[SPARE] > 0:
        row = int(t.head[SPARE]) - 1
        t.head[SPARE] = t.next[row]
        return row
    if t.head[FRESH] == t.words.shape[0]:
        t.head[FULL] = 1
        return 0
    t.head[FRESH] += 1
    return int(t.head[FRESH]) - 1


@inlined
def drop_row(t: Timetable, row: int) -> None:
    """Give a row back."""
    t.next[row] = t.head[SPARE]
    t.head[SPARE] = row + 1


@inlined
def _same_hosts(t: Timetable, a: int, b: int) -> bool:
    """Return whether two slices have the same hosts free."""
    if t.free[a] != t.free[b]:
        return False
    k = 0
    while k < t.words.shape[1] and t.words[a, k] == t.words[b, k]:
        k += 1
    return bool(k == t.words.shape[1])


@inlined
def slice_end_s(t: Timetable, a: int) -> float:
    """Return the end of a slice."""
    return t.begin_s[t.next[a]] if t.next[a] > 0 else np.inf


@inlined
def split(t: Timetable, a: int, date_s: float) -> int:
    """Split a slice at a date inside it and return the second part, 0 when rows ran out."""
    b = new_row(t)
    if b == 0:
        return 0
    for k in range(t.words.shape[1]):
        t.words[b, k] = t.words[a, k]
    t.free[b] = t.free[a]
    t.begin_s[b] = date_s
    t.next[b] = t.next[a]
    t.next[a] = b
    return b


@inlined
def _merge(t: Timetable, a: int, b: int) -> bool:
    """Join slice b to slice a, the one before it, when the same hosts are free; return whether it was."""
    if a == 0 or not _same_hosts(t, a, b):
        return False
    t.next[a] = t.next[b]
    drop_row(t, b)
    return True


@inlined
def drop_first(t: Timetable) -> None:
    """Forget the first slice."""
    first = t.head[FIRST]
    t.head[FIRST] = t.next[first]
    drop_row(t, first)


@jitted
def give(t: Timetable, row: int, from_s: float, to_s: float) -> None:
    """Free the hosts of a row between two dates, where a job held them."""
    before = 0
    a = t.head[FIRST]
    while a > 0 and t.begin_s[a] < to_s:
        if slice_end_s(t, a) <= from_s:
            before = a
            a = t.next[a]
            continue
        if t.begin_s[a] < from_s:
            before = a
            a = split(t, a, from_s)
        if slice_end_s(t, a) > to_s:
            split(t, a, to_s)
        n = 0
        for k in range(t.words.shape[1]):
            t.words[a, k] |= t.words[row, k]
            n += count_bits(t.words[a, k])
        t.free[a] = n
        after = t.next[a]
        if not _merge(t, before, a):
            before = a
        a = after
    if a > 0:
        _merge(t, before, a)


@inlined
def take(t: Timetable, row: int, n: int, a: int, to_s: float) -> None:
    """Take n hosts, those of a row, out of the slices from a up to a date."""
    while a > 0 and t.begin_s[a] < to_s:
        if slice_end_s(t, a) > to_s:
            split(t, a, to_s)
        for k in range(t.words.shape[1]):
            t.words[a, k] &= ~t.words[row, k]
        t.free[a] -= n
        a = t.next[a]
