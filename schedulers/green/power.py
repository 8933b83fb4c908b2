"""The power of the machine as decided so far, and what the cap leaves.

Every host counts with the power of its state: loaded when a job runs on it or claims it, at the peak of the virtual
state while it is switched. So the sum bounds the real power until the next message from above, and a decision that
keeps it under the cap keeps every sample under the cap.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattq.schedulers.green import slots as p
from wattq.schedulers.green import state as g
from wattq.schedulers.green.state import State
from wattq.schedulers.green.states import sleep_state, slowest_power_w, slowest_state, state_below, state_of
from wattq.schedulers.host_sets import clear, has, put
from wattq.simulator import layout as c
from wattq.simulator.jit import inlined, jitted
from wattq.simulator.layout import Ledger
from wattq.simulator.ledger import set_power_state

__all__ = [
    "LEAD_S",
    "cap_from",
    "give_back_w",
    "has_cap",
    "job_power_w",
    "least_job_power_w",
    "low_power_w",
    "lower_running",
    "never_fits",
    "next_change_s",
    "power_w",
    "rest_others",
    "sleeping_gain_w",
    "state_now",
    "switching_room_w",
    "unable_to_rest",
    "waking_gain_w",
]

LEAD_S = 1.0
"""How long before a lower cap begins its power is kept to, in s."""


@inlined
def has_cap(par: NDArray[np.float64]) -> bool:
    """Return whether there is a cap."""
    return bool(par[p.N_CAP] > 0)


@jitted
def cap_from(par: NDArray[np.float64], now_s: float, until_s: float) -> float:
    """Return the lowest cap between two dates, in W; infinite before the first date of the schedule."""
    at = int(par[p.CAP_AT])
    n = int(par[p.N_CAP])
    lowest = np.inf
    for k in range(n):
        begin = par[at + 2 * k]
        end = par[at + 2 * k + 2] if k + 1 < n else np.inf
        if begin <= until_s and end > now_s:
            lowest = min(lowest, par[at + 2 * k + 1])
    return lowest


@jitted
def next_change_s(par: NDArray[np.float64], now_s: float) -> float:
    """Return the next date at which hosts must be ready for another cap, infinite when there is none."""
    at = int(par[p.CAP_AT])
    for k in range(int(par[p.N_CAP])):
        ready_s = par[at + 2 * k] - LEAD_S
        if ready_s > now_s + 1e-6:
            return float(ready_s)
        if par[at + 2 * k] > now_s + 1e-6:
            return float(par[at + 2 * k])
    return np.inf


@inlined
def state_now(v: Ledger, host: int) -> int:
    """Return the power state of a host as decided: a change between computing states takes no time."""
    h = v.hosts[host]
    if h.target >= 0 and h.state != c.SWITCHING_OFF and h.state != c.SWITCHING_ON:
        return int(h.target)
    return int(h.pstate)


@inlined
def _switching_w(v: Ledger, host: int) -> float:
    """Return the peak power of a host that is being switched off or on, in W."""
    h = v.hosts[host]
    off = h.state == c.SWITCHING_OFF
    p = v.pstates[h.cls, h.target if off else h.pstate]
    virtual = p.off if off else p.on
    watts = max(v.pstates[h.cls, h.pstate].idle_w, v.pstates[h.cls, h.target].idle_w)
    if virtual >= 0:
        watts = max(watts, v.pstates[h.cls, virtual].full_w)
    return watts


@inlined
def _now_w(v: Ledger, host: int) -> float:
    """Return the most power that a host may draw until the next message, claims apart, in W."""
    h = v.hosts[host]
    if h.state == c.SWITCHING_OFF or h.state == c.SWITCHING_ON:
        return _switching_w(v, host)
    state = v.pstates[h.cls, state_now(v, host)]
    return state.full_w if h.job >= 0 else state.idle_w


@jitted
def power_w(v: Ledger, st: State, bound: float) -> float:
    """Return the power that the machine may draw with what was decided and claimed so far, in W."""
    total = 0.0
    for host in range(v.head[0].n_hosts):
        total += _now_w(v, host)
    for claim in range(st.i[g.N_CLAIMS]):
        row = st.rows[g.CLAIM_ROWS + claim]
        for host in range(v.head[0].n_hosts):
            if has(row, host):
                cls = v.hosts[host].cls
                beta = v.jobs[st.claim_job[claim]].beta
                full = v.pstates[cls, state_of(v, cls, st.claim_how[claim], bound, beta)].full_w
                total += max(full - _now_w(v, host), 0.0)
    return total


@jitted
def job_power_w(v: Ledger, st: State, how: int, bound: float, beta: float) -> float:
    """Return the power that a job on the hosts of the row CHOSEN adds, in W: awake and loaded, or while they wake."""
    added = 0.0
    for host in range(v.head[0].n_hosts):
        if not has(st.rows[g.CHOSEN], host):
            continue
        h = v.hosts[host]
        watts = v.pstates[h.cls, state_of(v, h.cls, how, bound, beta)].full_w
        if h.state == c.SLEEPING and v.pstates[h.cls, h.pstate].on >= 0:
            watts = max(watts, v.pstates[h.cls, v.pstates[h.cls, h.pstate].on].full_w)
        added += max(watts - _now_w(v, host), 0.0)
    return added


@inlined
def ends_s(v: Ledger, job: int) -> float:
    """Return the date by which a running job has ended whatever happens: its walltime, infinite without one."""
    j = v.jobs[job]
    return j.start_s + j.walltime_s if j.walltime_s >= 0.0 else np.inf


@jitted
def low_power_w(v: Ledger, par: NDArray[np.float64], st: State, date_s: float) -> float:
    """Return the power to which the machine can be brought at a later date, in W.

    Jobs that may still run then, claims and the hosts of the row CHOSEN are taken in the slowest state of their hosts,
    other hosts as idle in their dearest state, and all that may be switched then at the peak of the switch. Hosts that
    are asleep count as idle: they may be woken before.
    """
    total = 0.0
    for host in range(v.head[0].n_hosts):
        h = v.hosts[host]
        loaded = has(st.rows[g.CHOSEN], host) or has(st.rows[g.CLAIMED], host)
        loaded = loaded or (h.job >= 0 and ends_s(v, h.job) > date_s)
        watts = slowest_power_w(v, h.cls, par[p.CAP_SLOWDOWN]) if loaded else _dearest_idle_w(v, h.cls)
        if h.state == c.SWITCHING_OFF or h.state == c.SWITCHING_ON:
            watts = max(watts, _switching_w(v, host))
        elif loaded and h.state == c.SLEEPING:
            watts = max(watts, _peak_w(v, h.cls, h.pstate))
        total += watts
    return total


@inlined
def _dearest_idle_w(v: Ledger, cls: int) -> float:
    """Return the highest power of an idle host of a class that is awake, in W."""
    most = 0.0
    for k in range(v.pstates[cls, 0].n):
        if v.pstates[cls, k].kind == c.PS_COMPUTE:
            most = max(most, v.pstates[cls, k].idle_w)
    return most


@jitted
def switching_room_w(v: Ledger, par: NDArray[np.float64], st: State, until_s: float) -> float:
    """Return the power that hosts may add by switches that last until a date, in W, under this cap and those to come.

    The row CHOSEN must be empty. Before a later cap begins, jobs are slowed down; each host that is being switched
    draws no more above an idle one than `sleeping_gain_w` or `waking_gain_w` say.
    """
    room_w = st.f[g.ROOM_W]
    now_s = v.head[0].now_s
    at = int(par[p.CAP_AT])
    for k in range(int(par[p.N_CAP])):
        date_s = par[at + 2 * k]
        if now_s < date_s <= until_s:
            room_w = min(room_w, par[at + 2 * k + 1] - low_power_w(v, par, st, date_s))
    return room_w


@jitted
def sleeping_gain_w(v: Ledger, host: int) -> float:
    """Return by how much the power of an idle host rises while it goes to sleep, in W."""
    h = v.hosts[host]
    k = sleep_state(v, h.cls)
    if k < 0 or v.pstates[h.cls, k].off < 0:
        return 0.0
    return max(v.pstates[h.cls, v.pstates[h.cls, k].off].full_w - _now_w(v, host), 0.0)


@inlined
def _loaded_w(v: Ledger, host: int) -> float:
    """Return the power of a host under load, in W."""
    return float(v.pstates[v.hosts[host].cls, state_now(v, host)].full_w)


@jitted
def lower_running(v: Ledger, par: NDArray[np.float64], st: State, cap_w: float) -> None:
    """Put running jobs into slower states, the fastest ones first, until the machine draws no more than the cap."""
    for claim in range(st.i[g.N_CLAIMS]):
        st.claim_how[claim] = slowest_state(v, 0, par[p.CAP_SLOWDOWN])
    for _ in range(64):
        if power_w(v, st, par[p.SLOWDOWN]) <= cap_w:
            return
        most = 0.0
        for host in range(v.head[0].n_hosts):
            cls = v.hosts[host].cls
            if v.hosts[host].job >= 0 and state_below(v, cls, _loaded_w(v, host), par[p.CAP_SLOWDOWN]) >= 0:
                most = max(most, _loaded_w(v, host))
        if most == 0.0 or not _lower(v, st, most, par[p.CAP_SLOWDOWN]):
            return


@jitted
def _lower(v: Ledger, st: State, power_of_state_w: float, bound: float) -> bool:
    """Put the running hosts that draw this much loaded into the next slower state; return whether there were any."""
    any_lowered = False
    for cls in range(v.pstates.shape[0]):
        k = state_below(v, cls, power_of_state_w, bound)
        clear(st.rows[g.SOME])
        n = 0
        for host in range(v.head[0].n_hosts):
            h = v.hosts[host]
            if k >= 0 and h.cls == cls and h.job >= 0 and _loaded_w(v, host) == power_of_state_w:
                put(st.rows[g.SOME], host)
                n += 1
        if n > 0:
            set_power_state(v, st.rows[g.SOME], k)
            any_lowered = True
    return any_lowered


@jitted
def waking_gain_w(v: Ledger) -> float:
    """Return by how much the power of a sleeping host rises at most while it wakes and then idles, in W."""
    most = 0.0
    for cls in range(v.pstates.shape[0]):
        k = sleep_state(v, cls)
        if k >= 0:
            peak = v.pstates[cls, 0].idle_w
            if v.pstates[cls, k].on >= 0:
                peak = max(peak, v.pstates[cls, v.pstates[cls, k].on].full_w)
            most = max(most, peak - v.pstates[cls, k].idle_w)
    return most


@jitted
def least_job_power_w(v: Ledger, hosts: int, bound: float) -> float:
    """Return the least power that a job of so many hosts adds to an idle machine, in W; 0 on one without powers."""
    least = np.inf
    for cls in range(v.pstates.shape[0]):
        least = min(least, slowest_power_w(v, cls, bound) - _least_idle_w(v, cls))
    return hosts * max(least, 0.0)


@inlined
def _resting_state(v: Ledger, cls: int) -> int:
    """Return the computing state in which an idle host of a class draws least."""
    best = 0
    for k in range(1, v.pstates[cls, 0].n):
        if v.pstates[cls, k].kind == c.PS_COMPUTE and v.pstates[cls, k].idle_w < v.pstates[cls, best].idle_w:
            best = k
    return best


@inlined
def _least_idle_w(v: Ledger, cls: int) -> float:
    """Return the least power of an idle host of a class that is awake, in W."""
    return float(v.pstates[cls, _resting_state(v, cls)].idle_w)


@jitted
def rest_others(v: Ledger, st: State) -> bool:
    """Put free hosts outside the row CHOSEN into the states in which they draw least; return whether any changed."""
    changed = False
    for cls in range(v.pstates.shape[0]):
        k = _resting_state(v, cls)
        clear(st.rows[g.SOME])
        n = 0
        for host in range(v.head[0].n_hosts):
            if v.hosts[host].cls != cls or not has(v.free, host) or has(st.rows[g.CHOSEN], host):
                continue
            if v.pstates[cls, state_now(v, host)].idle_w > v.pstates[cls, k].idle_w:
                put(st.rows[g.SOME], host)
                n += 1
        if n > 0:
            set_power_state(v, st.rows[g.SOME], k)
            changed = True
    return changed


@jitted
def unable_to_rest(v: Ledger, par: NDArray[np.float64]) -> bool:
    """Return whether the machine draws more than some cap although no job runs."""
    total = 0.0
    for host in range(v.head[0].n_hosts):
        total += _dearest_idle_w(v, v.hosts[host].cls)
    lowest = np.inf
    at = int(par[p.CAP_AT])
    for k in range(int(par[p.N_CAP])):
        lowest = min(lowest, par[at + 2 * k + 1])
    return total > lowest


@jitted
def never_fits(v: Ledger, par: NDArray[np.float64], hosts: int) -> bool:
    """Return whether a job of so many hosts draws more than every cap to come although nothing else runs.

    The other hosts are idle; or asleep, but for the spare ones, where the caps leave the power to switch them.
    """
    if par[p.N_CAP] == 0:
        return False
    highest_w = _highest_cap_w(par, v.head[0].now_s)
    idle_w = 0.0
    for host in range(v.head[0].n_hosts):
        idle_w += _least_idle_w(v, v.hosts[host].cls)
    others = v.head[0].n_hosts - hosts
    least_w = np.inf
    for cls in range(v.pstates.shape[0]):
        loaded_w = slowest_power_w(v, cls, par[p.CAP_SLOWDOWN])
        own_w = _least_idle_w(v, cls)
        k = sleep_state(v, cls)
        rest_w = others * own_w
        if k >= 0 and par[p.TIMEOUT_S] < np.inf and idle_w + max(_peak_w(v, cls, k) - own_w, 0.0) <= highest_w:
            spare = min(np.ceil(par[p.SPARE] * v.head[0].n_hosts - 1e-9), np.float64(others))
            rest_w = min(rest_w, spare * own_w + (others - spare) * v.pstates[cls, k].idle_w)
            loaded_w = max(loaded_w, _peak_w(v, cls, k))
        least_w = min(least_w, hosts * loaded_w + rest_w)
    return least_w > highest_w


@inlined
def _peak_w(v: Ledger, cls: int, k: int) -> float:
    """Return the highest power of a host on its way to sleep state k and back, in W."""
    p_off = v.pstates[cls, k].off
    p_on = v.pstates[cls, k].on
    watts = v.pstates[cls, k].idle_w
    if p_off >= 0:
        watts = max(watts, v.pstates[cls, p_off].full_w)
    if p_on >= 0:
        watts = max(watts, v.pstates[cls, p_on].full_w)
    return watts


@inlined
def _highest_cap_w(par: NDArray[np.float64], now_s: float) -> float:
    """Return the highest power that is allowed from now on, in W; infinite before the first date of the schedule."""
    at = int(par[p.CAP_AT])
    n = int(par[p.N_CAP])
    if par[at] > now_s:
        return np.inf
    highest_w = 0.0
    for k in range(n):
        if k + 1 == n or par[at + 2 * k + 2] > now_s:
            highest_w = max(highest_w, par[at + 2 * k + 1])
    return highest_w


@jitted
def give_back_w(v: Ledger, job: int) -> float:
    """Return the power that the end of a running job gives back, in W."""
    j = v.jobs[job]
    total = 0.0
    for k in range(j.iv, j.iv + j.n_iv):
        for host in range(v.iv[k, 0], v.iv[k, 1] + 1):
            state = v.pstates[v.hosts[host].cls, state_now(v, host)]
            total += state.full_w - state.idle_w
    return total
