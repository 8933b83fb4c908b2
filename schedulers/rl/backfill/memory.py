"""What the environment's agent remembers from one message to the next, and how it is brought up to date."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattq.schedulers.message import acceptable, new_job
from wattq.schedulers.rl.backfill import slots as p
from wattq.schedulers.rl.backfill.power import machine_full_w, machine_w
from wattq.simulator import layout as c
from wattq.simulator.jit import inlined, jitted
from wattq.simulator.layout import Ledger

__all__ = ["backfill_memory", "memory_parts", "take_note"]


def memory_parts(n_jobs: int, n_hosts: int) -> tuple[list[int], list[int]]:
    """Return the lengths of the parts that integers and floats are made of, those by job last."""
    return [p.HELD_AT, n_jobs], [p.LOWEST_AT, p.MAX_STATES * (n_hosts + 1), n_jobs, n_jobs]


def backfill_memory(n_jobs: int, n_hosts: int, n_words: int) -> tuple[int, int, tuple[int, int]]:
    """Return the sizes of the memory: integers, floats, rows of bit words."""
    ints, floats = memory_parts(n_jobs, n_hosts)
    return sum(ints), sum(floats), (p.N_ROWS, n_words)


@inlined
def held_at(v: Ledger) -> int:
    """Return where the dates lie until which jobs are held; the durations follow as many places later as jobs."""
    return int(p.LOWEST_AT + p.MAX_STATES * (v.head[0].n_hosts + 1))


@inlined
def job_room(mi: NDArray[np.int64]) -> int:
    """Return for how many jobs there is room."""
    return int(mi.shape[0] - p.HELD_AT)


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


@inlined
def area_s(v: Ledger, job: int) -> float:
    """Return the work of a job by what is known, in host-seconds; a job of unknown length counts as an hour."""
    j = v.jobs[job]
    return float(j.hosts * (j.estimate_s if j.estimate_s < np.inf else 3600.0))


@inlined
def _count_hosts(v: Ledger, mi: NDArray[np.int64]) -> None:
    """Count hosts by what they do."""
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
def take_note(v: Ledger, cfg: NDArray[np.float64], mi: NDArray[np.int64], mf: NDArray[np.float64]) -> None:
    """Bring the memory up to date with the message; jobs that can never run here are rejected.

    Nothing changes when it is done again for the same message.
    """
    first_time = mf[p.FULL_W] == 0.0
    if first_time:
        mf[p.FULL_W] = max(machine_full_w(v), 1e-9)
    for e in range(v.head[0].n_events):
        job = new_job(v, e)
        if job >= 0 and v.jobs[job].mark == 0:
            v.jobs[job].mark = 1
            if acceptable(v, job, False):
                mf[p.WORK_S] += area_s(v, job)
    if v.head[0].n_decisions == 0 or first_time:
        mf[p.POWER_W] = machine_w(v)
        _count_hosts(v, mi)
    _release(v, mi, mf)
