"""Whether a job may start now, in which power state, and what it adds to the power of the machine."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattq.schedulers.green import slots as p
from wattq.schedulers.green import state as g
from wattq.schedulers.green.book import begin_job, choose_hosts
from wattq.schedulers.green.learned import is_learned, learned_speed
from wattq.schedulers.green.power import (
    LEAD_S,
    cap_from,
    has_cap,
    job_power_w,
    least_job_power_w,
    low_power_w,
    power_w,
    rest_others,
)
from wattq.schedulers.green.state import State
from wattq.schedulers.green.states import FRUGAL, FRUGAL_ASLEEP, FULL, slowest_state, state_below, state_of
from wattq.simulator.jit import inlined, jitted
from wattq.simulator.layout import Ledger

__all__ = ["begin", "how_alone", "how_now", "least_power_w", "measure_power", "preferred"]

# No power state of a job keeps the machine under the cap of later, or under that of now.
NOT_NOW, NO_POWER_NOW = -8, -9


@inlined
def preferred(par: NDArray[np.float64], st: State) -> int:
    """Return how the power state of a job is chosen while power is not short."""
    if par[p.SLOWDOWN] <= 0.0 or st.i[g.FAST] != 0:
        return FULL
    return FRUGAL_ASLEEP if par[p.TIMEOUT_S] < np.inf else FRUGAL


@jitted
def measure_power(v: Ledger, par: NDArray[np.float64], st: State) -> None:
    """Note the power drawn or promised, and what the cap leaves."""
    st.f[g.ROOM_W] = np.inf
    if has_cap(par):
        now_s = v.head[0].now_s
        st.f[g.ROOM_W] = cap_from(par, now_s, now_s + LEAD_S) - power_w(v, st, par[p.SLOWDOWN])


@jitted
def _keeps_later_caps(v: Ledger, par: NDArray[np.float64], st: State, job: int) -> bool:
    """Return whether the machine can be brought under each lower cap that the job in the row CHOSEN may live to see."""
    now_s = v.head[0].now_s
    j = v.jobs[job]
    last_s = now_s + st.f[g.BOOT_S] + j.walltime_s if j.walltime_s >= 0.0 else np.inf
    at = int(par[p.CAP_AT])
    for k in range(int(par[p.N_CAP])):
        date_s = par[at + 2 * k]
        if now_s < date_s <= last_s and low_power_w(v, par, st, date_s) > par[at + 2 * k + 1]:
            return False
    return True


@jitted
def how_now(v: Ledger, par: NDArray[np.float64], st: State, job: int) -> int:
    """Return how the power state of a job with enough hosts is chosen; at most `NOT_NOW` when a cap forbids it.

    With a cap, the preferred state is tried first, then those of less power, the fastest first. The power that the job
    adds is left in the memory.
    """
    how = learned_speed(v, par, st, job) if is_learned(par) else preferred(par, st)
    st.f[g.ADDED_W] = 0.0
    if not has_cap(par):
        return how
    choose_hosts(v, st, v.jobs[job].hosts)
    if not _keeps_later_caps(v, par, st, job):
        return NOT_NOW
    for _ in range(64):
        st.f[g.ADDED_W] = job_power_w(v, st, how, par[p.SLOWDOWN], v.jobs[job].beta)
        if st.f[g.ADDED_W] <= st.f[g.ROOM_W] + 1e-9:
            return how
        state = state_of(v, 0, how, par[p.SLOWDOWN], v.jobs[job].beta)
        how = state_below(v, 0, v.pstates[0, state].full_w, par[p.CAP_SLOWDOWN])
        if how < 0:
            break
    return NO_POWER_NOW


@jitted
def how_alone(v: Ledger, par: NDArray[np.float64], st: State, job: int) -> int:
    """As `how_now` for a job that lacks power although no other runs: the hosts that it does not get draw less.

    `never_fits` let the job in because it fits beside them.
    """
    choose_hosts(v, st, v.jobs[job].hosts)
    if not rest_others(v, st):
        return NO_POWER_NOW
    measure_power(v, par, st)
    return int(how_now(v, par, st, job))


@jitted
def begin(v: Ledger, par: NDArray[np.float64], st: State, job: int, how: int) -> None:
    """Start or claim for a job that left the queue."""
    begin_job(v, st, job, how, par[p.SLOWDOWN])
    st.f[g.ROOM_W] -= st.f[g.ADDED_W]


@jitted
def least_power_w(v: Ledger, par: NDArray[np.float64], st: State, job: int) -> float:
    """Return the least power that a job adds, in W: on the hosts that it would get now, else on idle ones."""
    if not has_cap(par):
        return 0.0
    if v.jobs[job].hosts > st.i[g.AVAILABLE]:
        return least_job_power_w(v, v.jobs[job].hosts, par[p.CAP_SLOWDOWN])
    choose_hosts(v, st, v.jobs[job].hosts)
    return job_power_w(v, st, slowest_state(v, 0, par[p.CAP_SLOWDOWN]), par[p.SLOWDOWN], v.jobs[job].beta)
