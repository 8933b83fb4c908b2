"""The plan: running jobs, hosts that are asleep or being switched, and the switches to come.

It is made anew at each round, from the running jobs and the dates of the switches. A host asleep is taken for ever; it
may be woken from `up_s` on, the end of the shortest sleep worth it. Waking it in the plan frees it from the end of that
switch on; putting one to sleep takes it from the end of its last planned work on.
"""

from __future__ import annotations

import numpy as np

from wattq.schedulers.energy_bf.layout import (
    ASLEEP,
    AWAKE,
    FALLING,
    N_START,
    OFF_NOW,
    ON_NOW,
    RISING,
    Sleepers,
)
from wattq.schedulers.host_sets import clear, drop, has, only, put, size
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
    give,
    take,
)
from wattq.simulator import layout as c
from wattq.simulator.bits import set_run
from wattq.simulator.jit import inlined, jitted
from wattq.simulator.layout import Ledger

__all__ = ["let_sleep", "make_plan", "stay_awake", "wake", "wake_at"]

_HOST = ROWS  # row for the set of one host
_LATE_S = 1.0  # what is late is expected back after so many seconds


@inlined
def _take_job(v: Ledger, t: Timetable, job: int, now_s: float) -> None:
    """Take the hosts of a started job until its expected end."""
    clear(t.words[SCRATCH])
    j = v.jobs[job]
    for k in range(j.iv, j.iv + j.n_iv):
        set_run(t.words[SCRATCH], v.iv[k, 0], v.iv[k, 1], True)
    for k in range(t.words.shape[1]):
        t.words[SCRATCH, k] &= t.words[BASE, k]
    until_s = j.end_s + t.delay_s
    if until_s <= now_s:
        until_s = now_s + _LATE_S
    take(t, SCRATCH, size(t.words[SCRATCH]), t.head[FIRST], until_s)


@inlined
def _clear_plan(t: Timetable, now_s: float) -> None:
    """Let the plan be one slice from now on without a free host."""
    first = ROWS + 1
    t.head[FIRST] = first
    t.head[FRESH] = first + 1
    t.head[SPARE] = 0
    t.head[INSTANT] = 0
    t.head[FULL] = 0
    t.next[first] = 0
    t.begin_s[first] = now_s


@inlined
def _lay_hosts(v: Ledger, e: Sleepers, now_s: float) -> None:
    """Free the hosts that are awake, and those being woken from the end of that on."""
    t = e.t
    first = t.head[FIRST]
    for k in range(t.words.shape[1]):
        t.words[BASE, k] = e.rows[AWAKE, k] | e.rows[ASLEEP, k] | e.rows[RISING, k] | e.rows[FALLING, k]
        t.words[first, k] = e.rows[AWAKE, k] | e.rows[RISING, k]
    t.free[first] = size(t.words[first])
    for host in range(v.head[0].n_hosts):
        e.down_s[host] = np.inf
        e.up_s[host] = np.inf
        if has(e.rows[RISING], host):
            only(t.words[_HOST], host)
            up_s = e.since_s[host] + e.on_s[host]
            take(t, _HOST, 1, first, up_s if up_s > now_s else now_s + _LATE_S)
        elif has(e.rows[ASLEEP], host):
            e.up_s[host] = max(e.since_s[host] + e.sleep_s[host], now_s)
        elif has(e.rows[FALLING], host):
            down_s = e.since_s[host] + e.off_s[host]
            e.up_s[host] = (down_s if down_s > now_s else now_s + _LATE_S) + e.sleep_s[host]


@jitted
def make_plan(v: Ledger, e: Sleepers, now_s: float, with_ended: bool) -> None:
    """Plan anew from what goes on.

    Args:
        v: the ledger.
        e: the policy's memory.
        now_s: date at which the plan begins.
        with_ended: whether jobs that ended in this message count as running still.
    """
    head = v.head[0]
    _clear_plan(e.t, now_s)
    clear(e.rows[OFF_NOW])
    clear(e.rows[ON_NOW])
    e.n[N_START] = 0
    _lay_hosts(v, e, now_s)
    for k in range(head.n_running):
        _take_job(v, e.t, v.running[k], now_s)
    if with_ended:
        for k in range(head.first_event, head.first_event + head.n_events):
            if v.events[k].kind == c.EV_COMPLETED:
                _take_job(v, e.t, v.events[k].job, now_s)


@inlined
def _is_free(t: Timetable, a: int, host: int) -> bool:
    """Return whether a host is free in a slice."""
    return has(t.words[a], host)


@jitted
def wake_at(e: Sleepers, host: int, date_s: float) -> None:
    """Wake a host in the plan at a date from which it may be woken."""
    only(e.t.words[_HOST], host)
    give(e.t, _HOST, date_s + e.on_s[host], np.inf)
    e.up_s[host] = np.inf
    if date_s <= e.t.begin_s[e.t.head[FIRST]]:
        put(e.rows[ON_NOW], host)


@jitted
def wake(e: Sleepers, host: int) -> float:
    """Wake a host in the plan as soon as it may; return the date, inf when it is not asleep there."""
    date_s = float(e.up_s[host])
    if date_s == np.inf:
        return date_s
    wake_at(e, host, date_s)
    return date_s


@jitted
def let_sleep(e: Sleepers, host: int) -> float:
    """Put a host to sleep in the plan, after its last work there; return the date, inf when it sleeps already."""
    t = e.t
    a = int(t.head[FIRST])
    from_slice = a
    while a > 0:
        if not _is_free(t, a, host):
            from_slice = int(t.next[a])
        a = int(t.next[a])
    if from_slice == 0:
        return np.inf
    date_s = float(t.begin_s[from_slice])
    only(t.words[_HOST], host)
    take(t, _HOST, 1, from_slice, np.inf)
    e.down_s[host] = date_s
    e.up_s[host] = date_s + e.off_s[host] + e.sleep_s[host]
    if from_slice == t.head[FIRST]:
        put(e.rows[OFF_NOW], host)
    return date_s


@jitted
def stay_awake(e: Sleepers, host: int) -> None:
    """Take a sleep that was only planned out of the plan again."""
    if e.down_s[host] == np.inf:
        return
    only(e.t.words[_HOST], host)
    give(e.t, _HOST, e.down_s[host], np.inf)
    e.down_s[host] = np.inf
    e.up_s[host] = np.inf
    drop(e.rows[OFF_NOW], host)
