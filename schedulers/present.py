"""The present of a timetable: what ended, what is late, and where the plan begins."""

from __future__ import annotations

import numpy as np

from wattq.schedulers.message import ends_moved, hosts_changed
from wattq.schedulers.timetable import (
    BASE,
    FIRST,
    FRESH,
    FULL,
    INSTANT,
    ROWS,
    SCRATCH,
    SPARE,
    Timetable,
    drop_first,
    give,
    slice_end_s,
    split,
    take,
)
from wattq.simulator import layout as c
from wattq.simulator.bits import count_bits, set_run
from wattq.simulator.jit import inlined, jitted
from wattq.simulator.layout import Ledger
from wattq.simulator.ledger import is_free

__all__ = ["OUT_OF_ROWS", "catch_up", "is_new", "must_reset", "ran_out", "reset"]

OUT_OF_ROWS = 101  # what `Ledger.head.error` says when the rows did not suffice


@inlined
def _until_s(v: Ledger, t: Timetable, job: int) -> float:
    """Return the date until which the plan keeps the hosts of a running job."""
    return float(v.jobs[job].end_s + t.delay_s)


@jitted
def _hosts_of(v: Ledger, t: Timetable, job: int) -> int:
    """Write the hosts of a started job that are part of the plan into the scratch row and return their number."""
    t.words[SCRATCH, :] = 0
    j = v.jobs[job]
    for k in range(j.iv, j.iv + j.n_iv):
        set_run(t.words[SCRATCH], v.iv[k, 0], v.iv[k, 1], True)
    n = 0
    for k in range(t.words.shape[1]):
        t.words[SCRATCH, k] &= t.words[BASE, k]
        n += count_bits(t.words[SCRATCH, k])
    return n


@jitted
def _advance(v: Ledger, t: Timetable) -> None:
    """Let the first slice begin now, with the hosts of jobs that outlive their expected end taken in it."""
    now_s = v.head[0].now_s
    while slice_end_s(t, t.head[FIRST]) <= now_s:
        drop_first(t)
    first = t.head[FIRST]
    t.begin_s[first] = now_s
    if v.head[0].n_running == 0 or _until_s(v, t, v.running[0]) > now_s:
        return
    split(t, first, now_s)
    t.head[INSTANT] = 1
    for k in range(v.head[0].n_running):
        if _until_s(v, t, v.running[k]) > now_s:
            return
        n = _hosts_of(v, t, v.running[k])
        for word in range(t.words.shape[1]):
            t.words[first, word] &= ~t.words[SCRATCH, word]
        t.free[first] -= n


@jitted
def reset(v: Ledger, t: Timetable) -> None:
    """Plan anew from the running jobs alone, on the hosts that are awake and available.

    The caller clears ``row_of`` of the jobs that had a reservation.
    """
    first = ROWS
    t.head[FIRST] = first
    t.head[FRESH] = ROWS + 1
    t.head[SPARE] = 0
    t.head[INSTANT] = 0
    t.words[BASE, :] = 0
    t.free[first] = 0
    for host in range(v.head[0].n_hosts):
        h = v.hosts[host]
        if is_free(v, host) or (h.job >= 0 and h.state == c.COMPUTING and h.away == 0):
            t.words[BASE, host >> 6] |= np.uint64(1) << np.uint64(host & 63)
            t.free[first] += 1
    t.words[first, :] = t.words[BASE, :]
    t.begin_s[first] = v.head[0].now_s
    t.next[first] = 0
    for k in range(v.head[0].n_running):
        n = _hosts_of(v, t, v.running[k])
        take(t, SCRATCH, n, first, _until_s(v, t, v.running[k]))
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
    """Return whether the plan no longer describes the machine: first round, hosts change, a job is late or was."""
    return is_new(t) or _is_late(v, t) or v.head[0].switches_pending != 0 or hosts_changed(v) or ends_moved(v)


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
        drop_first(t)
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
        give(t, SCRATCH, -np.inf, _until_s(v, t, job))
