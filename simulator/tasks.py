"""Parallel tasks: their rates, and the load they put on hosts (batsim-semantics.md, 0.8 and 2.4)."""

from __future__ import annotations

import numpy as np

from wattq.simulator import codes as x
from wattq.simulator import layout as c
from wattq.simulator.jit import inlined, jitted
from wattq.simulator.layout import Kernel
from wattq.simulator.power import add_power, load_power, move_power, refresh_power, touch
from wattq.simulator.sharing import solve_shared, unload_shared
from wattq.simulator.timed import add_action, drop_action, set_rate

__all__ = ["end_task", "solve", "start_task"]


@inlined
def _speed(s: Kernel, host: int) -> float:
    """Return the speed of one core of a host in its present power state, flop/s."""
    h = s.hosts[host]
    return s.pstates[h.cls, h.pstate].speed_flops


@inlined
def _work_of(s: Kernel, actor: int) -> float:
    """Return the largest amount of work of an executor of a task, in flops (0: nothing to do)."""
    a = s.actors[actor]
    if a.kind != x.JOB:
        return a.f0
    node = s.nodes[a.first]
    if node.kind != c.N_PARALLEL:
        return node.amount
    most = 0.0
    for i in range(node.first, node.first + node.n):
        most = max(most, s.amounts[i])
    return most


@inlined
def start_task(s: Kernel, actor: int) -> None:
    """Start the parallel task of an actor; its rate is set at the next solve."""
    k = s.head[0]
    a = s.actors[actor]
    left = 1.0
    if _work_of(s, actor) <= 0.0:
        left = 0.0
    slot = add_action(s, x.A_TASK, actor, a.host, left, 1.0, x.SNAP_TASK)
    a.task = slot
    executors = a.n
    if a.kind == x.JOB:
        executors = s.jobs[a.idx].n_alloc
    if executors == 1 and k.energy:
        touch(s, a.host)
    if left > 0.0:
        s.fresh[k.n_fresh] = slot
        k.n_fresh += 1


@inlined
def _flops(s: Kernel, node: int, n: int, i: int) -> float:
    """Return the work of executor i of n, in flops."""
    p = s.nodes[node]
    if p.kind == c.N_HOMOGENEOUS:
        return p.amount
    if p.kind == c.N_TOTAL:
        return p.amount / n
    return s.amounts[p.first + i]


@jitted
def _solve_job(s: Kernel, slot: int) -> None:
    """Set the rate of a job's task that shares its hosts with nobody, and the load of its hosts."""
    actor = s.actions[slot].actor
    job = s.jobs[s.actors[actor].idx]
    node = s.actors[actor].first
    rate = np.inf
    cls, pstate, same = -1, -1, s.nodes[node].kind != c.N_PARALLEL
    i = 0
    for iv in range(job.iv, job.iv + job.n_iv):
        for host in range(s.alloc[iv, 0], s.alloc[iv, 1] + 1):
            h = s.hosts[host]
            if not same or h.cls != cls or h.pstate != pstate:
                cls, pstate = h.cls, h.pstate
                flops = _flops(s, node, job.n_alloc, i)
                if flops > 0.0:
                    rate = min(rate, s.pstates[cls, pstate].speed_flops / flops)
            i += 1
    set_rate(s, slot, rate)
    if s.head[0].energy:
        _load_job(s, s.actors[actor].idx, node, rate)


@jitted
def _load_job(s: Kernel, number: int, node: int, rate: float) -> None:
    """Put the load of a job's task on its hosts; in the lazy count it holds from each host's last update on."""
    k = s.head[0]
    job = s.jobs[number]
    cls, pstate, cores, same = -1, -1, -1, s.nodes[node].kind != c.N_PARALLEL
    change_w = 0.0
    flops = 0.0
    power_w = 0.0
    i = 0
    for iv in range(job.iv, job.iv + job.n_iv):
        for host in range(s.alloc[iv, 0], s.alloc[iv, 1] + 1):
            h = s.hosts[host]
            if not same or h.cls != cls or h.pstate != pstate or h.cores != cores:
                cls, pstate, cores = h.cls, h.pstate, h.cores
                flops = _flops(s, node, job.n_alloc, i)
                h.usage_flops = flops * rate
                h.n_tasks = 1 if flops > 0.0 else 0
                power_w = load_power(s, host)
            h.usage_flops = flops * rate
            h.n_tasks = 1 if flops > 0.0 else 0
            change = move_power(s, host, power_w, max(h.at_s, k.total_at_s))
            if h.state == c.COMPUTING:
                change_w += change
            else:
                add_power(s, h.state, change)
            i += 1
    add_power(s, c.COMPUTING, change_w)


@jitted
def _solve_switch(s: Kernel, slot: int) -> None:
    """Set the rate of the one flop that stands for switching a machine."""
    host = s.actions[slot].host
    rate = _speed(s, host) / s.actors[s.actions[slot].actor].f0
    set_rate(s, slot, rate)
    if s.head[0].energy:
        s.hosts[host].usage_flops = rate
        s.hosts[host].n_tasks = 1
        refresh_power(s, host)


@inlined
def _solve_one(s: Kernel, slot: int) -> None:
    """Set the rate of one task on hosts of its own."""
    s.actions[slot].loaded = 1
    if s.actors[s.actions[slot].actor].kind == x.JOB:
        _solve_job(s, slot)
    else:
        _solve_switch(s, slot)


@inlined
def solve(s: Kernel) -> None:
    """Give every task its rate, after tasks started or ended and power states changed."""
    k = s.head[0]
    if k.shared:
        if k.dirty or k.n_fresh > 0:
            solve_shared(s)
    elif k.dirty:
        for pos in range(k.n_act):
            slot = s.slot[pos]
            a = s.actions[slot]
            if a.kind == x.A_TASK and a.state == x.LIVE and s.left[pos] > 0.0:
                _solve_one(s, slot)
    else:
        for i in range(k.n_fresh):
            if s.actions[s.fresh[i]].state == x.LIVE:
                _solve_one(s, s.fresh[i])
    k.n_fresh = 0
    k.dirty = 0


@jitted
def _unload_job(s: Kernel, job: int) -> None:
    """Take the load of a job's task off its hosts, which are updated at this date."""
    k = s.head[0]
    j = s.jobs[job]
    change_w = 0.0
    for iv in range(j.iv, j.iv + j.n_iv):
        for host in range(s.alloc[iv, 0], s.alloc[iv, 1] + 1):
            h = s.hosts[host]
            h.n_tasks = 0
            h.usage_flops = 0.0
            change = move_power(s, host, s.pstates[h.cls, h.pstate].idle_w, k.clock_s)
            if h.state == c.COMPUTING:
                change_w += change
            else:
                add_power(s, h.state, change)
    add_power(s, c.COMPUTING, change_w)


@inlined
def end_task(s: Kernel, slot: int) -> None:
    """Remove a task that ended or was cancelled, and its load."""
    k = s.head[0]
    a = s.actions[slot]
    s.actors[a.actor].task = -1
    if k.shared:
        k.dirty = 1
        if k.energy and a.loaded:
            unload_shared(s, slot)
    elif k.energy and a.loaded:
        if s.actors[a.actor].kind == x.JOB:
            _unload_job(s, s.actors[a.actor].idx)
        else:
            s.hosts[a.host].n_tasks = 0
            s.hosts[a.host].usage_flops = 0.0
            refresh_power(s, a.host)
    drop_action(s, slot)
