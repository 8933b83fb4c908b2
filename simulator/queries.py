"""Energy queries by actors: one yield per host that is not up to date (batsim-semantics.md, 0.3)."""

from __future__ import annotations

from wattq.simulator import codes as x
from wattq.simulator.host_ranges import energy_of
from wattq.simulator.jit import inlined, jitted
from wattq.simulator.layout import Kernel
from wattq.simulator.power import is_stale, query_all

__all__ = ["add_energy_row", "begin_query", "job_energy", "query_goes_on"]


@inlined
def begin_query(s: Kernel, actor: int, with_alloc: bool) -> None:
    """Prepare an actor to query all hosts, those of its job first where asked."""
    a = s.actors[actor]
    a.scan_iv = 0 if with_alloc else 1 << 30
    a.scan = 0


@jitted
def query_goes_on(s: Kernel, actor: int, job: int) -> bool:
    """Look for the next host to update; return whether the actor has to yield for it.

    The order is Batsim's: the hosts of the job, then every host.
    """
    k = s.head[0]
    if k.total_at_s == k.clock_s:
        return False
    a = s.actors[actor]
    if job >= 0:
        j = s.jobs[job]
        while a.scan_iv < j.n_iv:
            first = s.alloc[j.iv + a.scan_iv, 0]
            last = s.alloc[j.iv + a.scan_iv, 1]
            while first + a.scan <= last:
                host = first + a.scan
                a.scan += 1
                if is_stale(s, host):
                    a.call = x.CALL_ENERGY
                    a.arg = host
                    return True
            a.scan_iv += 1
            a.scan = 0
    while a.scan < k.n_hosts:
        host = a.scan
        a.scan += 1
        if is_stale(s, host):
            a.call = x.CALL_ENERGY
            a.arg = host
            return True
    query_all(s)
    return False


@jitted
def job_energy(s: Kernel, job: int) -> float:
    """Return the energy of a job's hosts so far, in J; all hosts must be up to date."""
    j = s.jobs[job]
    energy_j = 0.0
    for iv in range(j.iv, j.iv + j.n_iv):
        energy_j += energy_of(s, s.alloc[iv, 0], s.alloc[iv, 1])
    return energy_j


@inlined
def add_energy_row(s: Kernel, kind: int) -> float:
    """Write a row of consumed_energy.csv (kind: ord of 's', 'e' or 'p') and return the total energy, in J."""
    k = s.head[0]
    total_j = query_all(s)
    row = s.out_energy[k.n_out_energy]
    row.time_s = k.clock_s
    row.energy_j = total_j
    row.wattmin_w = k.wattmin_w
    row.kind = kind
    k.n_out_energy += 1
    return total_j
