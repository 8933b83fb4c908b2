"""Whether Batsim would abort on a decision (batsim-semantics.md, 1.4 and 3.4)."""

from __future__ import annotations

import numpy as np

from wattq.simulator import codes as x
from wattq.simulator import layout as c
from wattq.simulator.bits import span
from wattq.simulator.jit import inlined, jitted
from wattq.simulator.layout import Kernel

__all__ = ["abort", "check_execution", "check_permission", "request_is_valid"]


_NO_FLOPS = 1e-10


@inlined
def abort(s: Kernel, reason: int, first: int, second: int) -> None:
    """Stop the simulation as a failed assertion of Batsim does."""
    k = s.head[0]
    if k.abort == x.OK:
        k.abort = reason
        k.abort_a = first
        k.abort_b = second


@jitted
def _hosts_ready(s: Kernel, d: int) -> int:
    """Return the number of hosts of an allocation when all of them can take a job, else -1."""
    k = s.head[0]
    decision = s.decisions[d]
    n = 0
    for iv in range(decision.iv, decision.iv + decision.n_iv):
        first, last = s.alloc[iv, 0], s.alloc[iv, 1]
        if first < 0 or last >= k.n_hosts:
            return -1
        taken = np.int32(0)
        for host in span(first, last):
            taken |= s.h_state[host] | s.h_n_jobs[host]
        if taken != 0:
            return -1
        if k.energy and not k.uniform:
            for host in span(first, last):
                if s.pstates[s.h_cls[host], s.h_pstate[host]].kind != c.PS_COMPUTE:
                    return -1
        n += last - first + 1
    return n


@jitted
def _why_not_ready(s: Kernel, d: int) -> int:
    """Check the hosts of an allocation in Batsim's order; return why it aborts, or OK.

    To Batsim, a compute host is a storage host as well: it is shared only where both kinds may be.
    """
    k = s.head[0]
    decision = s.decisions[d]
    for iv in range(decision.iv, decision.iv + decision.n_iv):
        for host in range(s.alloc[iv, 0], s.alloc[iv, 1] + 1):
            if host < 0 or host >= k.n_hosts:
                k.abort_b = host
                return x.AB_BAD_HOST
            if s.h_n_jobs[host] > 0 and not (k.storage_sharing and (k.sharing or host >= k.n_compute)):
                k.abort_b = host
                return x.AB_BUSY
    for iv in range(decision.iv, decision.iv + decision.n_iv):
        for host in range(s.alloc[iv, 0], s.alloc[iv, 1] + 1):
            if s.h_state[host] != c.COMPUTING and s.h_state[host] != c.IDLE:
                k.abort_b = host
                return x.AB_NOT_READY
            if k.energy and s.pstates[s.h_cls[host], s.h_pstate[host]].kind != c.PS_COMPUTE:
                k.abort_b = host
                return x.AB_NOT_COMPUTING_PSTATE
    return x.OK


@inlined
def _map_executors(s: Kernel, d: int) -> None:
    """Put the executors of a job where the scheduler says; several may meet on a host, so rates are shared now."""
    k = s.head[0]
    decision = s.decisions[d]
    j = s.jobs[decision.job]
    j.task_iv = decision.map
    j.n_task_iv = decision.n_map
    k.shared = 1
    k.dirty = 1


@jitted
def check_execution(s: Kernel, d: int) -> int:
    """Check an EXECUTE_JOB in Batsim's order (1.4) and take the allocation over; return why it aborts, or OK."""
    k = s.head[0]
    decision = s.decisions[d]
    j = s.jobs[decision.job]
    if j.state != c.SUBMITTED:
        k.abort_b = j.state
        return x.AB_NOT_SUBMITTED
    n = _hosts_ready(s, d)
    if n < 0:
        reason = _why_not_ready(s, d)
        if reason != x.OK:
            return reason
        n = 0
        for iv in range(decision.iv, decision.iv + decision.n_iv):
            n += s.alloc[iv, 1] - s.alloc[iv, 0] + 1
    j.iv = j.task_iv = decision.iv
    j.n_iv = j.n_task_iv = decision.n_iv
    if decision.n_map > 0:
        _map_executors(s, d)
        n = decision.n_map
    if not j.total_only and n != j.hosts:
        k.abort_b = n
        return x.AB_SIZE
    node = s.nodes[j.node]
    if node.kind == c.N_PARALLEL and node.n != n:
        k.abort_b = n
        return x.AB_VECTOR_SIZE
    j.n_executors = n
    return x.OK


@jitted
def check_permission(s: Kernel, job: int, node: int) -> None:
    """Abort when a task of a job computes on a storage host.

    Batsim holds the work of executor i against host i of the allocation, wherever a mapping puts the executor.
    """
    k = s.head[0]
    j = s.jobs[job]
    p = s.nodes[node]
    i = 0
    for iv in range(j.iv, j.iv + j.n_iv):
        for host in range(s.alloc[iv, 0], s.alloc[iv, 1] + 1):
            if i < j.n_executors and host >= k.n_compute:
                flops = s.amounts[p.first + i] if p.kind == c.N_PARALLEL else p.amount
                if p.kind == c.N_TOTAL:
                    flops /= j.n_executors
                if flops > _NO_FLOPS:
                    abort(s, x.AB_STORAGE_WORK, job, host)
            i += 1


@jitted
def request_is_valid(s: Kernel, d: int) -> bool:
    """Return whether the machines of a SET_RESOURCE_STATE exist."""
    k = s.head[0]
    decision = s.decisions[d]
    for iv in range(decision.iv, decision.iv + decision.n_iv):
        for host in range(s.alloc[iv, 0], s.alloc[iv, 1] + 1):
            if host < 0 or host >= k.n_hosts:
                abort(s, x.AB_BAD_HOST, -1, host)
                return False
    return True
