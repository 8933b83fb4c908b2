"""What a small network says of a job: its place in the queue, how long it may be held back, how much it may be slowed.

Three nets, each of which is a linear map plus a layer of tanh units, take what is known of a job and of the machine.
All zero, they change nothing: the policy is `eco` with its parameters. Their numbers lie in the row of parameters; see
`layout` below, by which `wattq.schedulers.green.networks` writes them.
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

__all__ = ["N_FACTS", "N_NETS", "N_STATIC", "ORDER_NET", "SPEED_NET", "WAIT_NET", "is_learned", "learned_age_s",
           "learned_speed", "learned_wait_share", "net_size"]  # fmt: skip

N_FACTS, N_STATIC = 9, 3
"""Facts of a job and the machine at a date, and how many of them never change for a job."""

ORDER_NET, WAIT_NET, SPEED_NET, N_NETS = range(4)
"""The nets, in the order in which they lie in the row."""

_DAY_S = 86400.0


def net_size(net: int, hidden: int) -> int:
    """Return how many numbers a net has: weights of its facts, a constant, and per hidden unit weights and constant."""
    n = N_STATIC if net == ORDER_NET else N_FACTS
    return n + 1 + hidden * (n + 2)


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
def _answer(par: NDArray[np.float64], st: State, net: int) -> float:
    """Return what a net says of the facts in the memory."""
    hidden = int(par[p.N_HIDDEN])
    at = int(par[p.NET_AT])
    for before in range(net):
        m = N_STATIC if before == ORDER_NET else N_FACTS
        at += m + 1 + hidden * (m + 2)
    n = N_STATIC if net == ORDER_NET else N_FACTS
    said = par[at + n]
    for k in range(n):
        said += par[at + k] * st.f[g.FACTS + k]
    at += n + 1
    for _ in range(hidden):
        inner = par[at + n]
        for k in range(n):
            inner += par[at + k] * st.f[g.FACTS + k]
        said += par[at + n + 1] * np.tanh(inner)
        at += n + 2
    return float(said)


@inlined
def is_learned(par: NDArray[np.float64]) -> bool:
    """Return whether there are nets."""
    return bool(par[p.NET_AT] > 0.0)


@jitted
def learned_age_s(v: Ledger, par: NDArray[np.float64], st: State, job: int) -> float:
    """Return what is added to the sort key of the order `aged`, in s; the same for a job at any date."""
    if not is_learned(par):
        return 0.0
    _static_facts(v, st, job)
    return _DAY_S * _answer(par, st, ORDER_NET)


@jitted
def learned_wait_share(v: Ledger, par: NDArray[np.float64], st: State, job: int) -> float:
    """Return the share of the longest extra wait for which a job may be held back, from 0 to 1."""
    if not is_learned(par):
        return 1.0
    _facts(v, par, st, job)
    return min(max(1.0 + _answer(par, st, WAIT_NET), 0.0), 1.0)


@jitted
def learned_speed(v: Ledger, par: NDArray[np.float64], st: State, job: int) -> int:
    """Return the power state that a job is to run in: the one of least energy within the slowdown that the net allows.

    The net moves the parameter `slowdown`, within 0 and `cap_slowdown`, for which walltimes leave room.
    """
    _facts(v, par, st, job)
    bound = min(max(par[p.SLOWDOWN] + 0.2 * _answer(par, st, SPEED_NET), 0.0), par[p.CAP_SLOWDOWN])
    return int(frugal_state(v, 0, bound, v.jobs[job].beta, par[p.TIMEOUT_S] < np.inf))
