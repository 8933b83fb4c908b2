"""Idle hosts go to sleep, and are woken in time for the head of the queue."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattq.schedulers.green import slots as p
from wattq.schedulers.green import state as g
from wattq.schedulers.green.book import count_hosts, wake_hosts
from wattq.schedulers.green.power import LEAD_S, has_cap, sleeping_gain_w, switching_room_w, waking_gain_w
from wattq.schedulers.green.starting import preferred
from wattq.schedulers.green.state import State
from wattq.schedulers.green.states import break_even_s, sleep_state
from wattq.schedulers.host_sets import clear, has, put, take_highest
from wattq.simulator.jit import inlined, jitted
from wattq.simulator.layout import Ledger
from wattq.simulator.ledger import set_power_state

__all__ = ["sleep_idle", "sleeps", "wake_ahead"]


@inlined
def sleeps(par: NDArray[np.float64]) -> bool:
    """Return whether idle hosts go to sleep at all."""
    return bool(par[p.TIMEOUT_S] < np.inf)


@inlined
def _timeout_s(v: Ledger, par: NDArray[np.float64], cls: int) -> float:
    """Return after how long an idle host of a class goes to sleep, in s."""
    return float(par[p.TIMEOUT_S] if par[p.TIMEOUT_S] >= 0.0 else break_even_s(v, cls))


@inlined
def _kept_awake(v: Ledger, par: NDArray[np.float64], st: State) -> int:
    """Return how many free hosts stay awake: the spare ones, and those that the head of the queue needs before long."""
    spare = int(np.ceil(par[p.SPARE] * v.head[0].n_hosts - 1e-9))
    if st.f[g.SHADOW_S] < v.head[0].now_s + st.f[g.BOOT_S] + break_even_s(v, 0):
        return max(spare, st.i[g.NEEDED])
    return spare


@jitted
def _room_w(v: Ledger, par: NDArray[np.float64], st: State) -> float:
    """Return the power that hosts may add by being switched now, in W; empties the row CHOSEN."""
    clear(st.rows[g.CHOSEN])
    # Switching off takes less time than waking on any machine known; twice the latter is on the safe side.
    return switching_room_w(v, par, st, v.head[0].now_s + 2.0 * st.f[g.BOOT_S] + LEAD_S)


@jitted
def wake_ahead(v: Ledger, par: NDArray[np.float64], st: State) -> None:
    """Wake hosts so that they are up at the shadow time of the queue's head, and spare hosts at once."""
    spare = int(np.ceil(par[p.SPARE] * v.head[0].n_hosts - 1e-9))
    missing = spare - (st.i[g.AVAILABLE] - st.i[g.ASLEEP])
    if st.f[g.SHADOW_S] < np.inf:
        wake_s = st.f[g.SHADOW_S] - st.f[g.BOOT_S]
        if v.head[0].now_s + 1e-6 >= wake_s:
            missing = max(missing, st.i[g.NEEDED] - (st.i[g.AVAILABLE] - st.i[g.ASLEEP]))
        elif st.i[g.ASLEEP] > 0 and st.i[g.NEEDED] > 0:
            st.f[g.NEXT_S] = min(st.f[g.NEXT_S], wake_s)
    missing = min(missing, st.i[g.ASLEEP])
    if has_cap(par) and missing > 0:
        each_w = waking_gain_w(v)
        room_w = _room_w(v, par, st)
        missing = min(missing, int(max(room_w, 0.0) / each_w) if each_w > 0.0 else missing)
        st.f[g.ROOM_W] -= missing * each_w
    if missing > 0:
        wake_hosts(v, st, missing, preferred(par, st), par[p.SLOWDOWN])


@jitted
def sleep_idle(v: Ledger, par: NDArray[np.float64], st: State) -> None:
    """Put hosts that were idle for long enough to sleep, the highest numbers first; note when to look again."""
    may_go = st.i[g.AWAKE] - _kept_awake(v, par, st)
    if may_go <= 0:
        return
    room_w = _room_w(v, par, st) if has_cap(par) else np.inf
    now_s = v.head[0].now_s
    idle = st.rows[g.CHOSEN]
    for cls in range(v.pstates.shape[0]):
        k = sleep_state(v, cls)
        if k < 0:
            continue
        timeout_s = _timeout_s(v, par, cls)
        clear(idle)
        for host in range(v.head[0].n_hosts):
            h = v.hosts[host]
            if h.cls != cls or not has(v.free, host) or has(st.rows[g.CLAIMED], host):
                continue
            if h.idle_since_s + timeout_s <= now_s + 1e-6:
                put(idle, host)
            else:
                st.f[g.NEXT_S] = min(st.f[g.NEXT_S], h.idle_since_s + timeout_s)
        may_go -= _put_to_sleep(v, st, may_go, k, room_w)


@jitted
def _put_to_sleep(v: Ledger, st: State, most: int, k: int, room_w: float) -> int:
    """Put the highest hosts of the row CHOSEN to sleep, as many as may go and as the cap allows; return how many."""
    if room_w < np.inf:
        gain_w = 0.0
        for host in range(v.head[0].n_hosts):
            if has(st.rows[g.CHOSEN], host):
                gain_w = max(gain_w, sleeping_gain_w(v, host))
        if gain_w > 0.0:
            most = min(most, int(max(room_w, 0.0) / gain_w))
    if most <= 0:
        return 0
    clear(st.rows[g.SOME])
    n = take_highest(st.rows[g.CHOSEN], most, st.rows[g.SOME])
    if n > 0:
        set_power_state(v, st.rows[g.SOME], k)
        count_hosts(v, st)
    return n
