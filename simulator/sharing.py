"""Rates of tasks that meet on hosts: SimGrid's fair bottleneck (batsim-semantics.md, 0.8).

Used only where tasks can share a host: time-sharing, usage traces, several executors on a host.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattq.simulator import codes as x
from wattq.simulator import layout as c
from wattq.simulator.jit import jitted
from wattq.simulator.layout import Kernel
from wattq.simulator.power import refresh_power
from wattq.simulator.sensitivity import stretch
from wattq.simulator.timed import set_rate

__all__ = ["executors_of", "solve_shared", "unload_shared"]

_SNAP_FLOPS = 1e-5


@jitted
def executors_of(s: Kernel, slot: int, hosts: NDArray[np.int64], flops: NDArray[np.float64], at: int) -> int:
    """Write the executors of a task (host and flops of each) from ``at`` on and return the end."""
    actor = s.actions[slot].actor
    a = s.actors[actor]
    if a.kind != x.JOB:
        for _ in range(a.n):
            hosts[at] = a.host
            flops[at] = a.f0
            at += 1
        return at
    job = s.jobs[a.idx]
    node = s.nodes[a.first]
    i = 0
    for iv in range(job.task_iv, job.task_iv + job.n_task_iv):
        for host in range(s.alloc[iv, 0], s.alloc[iv, 1] + 1):
            hosts[at] = host
            if node.kind == c.N_HOMOGENEOUS:
                flops[at] = node.amount
            elif node.kind == c.N_TOTAL:
                flops[at] = node.amount / job.n_executors
            else:
                flops[at] = s.amounts[node.first + i]
            flops[at] *= stretch(s, a.idx, host)
            at += 1
            i += 1
    return at


@jitted
def _n_executors(s: Kernel, slot: int) -> int:
    """Return the number of executors of a task."""
    a = s.actors[s.actions[slot].actor]
    if a.kind == x.JOB:
        return s.jobs[a.idx].n_executors
    return a.n


@jitted
def _fill(
    bounds: NDArray[np.float64],
    first: NDArray[np.int64],
    hosts: NDArray[np.int64],
    flops: NDArray[np.float64],
    capacity: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Share the hosts among the tasks.

    Args:
        bounds: per task, the rate that its slowest core allows, 1/s.
        first: per task, its first executor; one entry more than tasks.
        hosts: per executor, its host.
        flops: per executor, its work, flops.
        capacity: per host, cores times speed, flop/s; used up by the call.

    Returns:
        The rate of each task, 1/s.
    """
    n = len(bounds)
    value = np.zeros(n)
    step = np.zeros(n)
    growing = np.ones(n, dtype=np.bool_)
    left = n
    usage = np.zeros(len(capacity))
    number = np.zeros(len(capacity), dtype=np.int64)
    while left > 0:
        number[:] = 0
        for t in range(n):
            if growing[t]:
                for e in range(first[t], first[t + 1]):
                    if flops[e] > 0.0:
                        number[hosts[e]] += 1
        for host in range(len(capacity)):
            usage[host] = capacity[host] / number[host] if number[host] > 0 else 0.0
        for t in range(n):
            # A task that has its rate keeps its last step, which SimGrid goes on taking off the hosts.
            if growing[t]:
                increment = bounds[t] - value[t]
                for e in range(first[t], first[t + 1]):
                    if flops[e] > 0.0:
                        increment = min(increment, usage[hosts[e]] / flops[e])
                step[t] = increment
                value[t] += increment
                if value[t] == bounds[t]:
                    growing[t] = False
        for t in range(n):
            for e in range(first[t], first[t + 1]):
                rest = capacity[hosts[e]] - flops[e] * step[t]
                capacity[hosts[e]] = 0.0 if rest < _SNAP_FLOPS else rest
        left = 0
        for t in range(n):
            if growing[t]:
                for e in range(first[t], first[t + 1]):
                    if flops[e] > 0.0 and capacity[hosts[e]] <= 0.0:
                        growing[t] = False
            left += growing[t]
    return value


@jitted
def solve_shared(s: Kernel) -> None:
    """Give every task its rate and every host its load, from scratch."""
    k = s.head[0]
    slots = np.empty(k.n_act, dtype=np.int64)
    first = np.zeros(k.n_act + 1, dtype=np.int64)
    n = 0
    for pos in range(k.n_act):
        slot = s.slot[pos]
        if s.actions[slot].kind == x.A_TASK and s.actions[slot].state == x.LIVE and s.left[pos] > 0.0:
            slots[n] = slot
            first[n + 1] = first[n] + _n_executors(s, slot)
            n += 1
    hosts = np.empty(first[n], dtype=np.int64)
    flops = np.empty(first[n], dtype=np.float64)
    bounds = np.empty(n, dtype=np.float64)
    capacity = np.empty(k.n_hosts, dtype=np.float64)
    for host in range(k.n_hosts):
        capacity[host] = s.h_cores[host] * s.pstates[s.h_cls[host], s.h_pstate[host]].speed_flops
    for t in range(n):
        executors_of(s, slots[t], hosts, flops, first[t])
        bound = np.inf
        for e in range(first[t], first[t + 1]):
            if flops[e] > 0.0:
                bound = min(bound, s.pstates[s.h_cls[hosts[e]], s.h_pstate[hosts[e]]].speed_flops / flops[e])
        bounds[t] = bound
    rates = _fill(bounds, first[: n + 1], hosts, flops, capacity)
    for host in range(k.n_hosts):
        s.h_usage_flops[host] = 0.0
        s.h_n_tasks[host] = 0
    for t in range(n):
        s.actions[slots[t]].loaded = 1
        set_rate(s, slots[t], rates[t])
        for e in range(first[t], first[t + 1]):
            if flops[e] > 0.0:
                s.h_usage_flops[hosts[e]] += flops[e] * rates[t]
                s.h_n_tasks[hosts[e]] += 1
    if k.energy:
        for host in range(k.n_hosts):
            refresh_power(s, host)


@jitted
def unload_shared(s: Kernel, slot: int) -> None:
    """Take the load of an ended task off its hosts at once; the others keep theirs until the next solve."""
    n = _n_executors(s, slot)
    hosts = np.empty(n, dtype=np.int64)
    flops = np.empty(n, dtype=np.float64)
    executors_of(s, slot, hosts, flops, 0)
    rate = s.rate[s.actions[slot].pos]
    for e in range(n):
        if flops[e] > 0.0:
            s.h_n_tasks[hosts[e]] -= 1
            s.h_usage_flops[hosts[e]] = (
                s.h_usage_flops[hosts[e]] - flops[e] * rate if s.h_n_tasks[hosts[e]] > 0 else 0.0
            )
            refresh_power(s, hosts[e])
