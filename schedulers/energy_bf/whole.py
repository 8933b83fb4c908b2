"""batsched's `energy_bf`: conservative backfilling that wakes hosts for planned jobs and lets those without work sleep.

At each message the whole queue is planned, each job by first fit. Where a job finds no place because hosts sleep, those
it lacks are woken, all at the earliest date at which all of them may, and the job comes after that. Then each awake
host falls asleep at the end of its last planned work. What the plan begins now is carried out.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattq.schedulers.energy_bf.act import begin_now, carry_out, sedate_in_plan
from wattq.schedulers.energy_bf.hosts import switched
from wattq.schedulers.energy_bf.layout import (
    ASLEEP,
    AWAKE,
    CALLS,
    FALLING,
    PUT_DOWN,
    RISING,
    SET_A,
    Sleepers,
    open_memory,
)
from wattq.schedulers.energy_bf.monitor import enter_jobs, read_hosts
from wattq.schedulers.energy_bf.plan import make_plan, wake_at
from wattq.schedulers.host_sets import clear, has, keep_lowest, put, size
from wattq.schedulers.present import ran_out
from wattq.schedulers.reservations import forget, is_reserved, place
from wattq.schedulers.timetable import FIRST as FIRST_SLICE
from wattq.schedulers.timetable import drop_row
from wattq.schedulers.waitlist import FIRST, HOLE, TAIL, first_job, tidy
from wattq.simulator import layout as c
from wattq.simulator.jit import inlined, jitted
from wattq.simulator.layout import Ledger
from wattq.simulator.ledger import call_at, round6

__all__ = ["decide_energy_bf"]


@inlined
def _wake_missing(v: Ledger, e: Sleepers, hosts: int) -> bool:
    """Wake as many hosts as a job of so many lacks at the end of the plan; return whether there are enough."""
    n_hosts = v.head[0].n_hosts
    last = int(e.t.head[FIRST_SLICE])
    while e.t.next[last] > 0:
        last = int(e.t.next[last])
    clear(e.rows[SET_A])
    for host in range(n_hosts):
        if e.up_s[host] < np.inf:
            put(e.rows[SET_A], host)
    missing = hosts - int(e.t.free[last])
    keep_lowest(e.rows[SET_A], missing)
    if missing <= 0 or size(e.rows[SET_A]) < missing:
        return False
    date_s = -np.inf
    for host in range(n_hosts):
        if has(e.rows[SET_A], host):
            date_s = max(date_s, e.up_s[host])
    for host in range(n_hosts):
        if has(e.rows[SET_A], host):
            wake_at(e, host, date_s)
    return True


@inlined
def _plan_job(v: Ledger, e: Sleepers, slot: int) -> None:
    """Place a job, waking hosts where it needs them; only one that starts now keeps the note of its hosts."""
    job = int(e.w.job[slot])
    now = place(v, e.t, job)
    if not is_reserved(e.t, job) and _wake_missing(v, e, v.jobs[job].hosts):
        now = place(v, e.t, job)
    if now:
        begin_now(v, e, slot)
    elif is_reserved(e.t, job):
        drop_row(e.t, e.t.row_of[job])
        forget(e.t, job)


@inlined
def _first_change_s(v: Ledger, e: Sleepers) -> float:
    """Return the next date at which something that goes on now is expected to end, s; inf when nothing does."""
    now_s = v.head[0].now_s
    date_s = np.inf
    if v.head[0].n_running > 0:
        date_s = v.jobs[v.running[0]].end_s + e.t.delay_s
    for host in range(v.head[0].n_hosts):
        end_s = np.inf
        if has(e.rows[RISING], host):
            end_s = e.since_s[host] + e.on_s[host]
        elif has(e.rows[FALLING], host):
            end_s = e.since_s[host] + e.off_s[host]
        elif has(e.rows[ASLEEP], host):
            end_s = e.since_s[host] + e.sleep_s[host]
        if end_s > now_s:
            date_s = min(date_s, end_s)
    return float(max(date_s, now_s))


@inlined
def _read_switches(v: Ledger, e: Sleepers) -> None:
    """Read which hosts were switched and which calls came."""
    head = v.head[0]
    for k in range(head.first_event, head.first_event + head.n_events):
        event = v.events[k]
        if event.kind == c.EV_STATE_CHANGED:
            switched(v, e, k, round6(event.time_s))
        elif event.kind == c.EV_CALL and e.n[CALLS] > 0:
            e.n[CALLS] -= 1


@inlined
def _call_if_idle(v: Ledger, e: Sleepers) -> None:
    """Ask for a call once the next thing has ended, when there are jobs and no call is pending."""
    if e.n[CALLS] > 0 or (first_job(e.w) < 0 and v.head[0].n_running == 0):
        return
    date_s = _first_change_s(v, e)
    if date_s < np.inf:
        call_at(v, date_s + 1.0)
        e.n[CALLS] += 1


@jitted
def decide_energy_bf(
    v: Ledger, par: NDArray[np.float64], mi: NDArray[np.int64], mf: NDArray[np.float64], mw: NDArray[np.uint64]
) -> None:
    """Take one round of decisions; see the module."""
    order = int(par[0])
    head = v.head[0]
    now_s = float(head.now_s)
    e = open_memory(mi, mf, mw, head.n_hosts, par[1])
    if v.events[head.first_event].kind == c.EV_ENDS or not read_hosts(v, e, par):
        return
    tidy(e.w)
    _read_switches(v, e)
    enter_jobs(v, e, order)
    make_plan(v, e, now_s, False)
    for slot in range(e.w.head[FIRST], e.w.head[TAIL]):
        if e.w.hosts[slot] != HOLE:
            _plan_job(v, e, slot)
    clear(e.rows[PUT_DOWN])
    sedate_in_plan(e, head.n_hosts, e.rows[AWAKE], e.rows[PUT_DOWN])
    if not carry_out(v, e, now_s):
        _call_if_idle(v, e)
    ran_out(v, e.t)
