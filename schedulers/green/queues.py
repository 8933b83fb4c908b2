"""The queue of the energy-aware policies in its two orders, and how much work waits in it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattq.schedulers.green import slots as p
from wattq.schedulers.green import state as g
from wattq.schedulers.green.learned import learned_age_s
from wattq.schedulers.green.state import State
from wattq.schedulers.waitlist import SEEN, Waitlist, add, add_scored, drop, drop_job, drop_scored, refresh, tidy
from wattq.simulator.jit import inlined, jitted
from wattq.simulator.layout import Ledger

__all__ = ["enter", "leave", "leave_last", "sort_again", "two_orders"]


@inlined
def two_orders(par: NDArray[np.float64]) -> bool:
    """Return whether jobs are backfilled in another order than the queue's."""
    return bool(par[p.ORDER] != par[p.BACKFILL])


@inlined
def _aged_score(v: Ledger, par: NDArray[np.float64], st: State, job: int) -> float:
    """Return the sort key of the order `slots.AGED`, in s."""
    j = v.jobs[job]
    run_s = min(j.estimate_s, 1e9)
    key_s = j.seen_s + par[p.AGE_RUN] * run_s + par[p.AGE_AREA] * run_s * j.hosts / v.head[0].n_hosts
    return float(key_s + learned_age_s(v, par, st, job))


@inlined
def _work_s(v: Ledger, job: int) -> float:
    """Return the work of a job, in host-seconds; a job of unknown length counts as an hour."""
    run_s = v.jobs[job].estimate_s
    return float(v.jobs[job].hosts * (run_s if run_s < np.inf else 3600.0))


@jitted
def _add(v: Ledger, par: NDArray[np.float64], st: State, w: Waitlist, order: float, job: int) -> None:
    """Put a job into one list."""
    if order == p.AGED:
        add_scored(v, w, job, _aged_score(v, par, st, job))
    else:
        add(v, w, job, int(order), False)


@jitted
def enter(v: Ledger, par: NDArray[np.float64], st: State, job: int) -> None:
    """Put a job into the queue."""
    _add(v, par, st, st.queue, par[p.ORDER], job)
    if two_orders(par):
        _add(v, par, st, st.others, par[p.BACKFILL], job)
    st.f[g.LOAD_S] += _work_s(v, job)
    st.i[g.ENTERED] += 1
    st.i[g.LAST_IN] = job


@jitted
def _drop(v: Ledger, par: NDArray[np.float64], st: State, w: Waitlist, order: float, job: int, tie: int) -> None:
    """Take a job out of one list, where it is found by its key."""
    if order == p.AGED:
        drop_scored(w, _aged_score(v, par, st, job), tie)
    else:
        drop_job(v, w, job, int(order), tie)


@jitted
def leave(v: Ledger, par: NDArray[np.float64], st: State, slot: int, from_others: bool) -> None:
    """Take the job in a slot of one of the lists out of both."""
    w = st.others if from_others else st.queue
    job = w.job[slot]
    if two_orders(par):
        if from_others:
            _drop(v, par, st, st.queue, par[p.ORDER], job, w.tie[slot])
        else:
            _drop(v, par, st, st.others, par[p.BACKFILL], job, w.tie[slot])
    drop(w, slot)
    st.i[g.LEFT] = 1
    st.f[g.LOAD_S] -= _work_s(v, job)


@jitted
def leave_last(v: Ledger, par: NDArray[np.float64], st: State, job: int) -> None:
    """Take the job that entered last out of both lists."""
    _drop(v, par, st, st.queue, par[p.ORDER], job, st.queue.head[SEEN])
    if two_orders(par):
        _drop(v, par, st, st.others, par[p.BACKFILL], job, st.others.head[SEEN])
    st.f[g.LOAD_S] -= _work_s(v, job)


@jitted
def sort_again(v: Ledger, par: NDArray[np.float64], st: State) -> None:
    """Close holes, and sort by the scores of today where the order changes with the date."""
    tidy(st.queue)
    if par[p.ORDER] != p.AGED:
        refresh(v, st.queue, int(par[p.ORDER]))
    if two_orders(par):
        tidy(st.others)
        if par[p.BACKFILL] != p.AGED:
            refresh(v, st.others, int(par[p.BACKFILL]))
