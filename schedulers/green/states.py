"""Power states: which one a job is to run in, which one an idle host sleeps in, and what switching takes."""

from __future__ import annotations

import numpy as np

from wattq.simulator import layout as c
from wattq.simulator.faults import NO_POWER, NO_SLEEP_STATE, NO_SWITCH_SPEED
from wattq.simulator.jit import inlined, jitted
from wattq.simulator.layout import Ledger

__all__ = [
    "FRUGAL",
    "FRUGAL_ASLEEP",
    "FULL",
    "boot_s",
    "break_even_s",
    "frugal_state",
    "sleep_state",
    "slowest_power_w",
    "slowest_state",
    "state_below",
    "state_of",
    "what_is_missing",
]

# How the power state of a job is chosen: at full speed; with the least energy, where idle hosts stay awake or where
# they sleep; or a state by its number.
FULL, FRUGAL, FRUGAL_ASLEEP = 0, -1, -2


@jitted
def sleep_state(v: Ledger, cls: int) -> int:
    """Return the power state with the least power among those to sleep in, -1 when the hosts of a class have none."""
    best = -1
    for k in range(v.pstates[cls, 0].n):
        if v.pstates[cls, k].kind == c.PS_SLEEP and (
            best < 0 or v.pstates[cls, k].idle_w < v.pstates[cls, best].idle_w
        ):
            best = k
    return best


@inlined
def _switch_s(v: Ledger, cls: int, virtual: int) -> float:
    """Return how long a virtual power state is held: it computes one flop (batsim-semantics.md, power states)."""
    speed = v.pstates[cls, virtual].speed_flops if virtual >= 0 else 0.0
    return 1.0 / speed if speed > 0.0 else 0.0


@jitted
def boot_s(v: Ledger) -> float:
    """Return the longest time that waking takes on this machine, in s."""
    longest = 0.0
    for cls in range(v.pstates.shape[0]):
        k = sleep_state(v, cls)
        if k >= 0:
            longest = max(longest, _switch_s(v, cls, v.pstates[cls, k].on))
    return longest


@jitted
def break_even_s(v: Ledger, cls: int) -> float:
    """Return for how long a host must be left alone for sleep to save energy, in s.

    Switching off and on takes E joules and t seconds; sleeping for the rest of an idle time T pays when
    ``E + (T - t) x P_sleep < T x P_idle``.
    """
    k = sleep_state(v, cls)
    if k < 0:
        return np.inf
    p = v.pstates[cls, k]
    off_s = _switch_s(v, cls, p.off)
    on_s = _switch_s(v, cls, p.on)
    energy_j = off_s * v.pstates[cls, max(p.off, 0)].full_w + on_s * v.pstates[cls, max(p.on, 0)].full_w
    gain_w = v.pstates[cls, 0].idle_w - p.idle_w
    if gain_w <= 0.0:
        return np.inf
    return max((energy_j - (off_s + on_s) * p.idle_w) / gain_w, off_s + on_s)


@inlined
def _slowdown(v: Ledger, cls: int, k: int, beta: float) -> float:
    """Return the relative increase of a run time in power state k against state 0."""
    return beta * (v.pstates[cls, 0].speed_flops / v.pstates[cls, k].speed_flops - 1.0)


@jitted
def frugal_state(v: Ledger, cls: int, bound: float, beta: float, asleep: bool) -> int:
    """Return the power state in which a job takes the least energy, among those that slow it down by a bound at most.

    What counts is the power beyond what the host would draw without the job (idle or asleep), times the run time.

    Args:
        v: the ledger.
        cls: class of the host.
        bound: longest relative increase of the run time.
        beta: share of the run time that scales with the speed.
        asleep: whether idle hosts sleep.
    """
    base_w = v.pstates[cls, 0].idle_w
    s = sleep_state(v, cls)
    if asleep and s >= 0:
        base_w = v.pstates[cls, s].idle_w
    best = 0
    least = v.pstates[cls, 0].full_w - base_w
    for k in range(1, v.pstates[cls, 0].n):
        p = v.pstates[cls, k]
        if p.kind != c.PS_COMPUTE or p.speed_flops <= 0.0:
            continue
        longer = _slowdown(v, cls, k, beta)
        cost = (p.full_w - base_w) * (1.0 + longer)
        if longer <= bound + 1e-9 and cost < least - 1e-9:
            best = k
            least = cost
    return best


@jitted
def state_below(v: Ledger, cls: int, power_w: float, bound: float) -> int:
    """Return the state with the most power below a given one, among those a cap may use; -1 when there is none."""
    best = -1
    for k in range(v.pstates[cls, 0].n):
        p = v.pstates[cls, k]
        if _usable(v, cls, k, bound) and p.full_w < power_w and (best < 0 or p.full_w > v.pstates[cls, best].full_w):
            best = k
    return best


@inlined
def _usable(v: Ledger, cls: int, k: int, bound: float) -> bool:
    """Return whether a cap may bring jobs into a power state, however much their run times depend on the speed."""
    p = v.pstates[cls, k]
    return bool(
        p.kind == c.PS_COMPUTE and (k == 0 or (p.speed_flops > 0.0 and _slowdown(v, cls, k, 1.0) <= bound + 1e-9))
    )


@jitted
def slowest_state(v: Ledger, cls: int, bound: float) -> int:
    """Return the state in which a loaded host of a class draws least, among those that a cap may use."""
    best = 0
    for k in range(1, v.pstates[cls, 0].n):
        if _usable(v, cls, k, bound) and v.pstates[cls, k].full_w < v.pstates[cls, best].full_w:
            best = k
    return best


@inlined
def slowest_power_w(v: Ledger, cls: int, bound: float) -> float:
    """Return the least power of a loaded host of a class under a cap, in W."""
    return float(v.pstates[cls, slowest_state(v, cls, bound)].full_w)


@inlined
def state_of(v: Ledger, cls: int, how: int, bound: float, beta: float) -> int:
    """Return the power state of a job on hosts of a class, given how it is chosen."""
    if how < 0:
        return int(frugal_state(v, cls, bound, beta, how == FRUGAL_ASLEEP))
    if how < v.pstates[cls, 0].n and v.pstates[cls, how].kind == c.PS_COMPUTE:
        return how
    return FULL


@jitted
def what_is_missing(v: Ledger, sleeps: bool, capped: bool) -> int:
    """Return which fault keeps the policy from its work on this machine, 0 for none."""
    any_sleep = False
    for cls in range(v.pstates.shape[0]):
        k = sleep_state(v, cls)
        any_sleep = any_sleep or k >= 0
        if sleeps and k >= 0 and v.pstates[cls, k].on >= 0 and v.pstates[cls, v.pstates[cls, k].on].speed_flops <= 0.0:
            return NO_SWITCH_SPEED
        if capped and v.pstates[cls, 0].full_w <= 0.0:
            return NO_POWER
    return 0 if any_sleep or not sleeps else NO_SLEEP_STATE
