"""EASY backfilling in the plan: the first job's place, hosts woken for it, and the jobs that start beside it."""

from __future__ import annotations

import numpy as np

from wattq.schedulers.energy_bf.act import begin_now, forgo, sedate_in_plan, wake_in_plan
from wattq.schedulers.energy_bf.layout import (
    ASLEEP,
    AWAKE,
    DOWN_SINCE,
    FALLING,
    PRIORITY,
    PUT_DOWN,
    RISING,
    SET_A,
    SET_B,
    SET_C,
    TO_SEDATE,
    TO_WAKE,
    UP_SINCE,
    WOKEN,
    Sleepers,
)
from wattq.schedulers.energy_bf.plan import stay_awake
from wattq.schedulers.host_sets import add_all, clear, copy, drop_all, has, keep_all, put, size
from wattq.schedulers.reservations import fits_now, is_reserved, place
from wattq.schedulers.timetable import FIRST as FIRST_SLICE
from wattq.schedulers.waitlist import FIRST, HOLE, TAIL, first_job
from wattq.simulator.jit import inlined, jitted
from wattq.simulator.layout import Ledger

__all__ = ["choose_to_wake", "forget_head", "plan_queue"]


@inlined
def forget_head(e: Sleepers) -> None:
    """Drop the note of the first job's reservation, which the next plan does not hold."""
    if e.n[PRIORITY] > 0:
        e.t.row_of[e.n[PRIORITY] - 1] = 0
        e.n[PRIORITY] = 0


@jitted
def choose_to_wake(e: Sleepers, n_hosts: int, n: int, among: int, chosen: int) -> None:
    """Choose n sleeping hosts of row `among` for row `chosen`: those that may wake first, lowest numbers first."""
    clear(e.rows[chosen])
    left = n
    after_s = -np.inf
    while left > 0:
        date_s = np.inf
        for host in range(n_hosts):
            if has(e.rows[among], host) and e.up_s[host] > after_s:
                date_s = min(date_s, e.up_s[host])
        if date_s == np.inf:
            return
        for host in range(n_hosts):
            if left > 0 and e.up_s[host] == date_s and has(e.rows[among], host):
                put(e.rows[chosen], host)
                left -= 1
        after_s = date_s


@inlined
def _note_head(v: Ledger, e: Sleepers, slot: int, now: bool) -> None:
    """Note that the first job is placed."""
    if now:
        begin_now(v, e, slot)
    else:
        e.n[PRIORITY] = e.w.job[slot] + 1


@inlined
def _keep_others_down(v: Ledger, e: Sleepers, job: int) -> None:
    """The first job fits without the sleeps to come: plan those again that are not in its way."""
    copy(e.rows[SET_A], e.rows[TO_SEDATE])
    keep_all(e.rows[SET_A], e.t.words[e.t.row_of[job]])
    copy(e.rows[SET_B], e.rows[TO_SEDATE])
    drop_all(e.rows[SET_B], e.rows[SET_A])
    forgo(e, size(e.rows[SET_A]))
    clear(e.rows[SET_C])
    sedate_in_plan(e, v.head[0].n_hosts, e.rows[SET_B], e.rows[SET_C])
    drop_all(e.rows[PUT_DOWN], e.rows[SET_A])
    drop_all(e.rows[TO_SEDATE], e.rows[SET_A])


@inlined
def _wake_for(v: Ledger, e: Sleepers, slot: int) -> None:
    """Wake as many hosts as the first job lacks and place it."""
    job = int(e.w.job[slot])
    for k in range(e.rows.shape[1]):
        e.rows[SET_A, k] = e.rows[AWAKE, k] | e.rows[RISING, k] | e.rows[TO_WAKE, k]
        e.rows[SET_B, k] = e.rows[ASLEEP, k] | e.rows[FALLING, k]
    n_hosts = v.head[0].n_hosts
    missing = v.jobs[job].hosts - size(e.rows[SET_A])
    choose_to_wake(e, n_hosts, missing, SET_B, SET_A)
    clear(e.rows[SET_C])
    wake_in_plan(e, n_hosts, e.rows[SET_A], e.rows[SET_C])
    now = place(v, e.t, job)
    if is_reserved(e.t, job):
        _note_head(v, e, slot, now)
    forgo(e, size(e.rows[TO_SEDATE]) + size(e.rows[SET_A]))
    drop_all(e.rows[PUT_DOWN], e.rows[TO_SEDATE])
    clear(e.rows[TO_SEDATE])
    add_all(e.rows[WOKEN], e.rows[SET_C])
    drop_all(e.rows[SET_A], e.rows[SET_C])
    add_all(e.rows[TO_WAKE], e.rows[SET_A])


@inlined
def _make_room(v: Ledger, e: Sleepers, slot: int) -> None:
    """The first job has no place: call off the sleeps to come, and wake hosts when that is not enough."""
    job = int(e.w.job[slot])
    for host in range(v.head[0].n_hosts):
        if has(e.rows[TO_SEDATE], host):
            stay_awake(e, host)
    now = place(v, e.t, job)
    if is_reserved(e.t, job):
        _note_head(v, e, slot, now)
        _keep_others_down(v, e, job)
    else:
        _wake_for(v, e, slot)


@inlined
def _place_heads(v: Ledger, e: Sleepers) -> int:
    """Place the first job; while it starts at once, place the next one. Return the one that waits, or -1."""
    for slot in range(e.w.head[FIRST], e.w.head[TAIL]):
        if e.w.hosts[slot] == HOLE:
            continue
        job = int(e.w.job[slot])
        if place(v, e.t, job):
            begin_now(v, e, slot)
            continue
        if is_reserved(e.t, job):
            e.n[PRIORITY] = job + 1
        else:
            _make_room(v, e, slot)
        return job
    return -1


@inlined
def _backfill(v: Ledger, e: Sleepers, head_job: int) -> None:
    """Start every other job that fits beside the plan."""
    free = e.t.free[e.t.head[FIRST_SLICE]]
    for slot in range(e.w.head[FIRST], e.w.head[TAIL]):
        if free <= 0:
            return
        job = int(e.w.job[slot])
        hosts = e.w.hosts[slot]
        if hosts > free or job == head_job or is_reserved(e.t, job):
            continue
        if fits_now(e.t, hosts, e.w.estimate_s[slot]) and place(v, e.t, job):
            begin_now(v, e, slot)
            free -= hosts


@jitted
def plan_queue(v: Ledger, e: Sleepers) -> int:
    """Plan the switches that wait, then the queue; return the first job if it has to wait, else -1."""
    n_hosts = v.head[0].n_hosts
    clear(e.rows[PUT_DOWN])
    clear(e.rows[WOKEN])
    wake_in_plan(e, n_hosts, e.rows[TO_WAKE], e.rows[WOKEN])
    sedate_in_plan(e, n_hosts, e.rows[TO_SEDATE], e.rows[PUT_DOWN])
    waiting = first_job(e.w) >= 0
    head_job = _place_heads(v, e)
    drop_all(e.rows[TO_SEDATE], e.rows[PUT_DOWN])
    drop_all(e.rows[TO_WAKE], e.rows[WOKEN])
    if waiting:
        add_all(e.rows[DOWN_SINCE], e.rows[PUT_DOWN])
        add_all(e.rows[UP_SINCE], e.rows[WOKEN])
        _backfill(v, e, head_job)
    return head_job
