"""Jobs that wait for cleaner or cheaper hours: until when, and never longer than their class allows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattq.schedulers.green import slots as p
from wattq.schedulers.green import state as g
from wattq.schedulers.green.forecast import expected, has_signal, issue_at
from wattq.schedulers.green.learned import learned_wait_share
from wattq.schedulers.green.state import State
from wattq.simulator.jit import inlined, jitted
from wattq.simulator.layout import Ledger

__all__ = ["hold_back", "longest_wait_s", "plan_again", "release_due"]


@inlined
def longest_wait_s(v: Ledger, par: NDArray[np.float64], job: int) -> float:
    """Return the longest extra wait of a job, by the class of its queue, 0 for one that is not to wait."""
    j = v.jobs[job]
    if j.estimate_s == np.inf or j.hosts * j.estimate_s < par[p.MIN_AREA_S]:
        return 0.0
    at = int(par[p.CLASS_AT])
    for k in range(int(par[p.N_CLASS])):
        if par[at + 2 * k] == j.queue:
            return float(par[at + 2 * k + 1])
    return float(par[p.MAX_WAIT_S])


@jitted
def _best_start_s(v: Ledger, par: NDArray[np.float64], job: int, issue: int, latest_s: float) -> float:
    """Return the date from now to the latest one at which the job is expected to run best."""
    now_s = v.head[0].now_s
    run_s = max(v.jobs[job].estimate_s * par[p.RUN_SHARE], 1.0)
    at_once = expected(par, issue, now_s, now_s + run_s)
    best_s = now_s
    least = at_once - par[p.MIN_GAIN] * abs(at_once)
    # Forecasts change at steps of their own; nothing is won by looking between them.
    origin_s = par[p.ISSUE_S]
    k = np.floor((now_s - origin_s) / par[p.LEAD_STEP_S]) + 1.0
    while origin_s + k * par[p.LEAD_STEP_S] <= latest_s:
        start_s = origin_s + k * par[p.LEAD_STEP_S]
        value = expected(par, issue, start_s, start_s + run_s)
        if value < least:
            least = value
            best_s = start_s
        k += 1.0
    return float(best_s)


@jitted
def _allowed_wait_s(v: Ledger, par: NDArray[np.float64], st: State, job: int) -> float:
    """Return the longest extra wait of a job, as far as a network allows it."""
    longest_s = longest_wait_s(v, par, job)
    return longest_s * learned_wait_share(v, par, st, job) if longest_s > 0.0 else 0.0


@jitted
def hold_back(v: Ledger, par: NDArray[np.float64], st: State, job: int) -> bool:
    """Hold a new job back when a better time to run is expected within its longest wait; return whether it is held."""
    if not has_signal(par):
        return False
    wait_s = _allowed_wait_s(v, par, st, job)
    issue = issue_at(par, v.head[0].now_s)
    if wait_s <= 0.0 or issue < 0:
        return False
    latest_s = v.jobs[job].submit_s + wait_s
    start_s = _best_start_s(v, par, job, issue, latest_s)
    if start_s <= v.head[0].now_s:
        return False
    st.release_s[job] = start_s
    _insert(st, job)
    return True


@jitted
def _insert(st: State, job: int) -> None:
    """Put a job among those held back, sorted by the date of release."""
    k = st.i[g.N_HELD]
    while k > 0 and st.release_s[st.held[k - 1]] > st.release_s[job]:
        st.held[k] = st.held[k - 1]
        k -= 1
    st.held[k] = job
    st.i[g.N_HELD] += 1


@jitted
def plan_again(v: Ledger, par: NDArray[np.float64], st: State) -> None:
    """Choose the dates of release anew when a new forecast has come."""
    issue = issue_at(par, v.head[0].now_s)
    if issue < 0 or st.i[g.ISSUE] == issue + 1:
        return
    st.i[g.ISSUE] = issue + 1
    n = st.i[g.N_HELD]
    st.i[g.N_HELD] = 0
    for k in range(n):
        job = st.held[k]
        latest_s = v.jobs[job].submit_s + _allowed_wait_s(v, par, st, job)
        st.release_s[job] = min(_best_start_s(v, par, job, issue, latest_s), max(latest_s, v.head[0].now_s))
        _insert(st, job)


@jitted
def release_due(v: Ledger, st: State) -> int:
    """Take the first job held back whose date has come off the list and return it, -1 when there is none."""
    if st.i[g.N_HELD] == 0:
        return -1
    job = st.held[0]
    if st.release_s[job] > v.head[0].now_s + 1e-6:
        return -1
    st.i[g.N_HELD] -= 1
    for k in range(st.i[g.N_HELD]):
        st.held[k] = st.held[k + 1]
    return int(job)
