"""Machine states and the rows of machine_states.csv and pstate_changes.csv."""

from __future__ import annotations

from wattq.simulator import layout as c
from wattq.simulator.bits import span
from wattq.simulator.host_ranges import all_alike, enter_state, since_last_change
from wattq.simulator.jit import inlined, jitted
from wattq.simulator.layout import Kernel
from wattq.simulator.power import exact_power, integrate

__all__ = ["add_pstate_row", "add_state_row", "machines_end_job", "machines_run_job"]


@inlined
def add_state_row(s: Kernel) -> None:
    """Write a row of machine_states.csv."""
    k = s.head[0]
    row = s.out_states[k.n_out_states]
    row.time_s = k.clock_s
    for state in range(6):
        row.n[state] = int(s.sums[c.SUM_STATE_N, state])
    k.n_out_states += 1


@inlined
def add_pstate_row(s: Kernel, pstate: int, iv: int, n_iv: int) -> None:
    """Write a row of pstate_changes.csv for the hosts ``alloc[iv:iv + n_iv]``."""
    k = s.head[0]
    row = s.out_pstates[k.n_out_pstates]
    row.time_s = k.clock_s
    row.pstate = pstate
    row.iv = iv
    row.n_iv = n_iv
    k.n_out_pstates += 1


@inlined
def _count(s: Kernel, was: int, to: int, n: int, elapsed_s: float, power_w: float) -> None:
    """Count n hosts that went from one machine state to another: time spent, number, exact power."""
    k = s.head[0]
    s.sums[c.SUM_STATE_S, was] += elapsed_s
    if was != to:
        s.sums[c.SUM_STATE_N, was] -= n
        s.sums[c.SUM_STATE_N, to] += n
        if k.energy:
            integrate(s)
            s.sums[c.SUM_EXACT_W, was] -= power_w
            s.sums[c.SUM_EXACT_W, to] += power_w


@jitted
def _change_hosts(s: Kernel, first: int, last: int, to: int, jobs: int) -> None:
    """Put the hosts of an interval into a machine state, and add to the number of their jobs.

    Hosts that still have jobs, and unavailable ones, keep their state when a job ends.
    """
    now = s.head[0].clock_s
    was = c.IDLE if jobs > 0 else c.COMPUTING
    if s.head[0].initial_left == 0 and all_alike(s, first, last, was, 0 if jobs > 0 else 1):
        elapsed_s, power_w = since_last_change(s, first, last)
        enter_state(s, first, last, to, 1 if jobs > 0 else 0)
        _count(s, was, to, last - first + 1, elapsed_s, power_w)
        return
    was = -1
    n = 0
    elapsed_s = 0.0
    power_w = 0.0
    for host in span(first, last):
        s.h_n_jobs[host] += jobs
        if jobs < 0 and (s.h_n_jobs[host] > 0 or s.h_state[host] == c.UNAVAILABLE):
            continue
        if s.h_state[host] != was:
            if n > 0:
                _count(s, was, to, n, elapsed_s, power_w)
            was = s.h_state[host]
            n = 0
            elapsed_s = 0.0
            power_w = 0.0
        n += 1
        elapsed_s += now - s.h_since_s[host]
        power_w += exact_power(s, host)
        s.h_since_s[host] = now
        s.h_state[host] = to
    if n > 0:
        _count(s, was, to, n, elapsed_s, power_w)


@jitted
def machines_run_job(s: Kernel, job: int) -> None:
    """Mark the machines of a job that starts."""
    j = s.jobs[job]
    for iv in range(j.iv, j.iv + j.n_iv):
        _change_hosts(s, s.alloc[iv, 0], s.alloc[iv, 1], c.COMPUTING, 1)
    add_state_row(s)


@jitted
def machines_end_job(s: Kernel, job: int) -> None:
    """Mark the machines of a job that ended; an unavailable one stays so."""
    j = s.jobs[job]
    for iv in range(j.iv, j.iv + j.n_iv):
        _change_hosts(s, s.alloc[iv, 0], s.alloc[iv, 1], c.IDLE, -1)
    add_state_row(s)
