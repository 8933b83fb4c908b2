"""Power and energy of hosts: Batsim's lazy count, and the exact integral.

SimGrid's energy plug-in charges the interval since a host's last update with the load *at the time of the update*
(batsim-semantics.md, 3.3). Both counts are kept here without touching every host at every event:

* lazy: each host carries its own energy, date and power; the platform carries a total at the date of the last query
  of all hosts, the sum of powers since, and a correction for hosts that were updated alone in between;
* exact: the sum of powers per machine state is integrated whenever one of them changes.
"""

from __future__ import annotations

from wattq.simulator import layout as c
from wattq.simulator.jit import inlined, jitted
from wattq.simulator.layout import Kernel

__all__ = [
    "add_power",
    "change_state",
    "exact_power",
    "integrate",
    "is_stale",
    "load_power",
    "move_power",
    "query_all",
    "refresh_power",
    "set_host_power",
    "set_pstate",
    "touch",
]


@inlined
def integrate(s: Kernel) -> None:
    """Integrate the exact power of each machine state up to the clock."""
    k = s.head[0]
    elapsed = k.clock_s - k.exact_at_s
    if elapsed > 0.0:
        for state in range(6):
            s.sums[c.SUM_EXACT_J, state] += s.sums[c.SUM_EXACT_W, state] * elapsed
        k.exact_at_s = k.clock_s


@inlined
def exact_power(s: Kernel, host: int) -> float:
    """Return the power that a host really draws, in W (the lazy count is wrong before its first update)."""
    if s.head[0].initial_left:
        return s.pstates[s.h_cls[host], s.h_pstate[host]].idle_w
    return s.h_power_w[host]


@inlined
def touch(s: Kernel, host: int) -> None:
    """Update one host: charge the time since its last update with its present power."""
    k = s.head[0]
    s.h_energy_j[host] += s.h_power_w[host] * (k.clock_s - s.h_at_s[host])
    s.h_at_s[host] = k.clock_s


@inlined
def is_stale(s: Kernel, host: int) -> bool:
    """Return whether a query of this host makes the asking actor yield."""
    k = s.head[0]
    return k.total_at_s < k.clock_s and s.h_at_s[host] < k.clock_s


@jitted
def _notice_initial_pstates(s: Kernel) -> None:
    """From the first update on, hosts that began in another power state than 0 are charged for it.

    Until then SimGrid's count takes them for being in state 0; the exact integral never did.
    """
    k = s.head[0]
    k.initial_left = 0
    for host in range(k.n_hosts):
        change = s.pstates[s.h_cls[host], s.h_pstate[host]].idle_w - s.h_power_w[host]
        s.h_energy_j[host] += s.h_power_w[host] * (k.clock_s - s.h_at_s[host])
        s.h_at_s[host] = k.clock_s
        s.h_power_w[host] += change
        k.power_w += change


@inlined
def query_all(s: Kernel) -> float:
    """Update every host and return the energy of the platform so far, in J."""
    k = s.head[0]
    total_j = _total(s)
    if k.initial_left:
        _notice_initial_pstates(s)
    return total_j


@inlined
def _total(s: Kernel) -> float:
    """Bring the energy of the platform up to date and return it, in J."""
    k = s.head[0]
    if k.total_at_s < k.clock_s or k.correction_j != 0.0:
        k.total_j += k.power_w * (k.clock_s - k.total_at_s) + k.correction_j
        k.correction_j = 0.0
        k.total_at_s = k.clock_s
    return k.total_j


@inlined
def set_host_power(s: Kernel, host: int, power_w: float) -> None:
    """Change the power of a host; in the lazy count it holds from the host's last update on."""
    k = s.head[0]
    if power_w == s.h_power_w[host]:
        return
    add_power(s, s.h_state[host], move_power(s, host, power_w, max(s.h_at_s[host], k.total_at_s)))


@inlined
def load_power(s: Kernel, host: int) -> float:
    """Return the power of a host from its power state and load, in W (batsim-semantics.md, 3.2)."""
    p = s.pstates[s.h_cls[host], s.h_pstate[host]]
    power_w = p.idle_w
    if s.h_n_tasks[host] > 0:
        load = 1.0
        if p.speed_flops > 0.0:
            load = min(s.h_usage_flops[host] / p.speed_flops / s.h_cores[host], 1.0)
        if load > 0.0:
            power_w = p.epsilon_w + load * (p.full_w - p.epsilon_w)
    return power_w


@inlined
def refresh_power(s: Kernel, host: int) -> None:
    """Set the power of a host from its power state and load."""
    set_host_power(s, host, load_power(s, host))


@inlined
def move_power(s: Kernel, host: int, power_w: float, since_s: float) -> float:
    """Change the power of a host from a date on in the lazy count; return the change, in W.

    The sums of the platform are left to `add_power`, so that a loop over many hosts touches them once.
    """
    k = s.head[0]
    change = power_w - s.h_power_w[host]
    s.h_energy_j[host] += s.h_power_w[host] * (since_s - s.h_at_s[host])
    s.h_at_s[host] = since_s
    k.correction_j -= change * (since_s - k.total_at_s)
    s.h_power_w[host] = power_w
    return change


@inlined
def add_power(s: Kernel, state: int, change_w: float) -> None:
    """Add to the power of the platform, and of the hosts in a machine state."""
    integrate(s)
    s.head[0].power_w += change_w
    s.sums[c.SUM_EXACT_W, state] += change_w


@inlined
def set_pstate(s: Kernel, host: int, pstate: int) -> None:
    """Put a host into a power state at once; the past is charged before."""
    k = s.head[0]
    k.uniform = 0
    if k.energy:
        touch(s, host)
        k.wattmin_w += s.pstates[s.h_cls[host], pstate].epsilon_w - s.pstates[s.h_cls[host], s.h_pstate[host]].epsilon_w
    s.h_pstate[host] = pstate
    if k.energy and s.h_n_tasks[host] == 0:
        refresh_power(s, host)
    k.dirty = 1


@inlined
def change_state(s: Kernel, host: int, state: int) -> None:
    """Change the machine state of a host and count the time spent in the one before."""
    k = s.head[0]
    s.sums[c.SUM_STATE_S, s.h_state[host]] += k.clock_s - s.h_since_s[host]
    s.h_since_s[host] = k.clock_s
    if s.h_state[host] != state:
        s.sums[c.SUM_STATE_N, s.h_state[host]] -= 1.0
        s.sums[c.SUM_STATE_N, state] += 1.0
        if k.energy:
            integrate(s)
            power_w = exact_power(s, host)
            s.sums[c.SUM_EXACT_W, s.h_state[host]] -= power_w
            s.sums[c.SUM_EXACT_W, state] += power_w
        s.h_state[host] = state
