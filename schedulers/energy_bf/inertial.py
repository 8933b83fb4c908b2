"""The monitoring stage of the inertial shutdown: hosts are woken or put to sleep in growing steps, as the load moves.

The load is measured by the liquid load horizon (`horizon`), integrated over each monitoring period. While it grows,
more and more hosts are woken; while it falls, more and more are put to sleep; a turn costs one stage without a step.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattq.schedulers.energy_bf.act import awake_soon, begin_now, carry_out, forgo, sedate_in_plan, wake_in_plan
from wattq.schedulers.energy_bf.head import choose_to_wake
from wattq.schedulers.energy_bf.horizon import load_horizon_s
from wattq.schedulers.energy_bf.idle import look_at_idle, nothing_rises, place_again, sedate_idle
from wattq.schedulers.energy_bf.layout import (
    AREA,
    AREA_BEFORE,
    ASLEEP,
    AWAKE,
    BY_IDLENESS,
    BY_RULE,
    CEILING_S,
    DOWN_SINCE,
    FACTOR,
    FUTURE,
    IDLE_S,
    LOAD_AT_S,
    LOAD_S,
    MODE,
    PERIOD_S,
    PRIORITY,
    PUT_DOWN,
    SET_A,
    SET_B,
    SET_C,
    SET_D,
    STAGES,
    SUMMAND,
    TO_SEDATE,
    TO_WAKE,
    UP_SINCE,
    WOKEN,
    Sleepers,
)
from wattq.schedulers.energy_bf.subpart import call_off_sleeps, choose_to_sedate, free_throughout
from wattq.schedulers.host_sets import add_all, clear, copy, drop, drop_all, has, keep_all, size
from wattq.schedulers.reservations import is_reserved, place
from wattq.schedulers.timetable import FIRST as FIRST_SLICE
from wattq.schedulers.waitlist import FIRST, first_job
from wattq.simulator.jit import inlined, jitted
from wattq.simulator.layout import Ledger

__all__ = ["inertial_stage", "measure_load", "note_load"]

_WAKING, _SEDATING = 0, 1


@jitted
def note_load(e: Sleepers, now_s: float) -> None:
    """Measure the load horizon, once decisions were taken."""
    e.x[LOAD_S] = load_horizon_s(e, now_s)
    e.x[LOAD_AT_S] = now_s


@jitted
def measure_load(e: Sleepers, now_s: float) -> None:
    """Measure the load horizon on the plan of the round before, and add the area since then to the integral."""
    before_s = e.x[LOAD_S]
    at_s = e.x[LOAD_AT_S]
    note_load(e, now_s)
    e.x[AREA] += (before_s + e.x[LOAD_S]) / 2 * (now_s - at_s)


@inlined
def _step(e: Sleepers, par: NDArray[np.float64], row: int, most: int) -> int:
    """Return how many hosts to switch: the number of the last period, altered, 1 or more, as far as there are some."""
    altered = int(size(e.rows[row]) * par[FACTOR] + par[SUMMAND])
    return min(max(altered, 1), most)


@inlined
def _wake_more(v: Ledger, e: Sleepers, par: NDArray[np.float64], now_s: float) -> None:
    """Wake more hosts than in the last period."""
    copy(e.rows[SET_A], e.rows[ASLEEP])
    drop_all(e.rows[SET_A], e.rows[TO_WAKE])
    n_hosts = v.head[0].n_hosts
    if par[FUTURE] == 0:
        for host in range(n_hosts):
            if has(e.rows[SET_A], host) and e.up_s[host] > now_s:
                drop(e.rows[SET_A], host)
    n = _step(e, par, UP_SINCE, size(e.rows[SET_A]))
    if n > 0:
        choose_to_wake(e, n_hosts, n, SET_A, SET_B)
        add_all(e.rows[TO_WAKE], e.rows[SET_B])
        forgo(e, size(e.rows[SET_B]))


@inlined
def _sedate_more(v: Ledger, e: Sleepers, par: NDArray[np.float64], needed: int, reserved: int) -> None:
    """Put more hosts to sleep than in the last period; those asleep for being idle count among them."""
    copy(e.rows[SET_A], e.rows[AWAKE])
    drop_all(e.rows[SET_A], e.rows[TO_SEDATE])
    if par[FUTURE] == 0:
        keep_all(e.rows[SET_A], e.t.words[e.t.head[FIRST_SLICE]])
    n = _step(e, par, DOWN_SINCE, max(size(e.rows[SET_A]) - reserved, 0))
    if n <= 0:
        return
    stolen = min(int(e.n[BY_IDLENESS]), n)
    clear(e.rows[SET_B])
    if n > stolen:
        choose_to_sedate(e, n, SET_A, SET_C, needed, SET_B)
    e.n[BY_RULE] += size(e.rows[SET_B]) + stolen
    e.n[BY_IDLENESS] -= stolen
    add_all(e.rows[TO_SEDATE], e.rows[SET_B])


@inlined
def _follow_load(v: Ledger, e: Sleepers, par: NDArray[np.float64], now_s: float, needed: int, reserved: int) -> None:
    """Take a step in the direction of the last stage, or turn."""
    area = e.x[AREA]
    if area / par[PERIOD_S] >= par[CEILING_S]:
        e.n[MODE] = _WAKING
        e.x[AREA_BEFORE] = 0.0
    if e.n[MODE] == _WAKING:
        if area > e.x[AREA_BEFORE]:
            _wake_more(v, e, par, now_s)
        else:
            e.n[MODE] = _SEDATING
    elif area <= e.x[AREA_BEFORE]:
        _sedate_more(v, e, par, needed, reserved)
    else:
        e.n[MODE] = _WAKING


@inlined
def _switch_in_plan(v: Ledger, e: Sleepers) -> None:
    """Let the switches that wait enter the plan."""
    n_hosts = v.head[0].n_hosts
    clear(e.rows[PUT_DOWN])
    clear(e.rows[WOKEN])
    wake_in_plan(e, n_hosts, e.rows[TO_WAKE], e.rows[WOKEN])
    sedate_in_plan(e, n_hosts, e.rows[TO_SEDATE], e.rows[PUT_DOWN])
    drop_all(e.rows[TO_SEDATE], e.rows[PUT_DOWN])
    drop_all(e.rows[TO_WAKE], e.rows[WOKEN])
    copy(e.rows[DOWN_SINCE], e.rows[PUT_DOWN])
    copy(e.rows[UP_SINCE], e.rows[WOKEN])


@inlined
def _place_head(v: Ledger, e: Sleepers, job: int) -> None:
    """Put the first job into the plan, where it has a place."""
    if job < 0 or is_reserved(e.t, job):
        return
    now = place(v, e.t, job)
    if is_reserved(e.t, job):
        e.n[PRIORITY] = job + 1
        if now:
            begin_now(v, e, int(e.w.head[FIRST]))


@jitted
def inertial_stage(v: Ledger, e: Sleepers, par: NDArray[np.float64], now_s: float) -> None:
    """Take the decisions of a monitoring stage, on a plan without the queue."""
    n_hosts = v.head[0].n_hosts
    call_off_sleeps(e)
    job = first_job(e.w)
    needed = 0
    placed = True
    clear(e.rows[SET_C])
    clear(e.rows[SET_D])
    if job >= 0:
        needed = int(v.jobs[job].hosts)
        placed = place_again(v, e, job, SET_D, True)
        if placed:
            free_throughout(e, SET_C, e.t.from_s[job], e.t.to_s[job])
    if e.n[STAGES] > 0 and placed:
        _follow_load(v, e, par, now_s, needed, size(e.rows[SET_D]))
    e.n[STAGES] += 1
    if placed:
        _place_head(v, e, job)
    e.x[AREA_BEFORE] = e.x[AREA]
    e.x[AREA] = 0.0
    _switch_in_plan(v, e)
    carry_out(v, e, now_s)
    if not placed:
        _place_head(v, e, job)
    look_at_idle(e, n_hosts, now_s)
    if nothing_rises(e):
        sedate_idle(v, e, now_s, par[IDLE_S], awake_soon(e, e.rows[SET_B]), needed)
    note_load(e, now_s)
