"""From the plan to decisions: switches enter the plan, and what the plan begins now is carried out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattq.schedulers.energy_bf.hosts import awake_state, sleep_state
from wattq.schedulers.energy_bf.layout import (
    ASLEEP,
    AWAKE,
    BY_IDLENESS,
    BY_RULE,
    FALLING,
    N_START,
    OFF_NOW,
    ON_NOW,
    RISING,
    SET_F,
    TO_SEDATE,
    TO_WAKE,
    Sleepers,
)
from wattq.schedulers.energy_bf.plan import let_sleep, wake
from wattq.schedulers.host_sets import add_all, clear, drop, drop_all, has, put, size
from wattq.schedulers.reservations import start_reserved
from wattq.schedulers.timetable import FIRST
from wattq.schedulers.waitlist import drop as drop_from_queue
from wattq.simulator.jit import inlined, jitted
from wattq.simulator.layout import Ledger
from wattq.simulator.ledger import set_power_state

__all__ = ["awake_soon", "begin_now", "carry_out", "count_again", "forgo", "sedate_in_plan", "wake_in_plan"]


@jitted
def wake_in_plan(e: Sleepers, n_hosts: int, wanted: NDArray[np.uint64], now: NDArray[np.uint64]) -> None:
    """Wake the hosts of a set in the plan and add those that begin to wake now to another set."""
    first_s = e.t.begin_s[e.t.head[FIRST]]
    for host in range(n_hosts):
        if has(wanted, host) and wake(e, host) <= first_s:
            put(now, host)


@jitted
def sedate_in_plan(e: Sleepers, n_hosts: int, wanted: NDArray[np.uint64], now: NDArray[np.uint64]) -> None:
    """Put the hosts of a set to sleep in the plan and add those that begin to do so now to another set."""
    first_s = e.t.begin_s[e.t.head[FIRST]]
    for host in range(n_hosts):
        if has(wanted, host) and let_sleep(e, host) <= first_s:
            put(now, host)


@inlined
def awake_soon(e: Sleepers, row: NDArray[np.uint64]) -> int:
    """Write the hosts that are awake or will be, once what was asked for is done, and return their number."""
    for k in range(row.shape[0]):
        up = e.rows[AWAKE, k] | (e.rows[RISING, k] & ~e.rows[FALLING, k])
        row[k] = (up | e.rows[TO_WAKE, k]) & ~e.rows[TO_SEDATE, k]
    return size(row)


@inlined
def forgo(e: Sleepers, n: int) -> None:
    """Count n hosts less as asleep: first those that sleep by the rule, then those that sleep for being idle."""
    by_rule = min(n, int(e.n[BY_RULE]))
    e.n[BY_RULE] -= by_rule
    e.n[BY_IDLENESS] -= n - by_rule


@jitted
def count_again(e: Sleepers) -> None:
    """Let the two counts of sleeping hosts add up to those asleep, also after hosts left or came back."""
    asleep = 0
    for k in range(e.rows.shape[1]):
        e.rows[SET_F, k] = (e.rows[ASLEEP, k] | e.rows[FALLING, k] | e.rows[TO_SEDATE, k]) & ~e.rows[TO_WAKE, k]
    asleep = size(e.rows[SET_F])
    e.n[BY_IDLENESS] = min(max(e.n[BY_IDLENESS], 0), asleep)
    e.n[BY_RULE] = asleep - e.n[BY_IDLENESS]


@inlined
def begin_now(v: Ledger, e: Sleepers, slot: int) -> None:
    """Note that the plan begins the job of a slot of the waiting list now; jobs begin in the order of their ids."""
    k = int(e.n[N_START])
    rank = v.jobs[e.w.job[slot]].id_rank
    while k > 0 and v.jobs[e.w.job[e.start[k - 1]]].id_rank > rank:
        e.start[k] = e.start[k - 1]
        k -= 1
    e.start[k] = slot
    e.n[N_START] += 1


@inlined
def _switch(v: Ledger, e: Sleepers, row: int, source: int, target: int, time_s: float, down: bool) -> None:
    """Ask for the switches of a set of hosts, one request per power state in increasing order."""
    for host in range(v.head[0].n_hosts):
        if has(e.rows[row], host):
            e.since_s[host] = time_s
    drop_all(e.rows[source], e.rows[row])
    add_all(e.rows[target], e.rows[row])
    for pstate in range(v.pstates.shape[1]):
        clear(e.rows[SET_F])
        n = 0
        for host in range(v.head[0].n_hosts):
            if has(e.rows[row], host) and (sleep_state(v, host) if down else awake_state(v, host)) == pstate:
                put(e.rows[SET_F], host)
                n += 1
        if n > 0:
            set_power_state(v, e.rows[SET_F], pstate)
    clear(e.rows[row])


@inlined
def _guarded(v: Ledger, e: Sleepers, row: int, source: int) -> int:
    """Leave only the hosts of a set that can be switched, and return their number."""
    for host in range(v.head[0].n_hosts):
        if has(e.rows[row], host) and (not has(e.rows[source], host) or v.hosts[host].job >= 0):
            drop(e.rows[row], host)
    return size(e.rows[row])


@jitted
def carry_out(v: Ledger, e: Sleepers, time_s: float) -> bool:
    """Begin the jobs and switches that stand at the begin of the plan; return whether there were any."""
    n = int(e.n[N_START])
    for k in range(n):
        slot = int(e.start[k])
        drop_from_queue(e.w, slot)
        start_reserved(v, e.t, int(e.w.job[slot]))
    e.n[N_START] = 0
    up = _guarded(v, e, ON_NOW, ASLEEP)
    if up > 0:
        _switch(v, e, ON_NOW, ASLEEP, RISING, time_s, False)
    down = _guarded(v, e, OFF_NOW, AWAKE)
    if down > 0:
        _switch(v, e, OFF_NOW, AWAKE, FALLING, time_s, True)
    return n + up + down > 0
