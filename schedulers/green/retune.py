"""Power states of jobs that run already: slower before the cap falls, faster when much work waits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattq.schedulers.green import slots as p
from wattq.schedulers.green import state as g
from wattq.schedulers.green.power import LEAD_S, cap_from, has_cap, lower_running, power_w, state_now
from wattq.schedulers.green.starting import preferred
from wattq.schedulers.green.state import State
from wattq.schedulers.green.states import state_of
from wattq.schedulers.host_sets import clear, put
from wattq.simulator import layout as c
from wattq.simulator.jit import inlined, jitted
from wattq.simulator.layout import Ledger
from wattq.simulator.ledger import set_power_state

__all__ = ["retune"]


@jitted
def _all_to(v: Ledger, st: State, how: int, bound: float) -> None:
    """Bring every running host into a power state."""
    for cls in range(v.pstates.shape[0]):
        for k in range(v.pstates[cls, 0].n):
            clear(st.rows[g.SOME])
            n = 0
            for host in range(v.head[0].n_hosts):
                h = v.hosts[host]
                if h.cls != cls or h.job < 0 or h.state != c.COMPUTING or state_now(v, host) == k:
                    continue
                if state_of(v, cls, how, bound, v.jobs[h.job].beta) == k:
                    put(st.rows[g.SOME], host)
                    n += 1
            if n > 0:
                set_power_state(v, st.rows[g.SOME], k)


@jitted
def _raise_running(v: Ledger, par: NDArray[np.float64], st: State, cap_w: float) -> None:
    """Bring running jobs back into the preferred state, by expected end, as far as the cap allows."""
    room_w = cap_w - power_w(v, st, par[p.SLOWDOWN])
    how = preferred(par, st)
    for r in range(v.head[0].n_running):
        j = v.jobs[v.running[r]]
        clear(st.rows[g.SOME])
        added = 0.0
        state = 0
        for k in range(j.iv, j.iv + j.n_iv):
            for host in range(v.iv[k, 0], v.iv[k, 1] + 1):
                cls = v.hosts[host].cls
                state = state_of(v, cls, how, par[p.SLOWDOWN], j.beta)
                if state_now(v, host) != state:
                    put(st.rows[g.SOME], host)
                    added += v.pstates[cls, state].full_w - v.pstates[cls, state_now(v, host)].full_w
        if 0.0 < added <= room_w:
            room_w -= added
            set_power_state(v, st.rows[g.SOME], state)


@jitted
def retune(v: Ledger, par: NDArray[np.float64], st: State) -> None:
    """Change the power states of running jobs where the cap or the queue asks for it."""
    if has_cap(par):
        now_s = v.head[0].now_s
        cap_w = cap_from(par, now_s, now_s + LEAD_S)
        if cap_w < st.f[g.LAST_CAP_W]:
            lower_running(v, par, st, cap_w)
        elif cap_w > st.f[g.LAST_CAP_W]:
            _raise_running(v, par, st, cap_w)
        st.f[g.LAST_CAP_W] = cap_w
        return
    if par[p.SLOWDOWN] > 0.0:
        fast = 1 if _is_busy(v, par, st) else 0
        if fast != st.i[g.FAST]:
            st.i[g.FAST] = fast
            if par[p.BOOST_RUNNING] != 0.0:
                _all_to(v, st, preferred(par, st), par[p.SLOWDOWN])


@inlined
def _is_busy(v: Ledger, par: NDArray[np.float64], st: State) -> bool:
    """Return whether jobs are to run at full speed: much work waits, or few hosts are left for the next job.

    Both thresholds are easier to keep than to reach, so that the power states do not change at every message.
    """
    was = st.i[g.FAST] != 0
    waiting_s = st.f[g.LOAD_S] / v.head[0].n_hosts
    few = par[p.HEADROOM] * (1.1 if was else 1.0) * v.head[0].n_hosts
    return waiting_s > par[p.BOOST_S] * (0.5 if was else 1.0) or st.i[g.AVAILABLE] < few
