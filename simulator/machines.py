"""Machine states and the rows of machine_states.csv and pstate_changes.csv."""

from __future__ import annotations

from wattq.simulator import layout as c
from wattq.simulator.jit import inlined, jitted
from wattq.simulator.layout import Kernel
from wattq.simulator.power import change_state

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


@jitted
def machines_run_job(s: Kernel, job: int) -> None:
    """Mark the machines of a job that starts."""
    j = s.jobs[job]
    for iv in range(j.iv, j.iv + j.n_iv):
        for host in range(s.alloc[iv, 0], s.alloc[iv, 1] + 1):
            change_state(s, host, c.COMPUTING)
            s.hosts[host].n_jobs += 1
    add_state_row(s)


@jitted
def machines_end_job(s: Kernel, job: int) -> None:
    """Mark the machines of a job that ended; an unavailable one stays so."""
    j = s.jobs[job]
    for iv in range(j.iv, j.iv + j.n_iv):
        for host in range(s.alloc[iv, 0], s.alloc[iv, 1] + 1):
            h = s.hosts[host]
            h.n_jobs -= 1
            if h.n_jobs == 0 and h.state != c.UNAVAILABLE:
                change_state(s, host, c.IDLE)
    add_state_row(s)
