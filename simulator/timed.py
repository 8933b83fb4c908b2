"""Timed actions: parallel tasks, sleeps, time-outs, and the message in flight (batsim-semantics.md, 0.2).

The clock moves by the smallest remaining time of all actions; each action then loses what it did in that time, in
the same double operations as SimGrid, so that near-ties fall the same way.
"""

from __future__ import annotations

import numpy as np

from wattq.simulator import codes as x
from wattq.simulator.bits import span
from wattq.simulator.jit import inlined, jitted, summing
from wattq.simulator.layout import Kernel
from wattq.simulator.power import touch

# How far the next end must be for a step to skip the search: far beyond every snap threshold and rounding error.
_QUIET_S = 1e-3
_QUIET = 1e-9

__all__ = ["add_action", "advance_clock", "charge_end", "compact", "drop_action", "next_end", "pass_time", "set_rate"]


@inlined
def add_action(s: Kernel, kind: int, actor: int, host: int, left: float, rate: float, snap: float) -> int:
    """Start an action at the end of the list and return its slot."""
    k = s.head[0]
    slot = k.free_slot
    a = s.actions[slot]
    k.free_slot = a.next_free
    k.n_free_slots -= 1
    a.kind = kind
    a.actor = actor
    a.host = host
    a.state = x.LIVE
    a.loaded = 0
    a.sequence = k.sequence
    k.sequence += 1
    pos = k.n_act
    a.pos = pos
    s.left[pos] = left
    s.rate[pos] = rate
    s.snap[pos] = snap
    s.slot[pos] = slot
    k.n_act = pos + 1
    k.quiet_s = min(k.quiet_s, left / rate)
    return slot


@inlined
def set_rate(s: Kernel, slot: int, rate: float) -> None:
    """Change the rate of an action, in 1/s."""
    pos = s.actions[slot].pos
    s.rate[pos] = rate
    s.head[0].quiet_s = min(s.head[0].quiet_s, s.left[pos] / rate)


@inlined
def drop_action(s: Kernel, slot: int) -> None:
    """Mark an action as gone; `compact` removes it from the list."""
    k = s.head[0]
    if s.actions[slot].state == x.LIVE:
        s.actions[slot].state = x.DEAD
        k.n_dead += 1


@inlined
def compact(s: Kernel) -> None:
    """Close the gaps that dropped actions left, keeping the order of creation."""
    k = s.head[0]
    if k.n_dead == 0:
        return
    n = k.n_act
    to = 0
    while to < n and s.actions[s.slot[to]].state == x.LIVE:
        to += 1
    for pos in range(to, n):
        slot = s.slot[pos]
        if s.actions[slot].state == x.LIVE:
            s.left[to] = s.left[pos]
            s.rate[to] = s.rate[pos]
            s.snap[to] = s.snap[pos]
            s.slot[to] = slot
            s.actions[slot].pos = to
            to += 1
        else:
            s.actions[slot].next_free = k.free_slot
            k.free_slot = slot
            k.n_free_slots += 1
    k.n_act = to
    k.n_dead = 0


@summing
def next_end(s: Kernel) -> float:
    """Return the time to the next end in the list of actions, infinity when it is empty."""
    delta = np.inf
    for pos in range(np.uint64(s.head[0].n_act)):
        delta = min(delta, s.left[pos] / s.rate[pos])
    return delta


@inlined
def _mail_delta(s: Kernel) -> float:
    """Return the time to the next change of the message in flight, infinity when there is none."""
    k = s.head[0]
    if not k.mail_on:
        return np.inf
    if k.mail_latency_s > 0.0:
        return k.mail_latency_s
    if k.mail_left > 0.0:
        return k.mail_left / k.mail_rate
    return 0.0


@inlined
def _move_mail(s: Kernel, delta: float) -> bool:
    """Let the message in flight advance; return whether it arrived."""
    k = s.head[0]
    if not k.mail_on:
        return False
    if k.mail_latency_s > 0.0:
        # The byte leaves only at the next step, once the solver has given the transfer its rate.
        if k.mail_latency_s > delta:
            k.mail_latency_s -= delta
            if k.mail_latency_s < x.SNAP_S:
                k.mail_latency_s = 0.0
        else:
            k.mail_latency_s = 0.0
        return False
    if k.mail_left > 0.0:
        k.mail_left -= k.mail_rate * delta
        if k.mail_left < x.SNAP_TASK:
            k.mail_left = 0.0
    return k.mail_left <= 0.0


@inlined
def charge_end(s: Kernel, slot: int) -> None:
    """An action changed state: SimGrid updates the energy of the hosts it was on.

    A job's task that shares no host is charged when its load is taken off, at the same date.
    """
    a = s.actions[slot]
    if a.kind == x.A_TASK and s.actors[a.actor].kind == x.JOB:
        if s.head[0].shared or not a.loaded:
            _touch_hosts(s, s.actors[a.actor].idx)
        return
    if a.host >= 0:
        touch(s, a.host)


@jitted
def _touch_hosts(s: Kernel, job: int) -> None:
    """Update the energy of every host of a job's task."""
    k = s.jobs[job]
    for i in range(k.task_iv, k.task_iv + k.n_task_iv):
        for host in span(s.alloc[i, 0], s.alloc[i, 1]):
            touch(s, host)


@inlined
def pass_time(s: Kernel, delta: float) -> None:
    """Let every action do its work of a step in which none of them can end."""
    if delta > 0.0:
        for pos in range(np.uint64(s.head[0].n_act)):
            s.left[pos] -= s.rate[pos] * delta


@inlined
def _end_some(s: Kernel, delta: float, arrived: bool) -> int:
    """Let every action do its work of a step, and list those that end in it, and the message if it arrived."""
    k = s.head[0]
    for pos in range(np.uint64(k.n_act)):
        left = s.left[pos] - s.rate[pos] * delta
        s.left[pos] = 0.0 if left < s.snap[pos] else left
    n = 0
    for pos in range(k.n_act):
        if s.left[pos] <= 0.0:
            slot = s.slot[pos]
            if arrived and k.mail_sequence < s.actions[slot].sequence:
                s.ended[n] = -1
                n += 1
                arrived = False
            s.ended[n] = slot
            n += 1
    if arrived:
        s.ended[n] = -1
        n += 1
    if k.energy:
        for i in range(n):
            if s.ended[i] >= 0:
                charge_end(s, s.ended[i])
    return n


@inlined
def advance_clock(s: Kernel) -> int:
    """Move the clock to the next end of an action.

    While a message travels, no other action is near its end as a rule: ``quiet_s`` is a lower bound of the time to
    the next end in the list, so that such steps need no search.

    Returns:
        -1 when no action exists, else the number of ended actions, whose slots (in creation order) are in
        ``s.ended``; the message in flight stands there as -1.
    """
    k = s.head[0]
    delta = _mail_delta(s)
    if k.quiet_s - delta > _QUIET_S + _QUIET * k.clock_s:
        k.quiet_s -= delta
        k.clock_s += delta
        k.n_steps += 1
        pass_time(s, delta)
        if _move_mail(s, delta):
            s.ended[0] = -1
            return 1
        return 0
    k.quiet_s = next_end(s)
    delta = min(delta, k.quiet_s)
    if delta == np.inf:
        return -1
    k.clock_s += delta
    k.n_steps += 1
    n = _end_some(s, delta, _move_mail(s, delta))
    k.quiet_s = k.quiet_s - delta if n > 0 and s.ended[0] < 0 and n == 1 else 0.0
    return n
