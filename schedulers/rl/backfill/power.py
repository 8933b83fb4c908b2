"""The power of the machine as decided so far, from what a scheduler knows.

Every host counts with the power of its state: loaded when a job runs on it, at the peak of the virtual state while it
is switched. So the sum bounds the real power until the next message from above.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattq.schedulers.green.power import state_now
from wattq.schedulers.rl.backfill import slots as p
from wattq.simulator import layout as c
from wattq.simulator.jit import inlined, jitted
from wattq.simulator.layout import Ledger

__all__ = ["host_w", "lowest_w", "machine_full_w", "machine_w", "note_lowest", "switch_peak_w"]


@inlined
def switch_peak_w(v: Ledger, cls: int, awake: int, asleep: int) -> float:
    """Return the highest power of a host on its way between a computing state and a sleep state, in W."""
    watts = max(v.pstates[cls, awake].idle_w, v.pstates[cls, asleep].idle_w)
    off = v.pstates[cls, asleep].off
    on = v.pstates[cls, asleep].on
    if off >= 0:
        watts = max(watts, v.pstates[cls, off].full_w)
    if on >= 0:
        watts = max(watts, v.pstates[cls, on].full_w)
    return float(watts)


@inlined
def host_w(v: Ledger, host: int) -> float:
    """Return the most power that a host may draw until the next message, in W."""
    h = v.hosts[host]
    if h.state == c.SWITCHING_OFF:
        return switch_peak_w(v, h.cls, h.pstate, h.target)
    if h.state == c.SWITCHING_ON:
        return switch_peak_w(v, h.cls, h.target, h.pstate)
    state = v.pstates[h.cls, state_now(v, host)]
    return float(state.full_w if h.job >= 0 else state.idle_w)


@jitted
def machine_w(v: Ledger) -> float:
    """Return the most power that the machine may draw until the next message, in W."""
    total = 0.0
    for host in range(v.head[0].n_hosts):
        total += host_w(v, host)
    return total


@jitted
def machine_full_w(v: Ledger) -> float:
    """Return the power of the machine with all hosts loaded in their dearest computing state, in W."""
    total = 0.0
    for host in range(v.head[0].n_hosts):
        most = 0.0
        cls = v.hosts[host].cls
        for k in range(v.pstates[cls, 0].n):
            if v.pstates[cls, k].kind == c.PS_COMPUTE:
                most = max(most, v.pstates[cls, k].full_w)
        total += most
    return total


@inlined
def _lowest_at(v: Ledger, number: int) -> int:
    """Return where the sums of a power state lie, by its number among those to choose from."""
    return int(p.LOWEST_AT + number * (v.head[0].n_hosts + 1))


@jitted
def note_lowest(v: Ledger, cfg: NDArray[np.float64], mf: NDArray[np.float64]) -> None:
    """Note by how much the power rises when a job starts on the n lowest free hosts, for each n and power state."""
    for number in range(int(cfg[p.N_STATES])):
        state = int(cfg[int(cfg[p.STATES_AT]) + number])
        at = _lowest_at(v, number)
        total = 0.0
        n = 0
        mf[at] = 0.0
        for host in range(v.head[0].n_hosts):
            if v.free[host >> 6] >> np.uint64(host & 63) & np.uint64(1):
                total += v.pstates[v.hosts[host].cls, state].full_w - host_w(v, host)
                n += 1
                mf[at + n] = total


@inlined
def lowest_w(v: Ledger, mf: NDArray[np.float64], number: int, hosts: int) -> float:
    """Return by how much the power rises when a job starts on the lowest free hosts, in W; see `note_lowest`."""
    return float(mf[_lowest_at(v, number) + hosts])
