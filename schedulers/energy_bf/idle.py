"""Idle hosts: how long they have been idle, which of them fall asleep, and which wake up for waiting jobs."""

from __future__ import annotations

import numpy as np

from wattq.schedulers.energy_bf.act import awake_soon, carry_out, sedate_in_plan, wake_in_plan
from wattq.schedulers.energy_bf.layout import (
    BY_IDLENESS,
    DOWN_SINCE,
    IDLE,
    PRIORITY,
    PUT_DOWN,
    RISING,
    SET_A,
    SET_B,
    SET_C,
    SET_D,
    SET_E,
    TO_SEDATE,
    TO_WAKE,
    UP_SINCE,
    WOKEN,
    Sleepers,
)
from wattq.schedulers.host_sets import (
    add_all,
    clear,
    copy,
    drop_all,
    has,
    keep_all,
    keep_lowest,
    put,
    size,
)
from wattq.schedulers.reservations import is_reserved, place, unreserve
from wattq.schedulers.timetable import FIRST as FIRST_SLICE
from wattq.schedulers.waitlist import FIRST, HOLE, TAIL, first_job
from wattq.simulator.jit import inlined, jitted
from wattq.simulator.layout import Ledger

__all__ = ["choose_idle", "idle_stage", "look_at_idle", "nothing_rises", "place_again", "sedate_idle", "wake_for_queue"]


@jitted
def look_at_idle(e: Sleepers, n_hosts: int, now_s: float) -> None:
    """Note which hosts are idle at the begin of the plan, and since when."""
    free = e.t.words[e.t.head[FIRST_SLICE]]
    for host in range(n_hosts):
        if has(free, host) and not has(e.rows[IDLE], host):
            e.idle_s[host] = now_s
        elif not has(free, host):
            e.idle_s[host] = np.inf
    copy(e.rows[IDLE], free)


@jitted
def choose_idle(e: Sleepers, n_hosts: int, now_s: float, idle_s: float, n_awake: int, needed: int) -> int:
    """Write the hosts that were idle for long enough into `SET_A`, no more than the first job leaves; return how many.

    Args:
        e: the policy's memory.
        n_hosts: number of hosts.
        now_s: date.
        idle_s: how long is enough, s.
        n_awake: hosts that are awake or will be soon.
        needed: hosts that the first job asks for, 0 without one.
    """
    clear(e.rows[SET_A])
    for host in range(n_hosts):
        if has(e.rows[IDLE], host) and e.idle_s[host] <= now_s - idle_s:
            put(e.rows[SET_A], host)
    keep_lowest(e.rows[SET_A], n_awake - needed)
    return size(e.rows[SET_A])


@inlined
def nothing_rises(e: Sleepers) -> bool:
    """Return whether no host is waking up or about to."""
    return size(e.rows[RISING]) == 0 and size(e.rows[TO_WAKE]) == 0


@jitted
def sedate_idle(v: Ledger, e: Sleepers, now_s: float, idle_s: float, n_awake: int, needed: int) -> None:
    """Put hosts that were idle for long enough to sleep, those of them that have no work planned."""
    n_hosts = v.head[0].n_hosts
    if choose_idle(e, n_hosts, now_s, idle_s, n_awake, needed) == 0:
        return
    clear(e.rows[PUT_DOWN])
    sedate_in_plan(e, n_hosts, e.rows[SET_A], e.rows[PUT_DOWN])
    n = size(e.rows[PUT_DOWN])
    carry_out(v, e, now_s)
    e.n[BY_IDLENESS] += n


@jitted
def place_again(v: Ledger, e: Sleepers, job: int, row: int, alone: bool) -> bool:
    """Place the first job anew and write its hosts into a row; return whether it has a place.

    Args:
        v: the ledger.
        e: the policy's memory.
        job: the first job.
        row: row of sets.
        alone: whether the job is taken out of the plan again.
    """
    if is_reserved(e.t, job):
        unreserve(e.t, job)
    e.n[PRIORITY] = 0
    clear(e.rows[row])
    place(v, e.t, job)
    if not is_reserved(e.t, job):
        return False
    copy(e.rows[row], e.t.words[e.t.row_of[job]])
    if alone:
        unreserve(e.t, job)
    else:
        e.n[PRIORITY] = job + 1
    return True


@inlined
def _share_out(e: Sleepers) -> None:
    """Share the usable hosts (`SET_D`, of them `SET_C` idle) among the queue; `SET_A`: what it takes of `SET_B`."""
    clear(e.rows[SET_A])
    usable = size(e.rows[SET_D])
    for slot in range(e.w.head[FIRST], e.w.head[TAIL]):
        hosts = e.w.hosts[slot]
        if usable <= 0:
            return
        if hosts == HOLE or hosts > usable:
            continue
        copy(e.rows[SET_E], e.rows[SET_C])
        keep_lowest(e.rows[SET_E], hosts)
        drop_all(e.rows[SET_C], e.rows[SET_E])
        # batsched takes the rest from all usable hosts, the idle ones just chosen among them.
        _add_lowest(e, hosts - size(e.rows[SET_E]))
        drop_all(e.rows[SET_D], e.rows[SET_E])
        keep_all(e.rows[SET_E], e.rows[SET_B])
        drop_all(e.rows[SET_B], e.rows[SET_E])
        add_all(e.rows[SET_A], e.rows[SET_E])
        usable = size(e.rows[SET_D])


@inlined
def _add_lowest(e: Sleepers, n: int) -> None:
    """Add the n lowest hosts of `SET_D` to `SET_E`."""
    copy(e.rows[WOKEN], e.rows[SET_D])
    keep_lowest(e.rows[WOKEN], n)
    add_all(e.rows[SET_E], e.rows[WOKEN])


@jitted
def wake_for_queue(v: Ledger, e: Sleepers) -> bool:
    """Wake hosts that sleep for being idle, where waiting jobs could use them beside the first one; return whether."""
    job = first_job(e.w)
    if job < 0:
        return False
    n_hosts = v.head[0].n_hosts
    now_s = e.t.begin_s[e.t.head[FIRST_SLICE]]
    clear(e.rows[SET_B])
    for host in range(n_hosts):
        if e.up_s[host] <= now_s:
            put(e.rows[SET_B], host)
    keep_lowest(e.rows[SET_B], e.n[BY_IDLENESS])
    copy(e.rows[SET_C], e.rows[IDLE])
    copy(e.rows[SET_D], e.rows[IDLE])
    add_all(e.rows[SET_D], e.rows[SET_B])
    place_again(v, e, job, SET_E, not is_reserved(e.t, job))
    drop_all(e.rows[SET_C], e.rows[SET_E])
    drop_all(e.rows[SET_D], e.rows[SET_E])
    _share_out(e)
    n = size(e.rows[SET_A])
    if n == 0:
        return False
    e.n[BY_IDLENESS] -= n
    clear(e.rows[WOKEN])
    wake_in_plan(e, n_hosts, e.rows[SET_A], e.rows[WOKEN])
    carry_out(v, e, now_s)
    return True


@inlined
def _is_hasty(e: Sleepers, n_hosts: int, idle_s: float) -> bool:
    """Return whether hosts may fall asleep before others that the first job needs, too, are up.

    batsched goes on then, and hosts may go up and down for ever.
    """
    longest_s = 0.0
    for host in range(n_hosts):
        longest_s = max(longest_s, e.on_s[host])
    return bool(idle_s < longest_s)


@jitted
def idle_stage(v: Ledger, e: Sleepers, now_s: float, idle_s: float) -> None:
    """Monitoring stage of the idle sleeper, on a plan without the queue: hosts idle for long enough fall asleep."""
    n_hosts = v.head[0].n_hosts
    look_at_idle(e, n_hosts, now_s)
    if not nothing_rises(e) and _is_hasty(e, n_hosts, idle_s):
        return
    job = first_job(e.w)
    needed = v.jobs[job].hosts if job >= 0 else 0
    n = choose_idle(e, n_hosts, now_s, idle_s, awake_soon(e, e.rows[SET_B]), needed)
    if n == 0:
        return
    add_all(e.rows[TO_SEDATE], e.rows[SET_A])
    e.n[BY_IDLENESS] += n
    clear(e.rows[PUT_DOWN])
    clear(e.rows[WOKEN])
    wake_in_plan(e, n_hosts, e.rows[TO_WAKE], e.rows[WOKEN])
    sedate_in_plan(e, n_hosts, e.rows[TO_SEDATE], e.rows[PUT_DOWN])
    drop_all(e.rows[TO_SEDATE], e.rows[PUT_DOWN])
    drop_all(e.rows[TO_WAKE], e.rows[WOKEN])
    copy(e.rows[DOWN_SINCE], e.rows[PUT_DOWN])
    copy(e.rows[UP_SINCE], e.rows[WOKEN])
    carry_out(v, e, now_s)
