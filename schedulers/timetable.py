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
from wattq.schedulers.message import hosts_changed
from wattq.simulator import layout as c
from wattq.simulator.bits import count_bits, first_bit, set_run
from wattq.simulator.jit import inlined, jitted
from wattq.simulator.layout import Ledger
from wattq.simulator.ledger import is_free, start_set

__all__ = [
    "OUT_OF_ROWS",
    "Timetable",
    "catch_up",
    "fits_now",
    "forget",
    "free_now",
    "is_new",
    "is_reserved",
    "must_reset",
    "open_timetable",
    "place",
    "ran_out",
    "reset",
    "start_reserved",
    "table_size",
    "unreserve",
]

FIRST, FRESH, SPARE, INSTANT, FULL = 0, 1, 2, 3, 4
_HEADER = 5
# Row 0 is for the intersection of slices, row 1 holds the hosts that are part of the plan at all.
_SCRATCH, _BASE, _ROWS = 0, 1, 2
_MOST_WORDS = 1 << 27  # 1 GiB of bit words
OUT_OF_ROWS = 101  # what `Ledger.head.error` says when the rows did not suffice


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
    as many rows as fit into 1 GiB (`OUT_OF_ROWS` is reported when that does not suffice).
    """
    running = min(n_hosts, n_jobs) + _ROWS + 4
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
def _until_s(v: Ledger, t: Timetable, job: int) -> float:
    """Return the date until which the plan keeps the hosts of a running job."""
    return float(v.jobs[job].end_s + t.delay_s)


@inlined
def is_reserved(t: Timetable, job: int) -> bool:
    """Return whether a waiting job has a reservation."""
    return bool(t.row_of[job] > 0)


@inlined
def free_now(t: Timetable) -> int:
    """Return the number of hosts that are free in the first slice."""
    return int(t.free[t.head[FIRST]])


@inlined
def _new_row(t: Timetable) -> int:
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
def _drop_row(t: Timetable, row: int) -> None:
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
def _end_s(t: Timetable, a: int) -> float:
    """Return the end of a slice."""
    return t.begin_s[t.next[a]] if t.next[a] > 0 else np.inf


@inlined
def _split(t: Timetable, a: int, date_s: float) -> int:
    """Split a slice at a date inside it and return the second part, 0 when rows ran out."""
    b = _new_row(t)
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
    _drop_row(t, b)
    return True


@inlined
def _drop_first(t: Timetable) -> None:
    """Forget the first slice."""
    first = t.head[FIRST]
    t.head[FIRST] = t.next[first]
    _drop_row(t, first)


@jitted
def _give(t: Timetable, row: int, from_s: float, to_s: float) -> None:
    """Free the hosts of a row between two dates, where a job held them."""
    before = 0
    a = t.head[FIRST]
    while a > 0 and t.begin_s[a] < to_s:
        if _end_s(t, a) <= from_s:
            before = a
            a = t.next[a]
            continue
        if t.begin_s[a] < from_s:
            before = a
            a = _split(t, a, from_s)
        if _end_s(t, a) > to_s:
            _split(t, a, to_s)
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
def _take(t: Timetable, row: int, n: int, a: int, to_s: float) -> None:
    """Take n hosts, those of a row, out of the slices from a up to a date."""
    while a > 0 and t.begin_s[a] < to_s:
        if _end_s(t, a) > to_s:
            _split(t, a, to_s)
        for k in range(t.words.shape[1]):
            t.words[a, k] &= ~t.words[row, k]
        t.free[a] -= n
        a = t.next[a]


@jitted
def _hosts_of(v: Ledger, t: Timetable, job: int) -> int:
    """Write the hosts of a started job that are part of the plan into the scratch row and return their number."""
    t.words[_SCRATCH, :] = 0
    j = v.jobs[job]
    for k in range(j.iv, j.iv + j.n_iv):
        set_run(t.words[_SCRATCH], v.iv[k, 0], v.iv[k, 1], True)
    n = 0
    for k in range(t.words.shape[1]):
        t.words[_SCRATCH, k] &= t.words[_BASE, k]
        n += count_bits(t.words[_SCRATCH, k])
    return n


@jitted
def _advance(v: Ledger, t: Timetable) -> None:
    """Let the first slice begin now, with the hosts of jobs that outlive their expected end taken in it."""
    now_s = v.head[0].now_s
    while _end_s(t, t.head[FIRST]) <= now_s:
        _drop_first(t)
    first = t.head[FIRST]
    t.begin_s[first] = now_s
    if v.head[0].n_running == 0 or _until_s(v, t, v.running[0]) > now_s:
        return
    _split(t, first, now_s)
    t.head[INSTANT] = 1
    for k in range(v.head[0].n_running):
        if _until_s(v, t, v.running[k]) > now_s:
            return
        n = _hosts_of(v, t, v.running[k])
        for word in range(t.words.shape[1]):
            t.words[first, word] &= ~t.words[_SCRATCH, word]
        t.free[first] -= n


@jitted
def reset(v: Ledger, t: Timetable) -> None:
    """Plan anew from the running jobs alone, on the hosts that are awake and available.

    The caller clears ``row_of`` of the jobs that had a reservation.
    """
    first = _ROWS
    t.head[FIRST] = first
    t.head[FRESH] = _ROWS + 1
    t.head[SPARE] = 0
    t.head[INSTANT] = 0
    t.words[_BASE, :] = 0
    t.free[first] = 0
    for host in range(v.head[0].n_hosts):
        h = v.hosts[host]
        if is_free(v, host) or (h.job >= 0 and h.state == c.COMPUTING and h.away == 0):
            t.words[_BASE, host >> 6] |= np.uint64(1) << np.uint64(host & 63)
            t.free[first] += 1
    t.words[first, :] = t.words[_BASE, :]
    t.begin_s[first] = v.head[0].now_s
    t.next[first] = 0
    for k in range(v.head[0].n_running):
        n = _hosts_of(v, t, v.running[k])
        _take(t, _SCRATCH, n, first, _until_s(v, t, v.running[k]))
    _advance(v, t)


@inlined
def _is_late(v: Ledger, t: Timetable) -> bool:
    """Return whether a running job has outlived its expected end."""
    return bool(v.head[0].n_running > 0 and _until_s(v, t, v.running[0]) < v.head[0].now_s)


@inlined
def is_new(t: Timetable) -> bool:
    """Return whether this is the first round."""
    return bool(t.head[FRESH] == 0)


@inlined
def must_reset(v: Ledger, t: Timetable) -> bool:
    """Return whether the plan no longer describes the machine: first round, hosts change, or a job is late."""
    return is_new(t) or _is_late(v, t) or v.head[0].switches_pending != 0 or hosts_changed(v)


@inlined
def ran_out(v: Ledger, t: Timetable) -> bool:
    """Report that the memory for the plan ran out, if it did."""
    if t.head[FULL]:
        v.head[0].error = OUT_OF_ROWS
    return bool(t.head[FULL] != 0)


@jitted
def catch_up(v: Ledger, t: Timetable) -> None:
    """Bring the plan to the present: give back the hosts of the jobs that ended and move the first slice."""
    if t.head[INSTANT]:
        _drop_first(t)
        t.head[INSTANT] = 0
    head = v.head[0]
    for e in range(head.first_event, head.first_event + head.n_events):
        if v.events[e].kind == c.EV_COMPLETED:
            _take_back(v, t, v.events[e].job)
    _advance(v, t)


@jitted
def _take_back(v: Ledger, t: Timetable, job: int) -> None:
    """A job ended: its hosts are free until its expected end, too."""
    if _until_s(v, t, job) > t.begin_s[t.head[FIRST]]:
        _hosts_of(v, t, job)
        _give(t, _SCRATCH, -np.inf, _until_s(v, t, job))


@inlined
def _common_hosts(t: Timetable, a: int, hosts: int, to_s: float) -> int:
    """Intersect the slices from a up to a date into the scratch row.

    Returns:
        0 when enough hosts stay free; else the slice to go on from (-1 when there is none).
    """
    for k in range(t.words.shape[1]):
        t.words[_SCRATCH, k] = t.words[a, k]
    b = int(t.next[a])
    while b > 0 and t.begin_s[b] < to_s:
        if t.free[b] < hosts:
            return b  # whatever starts before the end of b meets it, too
        n = 0
        for k in range(t.words.shape[1]):
            t.words[_SCRATCH, k] &= t.words[b, k]
            n += count_bits(t.words[_SCRATCH, k])
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
    row = _new_row(t)
    if row == 0:
        return False
    for k in range(t.words.shape[1]):
        t.words[row, k] = t.words[_SCRATCH, k]
    _keep_lowest(t.words[row], hosts)
    t.row_of[job] = row
    t.from_s[job] = t.begin_s[a]
    t.to_s[job] = to_s
    _take(t, row, hosts, a, to_s)
    return bool(a == t.head[FIRST] and t.head[FULL] == 0)


@inlined
def forget(t: Timetable, job: int) -> None:
    """Drop the note of a job's reservation after `reset`."""
    t.row_of[job] = 0


@inlined
def _release(t: Timetable, job: int) -> None:
    """Drop the note of a job's reservation; its hosts stay taken."""
    _drop_row(t, t.row_of[job])
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
    _give(t, row, from_s, t.to_s[job])
    _release(t, job)
