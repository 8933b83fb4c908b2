"""What a scheduler knows, kept up to date from protocol events and from its own decisions.

`absorb` reads a message; the functions below it take decisions. A decision changes the ledger at once (a started
job leaves the queue and its hosts are no longer free), so a policy sees the effect of what it decided before.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattq.simulator import layout as c
from wattq.simulator.bits import lowest_runs, set_run, span
from wattq.simulator.jit import inlined, jitted
from wattq.simulator.layout import Ledger

__all__ = [
    "absorb",
    "ask_energy",
    "call_at",
    "close_gaps",
    "expect",
    "is_free",
    "kill",
    "reject",
    "round6",
    "set_power_state",
    "start_lowest",
    "start_set",
]


@inlined
def round6(time_s: float) -> float:
    """Return a date as a scheduler reads it: printed with 6 decimals, then parsed."""
    return np.rint(time_s * 1e6) / 1e6


@inlined
def is_free(v: Ledger, host: int) -> bool:
    """Return whether a host is idle, awake, available and not being switched."""
    h = v.hosts[host]
    return h.state == c.IDLE and h.job < 0 and h.away == 0 and h.target < 0


@inlined
def _set_free(v: Ledger, first: int, last: int) -> None:
    """Mark each host of an interval that can take a job as free."""
    head = v.head[0]
    for host in range(first, last + 1):
        if is_free(v, host):
            mask = np.uint64(1) << np.uint64(host & 63)
            if v.free[host >> 6] & mask == np.uint64(0):
                v.free[host >> 6] |= mask
                head.n_free += 1


@inlined
def _unset_free(v: Ledger, first: int, last: int) -> None:
    """Mark the hosts of an interval as not free."""
    head = v.head[0]
    for host in range(first, last + 1):
        mask = np.uint64(1) << np.uint64(host & 63)
        if v.free[host >> 6] & mask != np.uint64(0):
            v.free[host >> 6] &= ~mask
            head.n_free -= 1


@inlined
def _enqueue(v: Ledger, job: int) -> None:
    """Put a job at the end of the queue."""
    head = v.head[0]
    v.jobs[job].state = c.SUBMITTED
    v.jobs[job].q_pos = head.q_tail
    v.queue[head.q_tail] = job
    head.q_tail += 1
    head.n_waiting += 1


@inlined
def _dequeue(v: Ledger, job: int) -> None:
    """Take a job out of the queue."""
    head = v.head[0]
    pos = v.jobs[job].q_pos
    if pos < 0:
        return
    v.queue[pos] = -1
    v.jobs[job].q_pos = -1
    head.n_waiting -= 1
    while head.q_head < head.q_tail and v.queue[head.q_head] < 0:
        head.q_head += 1


@jitted
def close_gaps(v: Ledger) -> None:
    """Move the waiting jobs together, when jobs that left fill most of the queue's span."""
    head = v.head[0]
    if head.q_tail - head.q_head <= 2 * head.n_waiting + 16:
        return
    to = head.q_head
    for pos in range(head.q_head, head.q_tail):
        job = v.queue[pos]
        if job >= 0:
            v.queue[to] = job
            v.jobs[job].q_pos = to
            to += 1
    head.q_tail = to


@inlined
def _insert_running(v: Ledger, job: int) -> None:
    """Put a job among the running ones, sorted by expected end, later starts after earlier ones on ties."""
    head = v.head[0]
    end = v.jobs[job].end_s
    i = head.n_running
    while i > 0 and v.jobs[v.running[i - 1]].end_s > end:
        v.running[i] = v.running[i - 1]
        i -= 1
    v.running[i] = job
    head.n_running += 1


@inlined
def _remove_running(v: Ledger, job: int) -> None:
    """Take a job out of the running ones."""
    head = v.head[0]
    end = v.jobs[job].end_s
    low = 0
    high = head.n_running
    while low < high:
        middle = (low + high) // 2
        if v.jobs[v.running[middle]].end_s < end:
            low = middle + 1
        else:
            high = middle
    while v.running[low] != job:
        low += 1
    for i in range(low, head.n_running - 1):
        v.running[i] = v.running[i + 1]
    head.n_running -= 1


@jitted
def expect(v: Ledger, job: int, run_s: float) -> None:
    """Expect another run time of a running job than before; its place among the running ones follows."""
    _remove_running(v, job)
    j = v.jobs[job]
    j.estimate_s = run_s
    j.end_s = j.start_s + run_s
    _insert_running(v, job)
    v.head[0].corrected += 1


@inlined
def _on_completed(v: Ledger, job: int, time_s: float) -> None:
    """A job ended: its hosts are free again where nothing else holds them."""
    head = v.head[0]
    j = v.jobs[job]
    j.state = c.SUCCESS
    head.any_completed = 1
    head.n_completed += 1
    _remove_running(v, job)
    for k in range(j.iv, j.iv + j.n_iv):
        first = v.iv[k, 0]
        last = v.iv[k, 1]
        all_free = True
        for host in span(first, last):
            h = v.hosts[host]
            h.job = -1
            h.idle_since_s = time_s
            if h.state == c.COMPUTING:
                h.state = c.IDLE
            all_free = all_free and h.state == c.IDLE and h.away == 0 and h.target < 0
        if all_free:
            set_run(v.free, first, last, True)
            head.n_free += last - first + 1
        else:
            _set_free(v, first, last)


@jitted
def _on_state_changed(v: Ledger, e: int, time_s: float) -> None:
    """Machines reached the power state that was asked for."""
    event = v.events[e]
    v.head[0].switches_pending -= 1
    for k in range(event.iv, event.iv + event.n_iv):
        for host in span(v.event_iv[k, 0], v.event_iv[k, 1]):
            h = v.hosts[host]
            h.pstate = event.a
            if h.target == event.a:
                h.target = -1
            if v.pstates[h.cls, event.a].kind == c.PS_SLEEP:
                h.state = c.SLEEPING
            elif h.job >= 0:
                h.state = c.COMPUTING
            else:
                if h.state != c.IDLE:
                    h.idle_since_s = time_s
                h.state = c.IDLE
        _set_free(v, v.event_iv[k, 0], v.event_iv[k, 1])


@jitted
def _on_availability(v: Ledger, e: int, away: int) -> None:
    """Machines left or came back."""
    event = v.events[e]
    for k in range(event.iv, event.iv + event.n_iv):
        first = v.event_iv[k, 0]
        last = min(v.event_iv[k, 1], v.head[0].n_hosts - 1)  # storage hosts are none of the scheduler's
        for host in range(first, last + 1):
            v.hosts[host].away = away
        if away:
            _unset_free(v, first, last)
        else:
            _set_free(v, first, last)


@inlined
def _on_submitted(v: Ledger, job: int) -> None:
    """A job is in the queue from now on."""
    head = v.head[0]
    j = v.jobs[job]
    j.seen_s = head.last_event_s
    j.mark = 0
    _enqueue(v, job)


@jitted
def absorb(v: Ledger) -> None:
    """Read the message in ``v.events`` and forget the decisions of the round before.

    The message's date and events are in ``v.head`` and ``v.events``; dates are read with 6 decimals, as a
    scheduler on the other side of a socket sees them.
    """
    head = v.head[0]
    head.n_decisions = 0
    head.n_kill = 0
    head.any_completed = 0
    head.corrected = 0
    head.error = 0
    first = head.first_event
    last = first + head.n_events
    head.last_event_s = round6(v.events[last - 1].time_s)
    for e in range(first, last):
        event = v.events[e]
        kind = event.kind
        if kind == c.EV_SUBMITTED:
            _on_submitted(v, event.job)
        elif kind == c.EV_COMPLETED:
            _on_completed(v, event.job, round6(event.time_s))
        elif kind == c.EV_STATE_CHANGED:
            _on_state_changed(v, e, round6(event.time_s))
        elif kind == c.EV_CALL:
            head.calls_pending -= 1
        elif kind == c.EV_NO_MORE_JOBS:
            head.no_more_jobs = 1
        elif kind == c.EV_UNAVAILABLE:
            _on_availability(v, e, 1)
        elif kind == c.EV_AVAILABLE:
            _on_availability(v, e, 0)
    close_gaps(v)


@inlined
def _new_decision(v: Ledger, kind: int, job: int) -> int:
    """Append a decision dated now and return its number."""
    head = v.head[0]
    k = head.n_decisions
    d = v.decisions[k]
    d.time_s = head.now_s
    d.target_s = 0.0
    d.kind = kind
    d.job = job
    d.a = 0
    d.b = 0
    d.iv = 0
    d.n_iv = 0
    d.map = -1
    d.n_map = 0
    head.n_decisions = k + 1
    return k


@inlined
def _start(v: Ledger, job: int, n_iv: int) -> None:
    """Start a job on the n_iv intervals that lie at the end of ``v.iv``."""
    head = v.head[0]
    j = v.jobs[job]
    first = head.n_iv
    for k in range(first, first + n_iv):
        set_run(v.free, v.iv[k, 0], v.iv[k, 1], False)
        head.n_free -= v.iv[k, 1] - v.iv[k, 0] + 1
        for host in span(v.iv[k, 0], v.iv[k, 1]):
            h = v.hosts[host]
            h.job = job
            h.state = c.COMPUTING
    head.n_iv = first + n_iv
    _dequeue(v, job)
    j.state = c.RUNNING
    j.start_s = head.now_s
    j.end_s = head.now_s + j.estimate_s
    j.iv = first
    j.n_iv = n_iv
    _insert_running(v, job)
    d = v.decisions[_new_decision(v, c.DO_EXECUTE, job)]
    d.iv = first
    d.n_iv = n_iv


@jitted
def start_lowest(v: Ledger, job: int) -> None:
    """Start a waiting job on the free hosts with the lowest numbers; ``jobs[job].hosts <= head.n_free`` must hold."""
    head = v.head[0]
    n_iv = lowest_runs(v.free, head.n_words, v.jobs[job].hosts, v.iv, head.n_iv)
    _start(v, job, n_iv)


@jitted
def start_set(v: Ledger, job: int, hosts: NDArray[np.uint64]) -> None:
    """Start a waiting job on the lowest hosts of a set (bit words) that holds at least as many as it asks for."""
    head = v.head[0]
    n_iv = lowest_runs(hosts, head.n_words, v.jobs[job].hosts, v.iv, head.n_iv)
    _start(v, job, n_iv)


@jitted
def reject(v: Ledger, job: int) -> None:
    """Refuse a waiting job for good."""
    _dequeue(v, job)
    v.jobs[job].state = c.REJECTED
    _new_decision(v, c.DO_REJECT, job)


@jitted
def kill(v: Ledger, job: int) -> None:
    """Kill a running job; its hosts come back when the backend reports its end."""
    head = v.head[0]
    d = v.decisions[_new_decision(v, c.DO_KILL, job)]
    d.a = head.n_kill
    d.b = 1
    v.kill_list[head.n_kill] = job
    head.n_kill += 1


@jitted
def call_at(v: Ledger, time_s: float) -> None:
    """Ask to be called at a later date; it must lie after now."""
    d = v.decisions[_new_decision(v, c.DO_CALL, -1)]
    d.target_s = time_s
    v.head[0].calls_pending += 1


@jitted
def ask_energy(v: Ledger) -> None:
    """Ask for the energy consumed so far; the answer comes as an event."""
    _new_decision(v, c.DO_QUERY_ENERGY, -1)


@jitted
def set_power_state(v: Ledger, hosts: NDArray[np.uint64], pstate: int) -> None:
    """Ask for a power state on a set of hosts (bit words): sleep, wake or another speed, as one request."""
    head = v.head[0]
    n = 0
    for host in range(head.n_hosts):
        if hosts[host >> 6] >> np.uint64(host & 63) & np.uint64(1):
            n += 1
            h = v.hosts[host]
            was = v.pstates[h.cls, h.pstate].kind
            to = v.pstates[h.cls, pstate].kind
            h.target = pstate
            if was == c.PS_COMPUTE and to == c.PS_SLEEP:
                h.state = c.SWITCHING_OFF
                _unset_free(v, host, host)
            elif was == c.PS_SLEEP:
                h.state = c.SWITCHING_ON
    d = v.decisions[_new_decision(v, c.DO_SET_STATE, -1)]
    d.a = pstate
    d.iv = head.n_iv
    d.n_iv = lowest_runs(hosts, head.n_words, n, v.iv, head.n_iv)
    head.n_iv += d.n_iv
    head.switches_pending += 1
