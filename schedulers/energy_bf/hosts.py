"""The hosts: their power states, what switching takes, and which of them are awake, asleep or in between."""

from __future__ import annotations

import numpy as np

from wattq.schedulers.energy_bf.layout import (
    ASLEEP,
    AWAKE,
    FALLING,
    IDLE,
    READY,
    RISING,
    TO_SEDATE,
    TO_WAKE,
    Sleepers,
)
from wattq.schedulers.host_sets import drop, has, put
from wattq.simulator import layout as c
from wattq.simulator.faults import NO_SLEEP_STATE, NO_SWITCH_SPEED
from wattq.simulator.jit import inlined, jitted
from wattq.simulator.layout import Ledger

__all__ = ["awake_state", "begin", "look_again", "sleep_state", "switched"]


@inlined
def sleep_state(v: Ledger, host: int) -> int:
    """Return the power state of a host that draws least of those it can sleep in, -1 without one."""
    best = -1
    states = v.pstates[v.hosts[host].cls]
    for p in range(states[0].n):
        s = states[p]
        if s.kind == c.PS_SLEEP and (best < 0 or s.idle_w < states[best].idle_w):
            best = p
    return best


@inlined
def awake_state(v: Ledger, host: int) -> int:
    """Return the first power state of a host that computes."""
    states = v.pstates[v.hosts[host].cls]
    p = 0
    while p < states[0].n - 1 and states[p].kind != c.PS_COMPUTE:
        p += 1
    return p


@inlined
def _shortest_sleep_s(idle_w: float, sleep_w: float, switch_s: float, switch_j: float) -> float:
    """Return how long a sleep must last to save energy, s: what the two switches cost beyond idling, at what it saves.

    The switches count with the delay that the plan adds to each.
    """
    if idle_w <= sleep_w:
        return np.inf
    return (switch_j - switch_s * idle_w) / (idle_w - sleep_w)


@inlined
def _learn(v: Ledger, e: Sleepers, host: int, least_s: float, most_s: float) -> int:
    """Note what switching a host takes; return 0, or the error that it cannot sleep or that nobody knows how fast."""
    sleep = sleep_state(v, host)
    if sleep < 0:
        return NO_SLEEP_STATE
    states = v.pstates[v.hosts[host].cls]
    off, on = states[sleep].off, states[sleep].on
    if off < 0 or on < 0:
        return NO_SLEEP_STATE
    if not (states[off].speed_flops > 0 and states[on].speed_flops > 0):
        return NO_SWITCH_SPEED
    e.off_s[host] = 1.0 / states[off].speed_flops + e.t.delay_s
    e.on_s[host] = 1.0 / states[on].speed_flops + e.t.delay_s
    # Switching is one flop at the speed of its state, at full power.
    joules = states[off].full_w / states[off].speed_flops + states[on].full_w / states[on].speed_flops
    idle_w = states[awake_state(v, host)].idle_w
    shortest_s = _shortest_sleep_s(idle_w, states[sleep].idle_w, e.off_s[host] + e.on_s[host], joules)
    e.sleep_s[host] = min(max(shortest_s, least_s), most_s)
    return 0


@jitted
def begin(v: Ledger, e: Sleepers, least_s: float, most_s: float) -> bool:
    """Learn about the hosts in the first round; return whether all of them can sleep."""
    e.n[READY] = 1
    for host in range(v.head[0].n_hosts):
        error = _learn(v, e, host, least_s, most_s)
        if error != 0:
            v.head[0].error = error
            return False
        e.idle_s[host] = v.head[0].now_s
        put(e.rows[IDLE], host)
    look_again(v, e)
    return True


@inlined
def _kind(v: Ledger, host: int) -> int:
    """Return which of the first four sets a host belongs to, -1 while it is away."""
    h = v.hosts[host]
    if h.away != 0:
        return -1
    if h.state == c.SLEEPING:
        return ASLEEP
    if h.state == c.SWITCHING_ON:
        return RISING
    return FALLING if h.state == c.SWITCHING_OFF else AWAKE


@jitted
def look_again(v: Ledger, e: Sleepers) -> None:
    """Sort the hosts that are there by what the ledger says of them."""
    for host in range(v.head[0].n_hosts):
        kind = _kind(v, host)
        known = kind >= 0 and has(e.rows[kind], host)
        for other in range(AWAKE, FALLING + 1):
            drop(e.rows[other], host)
        if kind >= 0:
            put(e.rows[kind], host)
        if not known:
            # Who is found asleep has slept for long enough.
            e.since_s[host] = v.head[0].now_s - (e.sleep_s[host] if kind == ASLEEP else 0.0)
    down = e.rows[TO_SEDATE]
    for k in range(down.shape[0]):
        down[k] &= e.rows[AWAKE, k] | e.rows[RISING, k]
        e.rows[TO_WAKE, k] &= e.rows[ASLEEP, k] | e.rows[FALLING, k]


@inlined
def _arrived(v: Ledger, e: Sleepers, host: int, pstate: int, time_s: float) -> None:
    """Note that a host reached a power state."""
    if v.pstates[v.hosts[host].cls, pstate].kind == c.PS_SLEEP:
        if has(e.rows[FALLING], host):
            drop(e.rows[FALLING], host)
            put(e.rows[ASLEEP], host)
            e.since_s[host] = time_s
    elif has(e.rows[RISING], host):
        drop(e.rows[RISING], host)
        put(e.rows[AWAKE], host)


@jitted
def switched(v: Ledger, e: Sleepers, number: int, time_s: float) -> None:
    """Read that machines reached a power state, event number `number` of the ledger."""
    event = v.events[number]
    for k in range(event.iv, event.iv + event.n_iv):
        for host in range(v.event_iv[k, 0], v.event_iv[k, 1] + 1):
            if host < v.head[0].n_hosts:
                _arrived(v, e, host, event.a, time_s)
