"""Parallel tasks: their rates, and the load they put on hosts (batsim-semantics.md, 0.8 and 2.4)."""

from __future__ import annotations

import numpy as np

from wattq.simulator import codes as x
from wattq.simulator import layout as c
from wattq.simulator.bits import span
from wattq.simulator.host_ranges import change_power
from wattq.simulator.jit import inlined, jitted
from wattq.simulator.layout import Kernel
from wattq.simulator.power import add_power, load_power, move_power, refresh_power, touch
from wattq.simulator.sensitivity import stretch
from wattq.simulator.sharing import solve_shared, unload_shared
from wattq.simulator.timed import add_action, drop_action, set_rate

__all__ = ["end_task", "solve", "start_task"]

_NO_RATE = 1e-300


@inlined
def _speed(s: Kernel, host: int) -> float:
    """Return the speed of one core of a host in its present power state, flop/s."""
    return s.pstates[s.h_cls[host], s.h_pstate[host]].speed_flops


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
    # The solver gives it its rate before any time passes.
    slot = add_action(s, x.A_TASK, actor, a.host, left, 1.0 if left == 0.0 else _NO_RATE, x.SNAP_TASK)
    a.task = slot
    executors = a.n
    host = a.host
    if a.kind == x.JOB:
        executors = s.jobs[a.idx].n_executors
        host = s.alloc[s.jobs[a.idx].task_iv, 0]
    if executors == 1 and k.energy:
        touch(s, host)
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
    same = s.nodes[node].kind != c.N_PARALLEL
    if same and s.head[0].uniform:
        first = s.alloc[job.task_iv, 0]
        flops = _flops(s, node, job.n_executors, 0) * stretch(s, s.actors[actor].idx, first)
        _load_alike(s, slot, s.actors[actor].idx, flops, _speed(s, first) / flops)
        return
    cls, pstate = -1, -1
    i = 0
    for iv in range(job.task_iv, job.task_iv + job.n_task_iv):
        for host in span(s.alloc[iv, 0], s.alloc[iv, 1]):
            if not same or s.h_cls[host] != cls or s.h_pstate[host] != pstate:
                cls, pstate = s.h_cls[host], s.h_pstate[host]
                flops = _flops(s, node, job.n_executors, i) * stretch(s, s.actors[actor].idx, host)
                if flops > 0.0:
                    rate = min(rate, s.pstates[cls, pstate].speed_flops / flops)
            i += 1
    set_rate(s, slot, rate)
    if s.head[0].energy:
        _load_job(s, s.actors[actor].idx, node, rate)


@jitted
def _load_alike(s: Kernel, slot: int, number: int, flops: float, rate: float) -> None:
    """Set the rate of a job's task, and the load of its hosts, where all hosts are alike and have the same work."""
    k = s.head[0]
    set_rate(s, slot, rate)
    if not k.energy:
        return
    job = s.jobs[number]
    power_w = 0.0
    for iv in range(job.task_iv, job.task_iv + job.n_task_iv):
        first, last = s.alloc[iv, 0], s.alloc[iv, 1]
        for host in span(first, last):
            s.h_usage_flops[host] = flops * rate
            s.h_n_tasks[host] = 1
        if iv == job.task_iv:
            power_w = load_power(s, first)
        _change_alike(s, first, last, power_w, k.total_at_s)


@inlined
def _change_alike(s: Kernel, first: int, last: int, power_w: float, from_s: float) -> None:
    """Change the power of neighbouring hosts, and the sums of the platform."""
    k = s.head[0]
    if s.sums[c.SUM_STATE_N, c.UNAVAILABLE] > 0.0:
        for host in span(first, last):
            change = move_power(s, host, power_w, max(s.h_at_s[host], from_s))
            add_power(s, s.h_state[host], change)
        return
    change_w, moved_j = change_power(s, first, last, power_w, from_s, k.total_at_s)
    k.correction_j -= moved_j
    add_power(s, s.h_state[first], change_w)  # a task that outlived its walltime loads hosts that are idle by now


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
    for iv in range(job.task_iv, job.task_iv + job.n_task_iv):
        for host in span(s.alloc[iv, 0], s.alloc[iv, 1]):
            if not same or s.h_cls[host] != cls or s.h_pstate[host] != pstate or s.h_cores[host] != cores:
                cls, pstate, cores = s.h_cls[host], s.h_pstate[host], s.h_cores[host]
                flops = _flops(s, node, job.n_executors, i) * stretch(s, number, host)
                s.h_usage_flops[host] = flops * rate
                s.h_n_tasks[host] = 1 if flops > 0.0 else 0
                power_w = load_power(s, host)
            s.h_usage_flops[host] = flops * rate
            s.h_n_tasks[host] = 1 if flops > 0.0 else 0
            change = move_power(s, host, power_w, max(s.h_at_s[host], k.total_at_s))
            if s.h_state[host] == c.COMPUTING:
                change_w += change
            else:
                add_power(s, s.h_state[host], change)
            i += 1
    add_power(s, c.COMPUTING, change_w)


@jitted
def _solve_switch(s: Kernel, slot: int) -> None:
    """Set the rate of the one flop that stands for switching a machine."""
    host = s.actions[slot].host
    rate = _speed(s, host) / s.actors[s.actions[slot].actor].f0
    set_rate(s, slot, rate)
    if s.head[0].energy:
        s.h_usage_flops[host] = rate
        s.h_n_tasks[host] = 1
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
    if k.uniform:
        first = s.alloc[j.task_iv, 0]
        idle_w = s.pstates[s.h_cls[first], s.h_pstate[first]].idle_w
        for iv in range(j.task_iv, j.task_iv + j.n_task_iv):
            for host in span(s.alloc[iv, 0], s.alloc[iv, 1]):
                s.h_n_tasks[host] = 0
                s.h_usage_flops[host] = 0.0
            _change_alike(s, s.alloc[iv, 0], s.alloc[iv, 1], idle_w, k.clock_s)
        return
    change_w = 0.0
    for iv in range(j.task_iv, j.task_iv + j.n_task_iv):
        for host in span(s.alloc[iv, 0], s.alloc[iv, 1]):
            s.h_n_tasks[host] = 0
            s.h_usage_flops[host] = 0.0
            change = move_power(s, host, s.pstates[s.h_cls[host], s.h_pstate[host]].idle_w, k.clock_s)
            if s.h_state[host] == c.COMPUTING:
                change_w += change
            else:
                add_power(s, s.h_state[host], change)
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
            s.h_n_tasks[a.host] = 0
            s.h_usage_flops[a.host] = 0.0
            refresh_power(s, a.host)
    drop_action(s, slot)
