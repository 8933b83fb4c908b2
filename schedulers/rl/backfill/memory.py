"""What the environment's agent remembers from one message to the next, and how it is brought up to date."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattq.schedulers.green.power import state_now
from wattq.schedulers.message import acceptable
from wattq.schedulers.rl.backfill import slots as p
from wattq.schedulers.rl.backfill.power import machine_full_w, machine_w
from wattq.schedulers.rl.backfill.scales import span_scale, work_scale
from wattq.simulator import layout as c
from wattq.simulator.bits import span
from wattq.simulator.jit import inlined, jitted
from wattq.simulator.layout import Ledger

__all__ = ["area_s", "backfill_memory", "held_at", "is_echo", "job_room", "memory_parts", "take_note"]

# Marks of jobs: not met so far, noted, noted that it ended.
_UNKNOWN, _COME, _GONE = range(3)


def memory_parts(n_jobs: int, n_hosts: int) -> tuple[list[int], list[int]]:
    """Return the lengths of the parts that integers and floats are made of, those by job last."""
    return [p.HELD_AT, n_jobs], [p.LOWEST_AT, p.MAX_STATES * (n_hosts + 1), n_jobs, n_jobs, n_jobs, n_jobs]


def backfill_memory(n_jobs: int, n_hosts: int, n_words: int) -> tuple[int, int, tuple[int, int]]:
    """Return the sizes of the memory: integers, floats, rows of bit words."""
    ints, floats = memory_parts(n_jobs, n_hosts)
    return sum(ints), sum(floats), (p.N_ROWS, n_words)


@inlined
def held_at(v: Ledger) -> int:
    """Return where the dates lie until which jobs are held.

    Lists of as many places as jobs follow: for how long each was held in all, its expected run time and its work as
    they are shown.
    """
    return int(p.LOWEST_AT + p.MAX_STATES * (v.head[0].n_hosts + 1))


@inlined
def job_room(mi: NDArray[np.int64]) -> int:
    """Return for how many jobs there is room."""
    return int(mi.shape[0] - p.HELD_AT)


@inlined
def area_s(v: Ledger, job: int) -> float:
    """Return the work of a job by what is known, in host-seconds; a job of unknown length counts as an hour."""
    j = v.jobs[job]
    return float(j.hosts * (j.estimate_s if j.estimate_s < np.inf else 3600.0))


@inlined
def _release(v: Ledger, mi: NDArray[np.int64], mf: NDArray[np.float64]) -> None:
    """Forget jobs that are held no more."""
    at = held_at(v)
    to = 0
    for k in range(mi[p.N_HELD]):
        job = mi[p.HELD_AT + k]
        if mf[at + job] > v.head[0].now_s + 1e-6 and v.jobs[job].q_pos >= 0:
            mi[p.HELD_AT + to] = job
            to += 1
        else:
            mf[at + job] = 0.0
    mi[p.N_HELD] = to


@jitted
def _enter(v: Ledger, mi: NDArray[np.int64], mf: NDArray[np.float64], job: int) -> None:
    """Take note of a new job."""
    v.jobs[job].mark = _COME
    if not acceptable(v, job, False):
        return
    j = v.jobs[job]
    mf[p.WORK_S] += area_s(v, job)
    at = held_at(v) + 2 * job_room(mi) + job
    mf[at] = span_scale(j.estimate_s) if j.estimate_s < np.inf else 1.0
    mf[at + job_room(mi)] = work_scale(area_s(v, job), v.head[0].n_hosts)


@jitted
def _leave(v: Ledger, mi: NDArray[np.int64], mf: NDArray[np.float64], job: int) -> None:
    """Take note of a job that ended: its hosts idle, in the power state that they are in."""
    j = v.jobs[job]
    j.mark = _GONE
    mi[p.N_BUSY] -= j.hosts
    for k in range(j.iv, j.iv + j.n_iv):
        for host in span(v.iv[k, 0], v.iv[k, 1]):
            state = v.pstates[v.hosts[host].cls, state_now(v, host)]
            mf[p.POWER_W] -= state.full_w - state.idle_w


@jitted
def is_echo(v: Ledger) -> bool:
    """Return whether the message only confirms that jobs that were started run in the power state asked for."""
    first = v.head[0].first_event
    for e in range(first, first + v.head[0].n_events):
        event = v.events[e]
        if event.kind != c.EV_STATE_CHANGED:
            return False
        for k in range(event.iv, event.iv + event.n_iv):
            for host in span(v.event_iv[k, 0], v.event_iv[k, 1]):
                if v.hosts[host].job < 0:
                    return False
    return True


@jitted
def _look_at_hosts(v: Ledger, mi: NDArray[np.int64], mf: NDArray[np.float64]) -> None:
    """Count hosts by what they do, and add up their power."""
    mf[p.POWER_W] = machine_w(v)
    asleep = 0
    switching = 0
    busy = 0
    for host in range(v.head[0].n_hosts):
        h = v.hosts[host]
        asleep += h.state == c.SLEEPING
        switching += h.state == c.SWITCHING_OFF or h.state == c.SWITCHING_ON
        busy += h.job >= 0
    mi[p.ASLEEP] = asleep
    mi[p.SWITCHING] = switching
    mi[p.N_BUSY] = busy


@jitted
def take_note(v: Ledger, mi: NDArray[np.int64], mf: NDArray[np.float64]) -> None:
    """Bring the memory up to date with the message; jobs that can never run here are rejected.

    Nothing changes when it is done again for the same message.
    """
    head = v.head[0]
    begins = mf[p.FULL_W] == 0.0
    if begins:
        mf[p.FULL_W] = max(machine_full_w(v), 1e-9)
    undecided = head.n_decisions == 0
    changed = False
    for e in range(head.first_event, head.first_event + head.n_events):
        event = v.events[e]
        if event.kind == c.EV_SUBMITTED:
            if v.jobs[event.job].mark == _UNKNOWN:
                _enter(v, mi, mf, event.job)
        elif event.kind == c.EV_COMPLETED:
            if v.jobs[event.job].mark == _COME:
                _leave(v, mi, mf, event.job)
        elif event.kind == c.EV_STATE_CHANGED or event.kind == c.EV_AVAILABLE or event.kind == c.EV_UNAVAILABLE:
            changed = True
    # Sums over all hosts are taken anew where any may have changed, and from time to time against rounding errors.
    if begins or (undecided and (head.n_running == 0 or (changed and not is_echo(v)))):
        _look_at_hosts(v, mi, mf)
    if mi[p.N_HELD] > 0:
        _release(v, mi, mf)
