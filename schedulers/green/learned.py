"""What a small network says of a job: its place in the queue, how long it may be held back, how much it may be slowed.

The network takes `FACTS`, has one layer of tanh units, and gives three numbers (`SAYS`). Where all are zero the policy
is `eco` with its parameters. Its weights lie in the row of parameters, see `wattq.schedulers.green.networks`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattq.schedulers.green import slots as p
from wattq.schedulers.green import state as g
from wattq.schedulers.green.forecast import expected, has_signal, issue_at
from wattq.schedulers.green.state import State
from wattq.schedulers.green.states import frugal_state
from wattq.simulator.jit import inlined, jitted
from wattq.simulator.layout import Ledger

__all__ = ["N_FACTS", "N_SAYS", "is_learned", "learned_age_s", "learned_speed", "learned_wait_share"]

N_FACTS, _N_STATIC = 9, 3
_PLACE, _WAIT, _SPEED, N_SAYS = range(4)
_DAY_S = 86400.0


@inlined
def _log(value: float, middle: float, width: float) -> float:
    """Return a size on a scale of powers of ten, 0 in the middle."""
    return float((np.log10(1.0 + max(value, 0.0)) - middle) / width)


@inlined
def _static_facts(v: Ledger, st: State, job: int) -> None:
    """Describe what was asked for: time, share of the machine, work in seconds of the machine."""
    request_s = min(v.jobs[job].estimate_s, 1e6)
    share = v.jobs[job].hosts / v.head[0].n_hosts
    st.f[g.FACTS] = _log(request_s, 3.5, 1.5)
    st.f[g.FACTS + 1] = 2.0 * share - 1.0
    st.f[g.FACTS + 2] = _log(request_s * share, 3.0, 2.0)


@jitted
def _facts(v: Ledger, par: NDArray[np.float64], st: State, job: int) -> None:
    """Describe a job and the machine as they are now."""
    _static_facts(v, st, job)
    now_s = v.head[0].now_s
    n_hosts = v.head[0].n_hosts
    st.f[g.FACTS + 3] = _log(st.f[g.LOAD_S] / n_hosts, 3.0, 2.0)
    st.f[g.FACTS + 4] = 1.0 - 2.0 * st.i[g.AVAILABLE] / n_hosts
    st.f[g.FACTS + 5] = _log(now_s - v.jobs[job].submit_s, 2.5, 2.5)
    st.f[g.FACTS + 6] = _log(float(v.head[0].n_waiting), 1.0, 1.0)
    st.f[g.FACTS + 7] = 0.0
    st.f[g.FACTS + 8] = 0.0
    issue = issue_at(par, now_s) if has_signal(par) else -1
    if issue >= 0:
        day = max(abs(expected(par, issue, now_s, now_s + _DAY_S)), 1e-9)
        run_s = min(max(v.jobs[job].estimate_s * par[p.RUN_SHARE], 1.0), _DAY_S)
        st.f[g.FACTS + 7] = min(max(2.0 * (expected(par, issue, now_s, now_s + 3600.0) / day - 1.0), -2.0), 2.0)
        st.f[g.FACTS + 8] = min(max(2.0 * (expected(par, issue, now_s, now_s + run_s) / day - 1.0), -2.0), 2.0)


@jitted
def _answer(par: NDArray[np.float64], st: State, what: int) -> float:
    """Return one number that the network says of the facts in the memory."""
    n = int(par[p.N_HIDDEN])
    inner_at = int(par[p.NET_AT])
    outer_at = inner_at + (N_FACTS + 1) * n
    said = par[outer_at + n * N_SAYS + what]
    for unit in range(n):
        inner = par[inner_at + N_FACTS * n + unit]
        for k in range(N_FACTS):
            inner += par[inner_at + k * n + unit] * st.f[g.FACTS + k]
        said += par[outer_at + unit * N_SAYS + what] * np.tanh(inner)
    return float(said)


@inlined
def is_learned(par: NDArray[np.float64]) -> bool:
    """Return whether there is a network."""
    return bool(par[p.NET_AT] > 0.0)


@jitted
def learned_age_s(v: Ledger, par: NDArray[np.float64], st: State, job: int) -> float:
    """Return what is added to the sort key of the order `aged`, in s.

    It is the same for a job at any date: of the facts, those that change with time count as 0.
    """
    if not is_learned(par):
        return 0.0
    _static_facts(v, st, job)
    for k in range(_N_STATIC, N_FACTS):
        st.f[g.FACTS + k] = 0.0
    return _DAY_S * _answer(par, st, _PLACE)


@jitted
def learned_wait_share(v: Ledger, par: NDArray[np.float64], st: State, job: int) -> float:
    """Return the share of the longest extra wait for which a job may be held back, from 0 to 1."""
    if not is_learned(par):
        return 1.0
    _facts(v, par, st, job)
    return min(max(1.0 + _answer(par, st, _WAIT), 0.0), 1.0)


@jitted
def learned_speed(v: Ledger, par: NDArray[np.float64], st: State, job: int) -> int:
    """Return the power state of a job: the one of least energy within the slowdown that the network allows.

    The network moves the parameter `slowdown`, within 0 and `cap_slowdown`, for which walltimes leave room.
    """
    _facts(v, par, st, job)
    bound = min(max(par[p.SLOWDOWN] + 0.2 * _answer(par, st, _SPEED), 0.0), par[p.CAP_SLOWDOWN])
    return int(frugal_state(v, 0, bound, v.jobs[job].beta, par[p.TIMEOUT_S] < np.inf))
