"""The members of the family that monitor: what they do with each message, and their calls.

Every message: switches that wait enter the plan, EASY backfilling on it, hosts that sleep for being idle wake up for
waiting jobs, and, where asked for, idle hosts fall asleep. Every `monitoring_period` seconds, a stage of their own:
`idle`, `subpart`, `inertial`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattq.schedulers import kinds
from wattq.schedulers.energy_bf.act import awake_soon, carry_out, count_again
from wattq.schedulers.energy_bf.head import forget_head, plan_queue
from wattq.schedulers.energy_bf.hosts import begin, look_again, switched
from wattq.schedulers.energy_bf.idle import idle_stage, look_at_idle, nothing_rises, sedate_idle, wake_for_queue
from wattq.schedulers.energy_bf.inertial import inertial_stage, measure_load, note_load
from wattq.schedulers.energy_bf.layout import (
    AWAKE,
    CALLS,
    FALLING,
    FRACTION,
    IDLE_S,
    LAUNCHED,
    LEAST_SLEEP_S,
    MOST_SLEEP_S,
    ON_MESSAGES,
    PERIOD_S,
    READY,
    RISING,
    SET_B,
    STOPPED,
    TO_SEDATE,
    TO_WAKE,
    Sleepers,
    open_memory,
)
from wattq.schedulers.energy_bf.plan import make_plan
from wattq.schedulers.energy_bf.subpart import subpart_stage
from wattq.schedulers.host_sets import size
from wattq.schedulers.message import acceptable, new_job
from wattq.schedulers.present import ran_out
from wattq.schedulers.waitlist import add, first_job, refresh, tidy
from wattq.simulator import layout as c
from wattq.simulator.jit import inlined, jitted
from wattq.simulator.layout import Ledger
from wattq.simulator.ledger import call_at, round6

__all__ = ["decide_sleepers", "enter_jobs", "read_hosts"]


@inlined
def _call_again(e: Sleepers, v: Ledger, from_s: float, period_s: float) -> None:
    """Ask for the next monitoring stage."""
    call_at(v, max(from_s + period_s, v.head[0].now_s + 1e-6))
    e.n[CALLS] += 1


@jitted
def _stage(kind: int, v: Ledger, e: Sleepers, par: NDArray[np.float64], time_s: float) -> None:
    """Take the decisions of a monitoring stage."""
    forget_head(e)
    if kind == kinds.INERTIAL:
        measure_load(e, time_s)
    make_plan(v, e, time_s, True)
    if kind == kinds.INERTIAL:
        inertial_stage(v, e, par, time_s)
    elif kind == kinds.SUBPART_SLEEPER:
        subpart_stage(v, e, time_s, par[FRACTION], par[IDLE_S])
    else:
        idle_stage(v, e, time_s, par[IDLE_S])
    count_again(e)


@jitted
def _read_events(kind: int, v: Ledger, e: Sleepers, par: NDArray[np.float64]) -> None:
    """Read the message event by event, with the monitoring stages in between."""
    head = v.head[0]
    for k in range(head.first_event, head.first_event + head.n_events):
        event = v.events[k]
        time_s = round6(event.time_s)
        if event.kind == c.EV_STATE_CHANGED:
            switched(v, e, k, time_s)
        elif event.kind == c.EV_SUBMITTED and e.n[LAUNCHED] == 0:
            e.n[LAUNCHED] = 1
            _call_again(e, v, time_s, par[PERIOD_S])
        elif event.kind == c.EV_CALL and e.n[CALLS] > 0:
            e.n[CALLS] -= 1
            _stage(kind, v, e, par, time_s)
            if e.n[STOPPED] == 0:
                _call_again(e, v, time_s, par[PERIOD_S])
            else:
                e.n[LAUNCHED] = 0


@inlined
def read_hosts(v: Ledger, e: Sleepers, par: NDArray[np.float64]) -> bool:
    """Learn about the hosts in the first round and when some left or came back; return whether the policy can go on."""
    if e.n[READY] == 0 and not begin(v, e, par[LEAST_SLEEP_S], par[MOST_SLEEP_S]):
        return False
    head = v.head[0]
    for k in range(head.first_event, head.first_event + head.n_events):
        kind = v.events[k].kind
        if kind == c.EV_AVAILABLE or kind == c.EV_UNAVAILABLE:
            look_again(v, e)
            return True
    return True


@inlined
def enter_jobs(v: Ledger, e: Sleepers, order: int) -> None:
    """Queue the jobs of the message, or reject them."""
    for k in range(v.head[0].n_events):
        job = new_job(v, k)
        if job >= 0 and acceptable(v, job, True):
            add(v, e.w, job, order, True)
    refresh(v, e.w, order)


@inlined
def _nothing_left(v: Ledger, e: Sleepers) -> bool:
    """Return whether no job waits, runs or is to come."""
    head = v.head[0]
    return bool(head.no_more_jobs != 0 and head.n_running == 0 and first_job(e.w) < 0)


@inlined
def _stuck(v: Ledger, e: Sleepers) -> bool:
    """Return whether nothing goes on and the first job asks for more hosts than there are while some are away."""
    head = v.head[0]
    job = first_job(e.w)
    if job < 0 or head.n_running > 0 or head.no_more_jobs == 0:
        return False
    there = 0
    for kind in range(AWAKE, FALLING + 1):
        there += size(e.rows[kind])
    moving = size(e.rows[RISING]) + size(e.rows[FALLING]) + size(e.rows[TO_WAKE]) + size(e.rows[TO_SEDATE])
    return bool(moving == 0 and v.jobs[job].hosts > there)


@inlined
def _decide_now(v: Ledger, e: Sleepers, par: NDArray[np.float64]) -> None:
    """Take the decisions that follow every message."""
    now_s = float(v.head[0].now_s)
    n_hosts = v.head[0].n_hosts
    forget_head(e)
    make_plan(v, e, now_s, False)
    head_job = plan_queue(v, e)
    carry_out(v, e, now_s)
    count_again(e)
    look_at_idle(e, n_hosts, now_s)
    if wake_for_queue(v, e):
        return
    if par[ON_MESSAGES] != 0 and nothing_rises(e):
        needed = int(v.jobs[head_job].hosts) if head_job >= 0 else 0
        sedate_idle(v, e, now_s, par[IDLE_S], awake_soon(e, e.rows[SET_B]), needed)


@jitted
def decide_sleepers(
    kind: int,
    v: Ledger,
    par: NDArray[np.float64],
    mi: NDArray[np.int64],
    mf: NDArray[np.float64],
    mw: NDArray[np.uint64],
) -> None:
    """Take one round of decisions of one of `kinds.IDLE_SLEEPER`, `SUBPART_SLEEPER`, `INERTIAL`; see the module."""
    order = int(par[0])
    e = open_memory(mi, mf, mw, v.head[0].n_hosts, par[1])
    head = v.head[0]
    if v.events[head.first_event].kind == c.EV_ENDS or not read_hosts(v, e, par):
        return
    tidy(e.w)
    refresh(v, e.w, order)
    _read_events(kind, v, e, par)
    if kind == kinds.INERTIAL:
        measure_load(e, float(head.now_s))
    enter_jobs(v, e, order)
    _decide_now(v, e, par)
    if kind == kinds.INERTIAL:
        note_load(e, float(head.now_s))
    e.n[STOPPED] = _nothing_left(v, e) or _stuck(v, e)
    if e.n[LAUNCHED] == 0 and e.n[STOPPED] == 0 and first_job(e.w) >= 0:
        e.n[LAUNCHED] = 1
        _call_again(e, v, float(head.now_s), par[PERIOD_S])
    ran_out(v, e.t)
