"""EASY backfilling that saves energy: one round of decisions.

Sources of the parts: EASY and its reservation, `easy`; idle shutdown with a timeout at the break-even time, S. Irani,
S. Shukla and R. Gupta, Online strategies for dynamic power management, ACM TECS 2(3), 2003 (a timeout equal to the
break-even time costs at most twice the best possible); waking hosts ahead of a reservation, O. Mämmelä et al.,
Energy-aware job scheduler for high-performance computing, Comput. Sci. Res. Dev. 27, 2012; shifting of jobs within a
deadline by forecasts, P. Wiesner et al., Let's wait awhile, Middleware 2021.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattq.schedulers.green import slots as p
from wattq.schedulers.green import state as g
from wattq.schedulers.green.book import count_hosts, drop_broken_claims, look_at_hosts, start_claims
from wattq.schedulers.green.forecast import has_signal, issue_at, rank_of_now
from wattq.schedulers.green.hold import hold_back, longest_wait_s, plan_again, release_due
from wattq.schedulers.green.plan import ends_in_time, may_pass, reserve
from wattq.schedulers.green.power import has_cap, least_job_power_w, never_fits, next_change_s, unable_to_rest
from wattq.schedulers.green.queues import enter, leave, leave_last, sort_again, two_orders
from wattq.schedulers.green.retune import retune
from wattq.schedulers.green.sleep import sleep_idle, sleeps, wake_ahead
from wattq.schedulers.green.starting import (
    NO_POWER_NOW,
    NOT_NOW,
    begin,
    how_alone,
    how_now,
    least_power_w,
    measure_power,
)
from wattq.schedulers.green.state import State, green_memory, open_state
from wattq.schedulers.green.states import boot_s, what_is_missing
from wattq.schedulers.message import acceptable, ends_moved, hosts_changed, may_release, new_job
from wattq.schedulers.waitlist import FIRST, HOLE, TAIL, first_job
from wattq.simulator.faults import CAP_TOO_LOW, OUT_OF_SIGNAL
from wattq.simulator.jit import inlined, jitted
from wattq.simulator.layout import Ledger
from wattq.simulator.ledger import call_at, reject

__all__ = ["decide_green", "green_memory"]


@jitted
def _take_note(v: Ledger, par: NDArray[np.float64], st: State) -> None:
    """Bring the memory up to date with the message: hosts, claims, forecasts."""
    st.f[g.NEXT_S] = np.inf
    st.i[g.ENTERED] = 0
    st.i[g.LEFT] = 0
    if st.i[g.BEGUN] == 0:
        st.i[g.BEGUN] = 1
        st.f[g.CALL_S] = -np.inf
        st.f[g.BOOT_S] = boot_s(v)
        look_at_hosts(v, st)
        v.head[0].error = what_is_missing(v, sleeps(par), has_cap(par))
        if v.head[0].error == 0 and has_cap(par) and unable_to_rest(v, par):
            v.head[0].error = CAP_TOO_LOW
    elif hosts_changed(v):
        look_at_hosts(v, st)
        job = drop_broken_claims(v, st)
        while job >= 0:
            enter(v, par, st, job)
            job = drop_broken_claims(v, st)
    if has_signal(par):
        if issue_at(par, v.head[0].now_s) < 0:
            v.head[0].error = OUT_OF_SIGNAL
        plan_again(v, par, st)
    start_claims(v, st, par[p.SLOWDOWN])
    count_hosts(v, st)


@jitted
def _admit(v: Ledger, par: NDArray[np.float64], st: State) -> None:
    """Queue the jobs that were held back until now and the new ones that are not to be held back."""
    job = release_due(v, st)
    while job >= 0:
        enter(v, par, st, job)
        job = release_due(v, st)
    for e in range(v.head[0].n_events):
        job = new_job(v, e)
        if job < 0 or not acceptable(v, job, False):
            continue
        if has_cap(par) and never_fits(v, par, v.jobs[job].hosts):
            reject(v, job)
        elif not hold_back(v, par, st, job):
            enter(v, par, st, job)


@jitted
def _start_heads(v: Ledger, par: NDArray[np.float64], st: State) -> None:
    """Start jobs from the head of the queue while they fit."""
    w = st.queue
    while w.head[FIRST] < w.head[TAIL] and w.hosts[w.head[FIRST]] <= st.i[g.AVAILABLE]:
        job = w.job[w.head[FIRST]]
        how = how_now(v, par, st, job)
        if how == NO_POWER_NOW and v.head[0].n_running == 0:
            how = how_alone(v, par, st, job)
        if how <= NOT_NOW:
            return
        leave(v, par, st, w.head[FIRST], False)
        begin(v, par, st, job, how)


@jitted
def _backfill(v: Ledger, par: NDArray[np.float64], st: State, head_job: int) -> None:
    """Walk the candidates in their order and start those that do not delay the head of the queue."""
    others = two_orders(par)
    w = st.others if others else st.queue
    gated = par[p.GATE] > 0.0 and rank_of_now(par, issue_at(par, v.head[0].now_s), v.head[0].now_s) >= par[p.GATE]
    # What the cap has no power for now stays so in this round, and so do larger jobs.
    most_hosts = _most_powered(v, par, st)
    for slot in range(w.head[FIRST], w.head[TAIL]):
        hosts = w.hosts[slot]
        if hosts > st.i[g.AVAILABLE] or hosts > most_hosts or w.job[slot] == head_job:
            continue
        run_s = w.estimate_s[slot] + (st.f[g.BOOT_S] if hosts > st.i[g.AWAKE] else 0.0)
        if not ends_in_time(v, st, run_s) and hosts > st.i[g.EXTRA]:
            continue
        job = w.job[slot]
        if gated and v.head[0].now_s < v.jobs[job].submit_s + longest_wait_s(v, par, job):
            continue
        how = how_now(v, par, st, job)
        if how == NO_POWER_NOW:
            most_hosts = hosts - 1
        if how <= NOT_NOW or not may_pass(v, st, hosts, st.f[g.ADDED_W], run_s):
            continue
        leave(v, par, st, slot, others)
        begin(v, par, st, job, how)
        if st.i[g.AVAILABLE] == 0:
            return


@inlined
def _most_powered(v: Ledger, par: NDArray[np.float64], st: State) -> int:
    """Return how many hosts the cap has power for at most, by the least that a host adds when work comes to it."""
    if not has_cap(par):
        return HOLE - 1
    each_w = least_job_power_w(v, 1, par[p.CAP_SLOWDOWN])
    return int(min(max(st.f[g.ROOM_W], 0.0) / each_w, 1e9)) if each_w > 0.0 else HOLE - 1


@jitted
def _try_last(v: Ledger, par: NDArray[np.float64], st: State, head_job: int) -> None:
    """Start the one job that entered if it does not delay the head of the queue."""
    job = st.i[g.LAST_IN]
    hosts = v.jobs[job].hosts
    run_s = v.jobs[job].estimate_s + (st.f[g.BOOT_S] if hosts > st.i[g.AWAKE] else 0.0)
    if job == head_job or hosts > st.i[g.AVAILABLE] or not may_pass(v, st, hosts, 0.0, run_s):
        return
    leave_last(v, par, st, job)
    begin(v, par, st, job, how_now(v, par, st, job))


@inlined
def _is_settled(v: Ledger, par: NDArray[np.float64], st: State, head_job: int) -> bool:
    """Return whether all candidates but those that entered now were refused under a reservation that still holds.

    As in `easy`: while the head stays, nothing started and no host came back, time only makes it harder to end by the
    shadow time. A cap or a gate that opens may change that.
    """
    return bool(
        st.i[g.HEAD] == head_job + 1
        and st.i[g.ENTERED] <= 1
        and st.i[g.LEFT] == 0
        and v.head[0].n_decisions == 0
        and st.i[g.AVAILABLE] <= st.i[g.WERE]
        and v.head[0].now_s <= st.f[g.LAST_SHADOW_S] < np.inf
        and not may_release(v)
        and not hosts_changed(v)
        and not ends_moved(v)
        and not has_cap(par)
        and par[p.GATE] <= 0.0
    )


@jitted
def _schedule(v: Ledger, par: NDArray[np.float64], st: State) -> None:
    """Start what may start."""
    st.f[g.SHADOW_S] = np.inf
    st.i[g.NEEDED] = 0
    sort_again(v, par, st)
    _start_heads(v, par, st)
    head_job = first_job(st.queue)
    if head_job < 0:
        st.i[g.HEAD] = 0
        st.f[g.LOAD_S] = 0.0
        return
    need = v.jobs[head_job].hosts
    settled = _is_settled(v, par, st, head_job)
    reserve(v, st, need, least_power_w(v, par, st, head_job))
    st.f[g.LAST_SHADOW_S] = st.f[g.SHADOW_S]
    if st.i[g.AVAILABLE] > 0 and not settled:
        _backfill(v, par, st, head_job)
    elif settled and st.i[g.ENTERED] == 1:
        _try_last(v, par, st, head_job)
    st.i[g.HEAD] = head_job + 1
    st.i[g.WERE] = st.i[g.AVAILABLE]


@inlined
def _ask_to_be_called(v: Ledger, par: NDArray[np.float64], st: State) -> None:
    """Ask for a call at the next date at which something is to be done, unless one comes no later."""
    head = v.head[0]
    if head.no_more_jobs and head.n_waiting == 0 and head.n_running == 0:
        return
    next_s = st.f[g.NEXT_S]
    if st.i[g.N_HELD] > 0:
        next_s = min(next_s, st.release_s[st.held[0]])
    if has_cap(par):
        next_s = min(next_s, next_change_s(par, head.now_s))
    if par[p.GATE] > 0.0 and head.n_waiting > 0:
        step_s = par[p.LEAD_STEP_S]
        steps = np.floor((head.now_s - par[p.ISSUE_S]) / step_s + 1e-6) + 1.0
        next_s = min(next_s, par[p.ISSUE_S] + steps * step_s)
    if next_s == np.inf:
        return
    next_s = max(np.ceil(next_s * 1e3) / 1e3, head.now_s + 1e-3)
    if st.f[g.CALL_S] <= head.now_s or next_s < st.f[g.CALL_S]:
        st.f[g.CALL_S] = next_s
        call_at(v, next_s)


@jitted
def decide_green(
    v: Ledger, par: NDArray[np.float64], mi: NDArray[np.int64], mf: NDArray[np.float64], mw: NDArray[np.uint64]
) -> None:
    """Take one round of decisions; see the package."""
    st = open_state(mi, mf, mw)
    _take_note(v, par, st)
    if v.head[0].error != 0:
        return
    retune(v, par, st)
    _admit(v, par, st)
    measure_power(v, par, st)
    _schedule(v, par, st)
    if sleeps(par):
        wake_ahead(v, par, st)
        sleep_idle(v, par, st)
    _ask_to_be_called(v, par, st)
