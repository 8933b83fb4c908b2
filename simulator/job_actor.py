"""The actor that executes a job, step by step (batsim-semantics.md, 2.2 and 2.3)."""

from __future__ import annotations

from wattq.simulator import codes as x
from wattq.simulator import layout as c
from wattq.simulator.actors import call_create, call_end, call_put, call_sleep, call_start, call_wait, new_actor
from wattq.simulator.checks import abort, check_permission
from wattq.simulator.jit import inlined, jitted
from wattq.simulator.layout import Kernel
from wattq.simulator.machines import machines_end_job, machines_run_job
from wattq.simulator.queries import add_energy_row, begin_query, job_energy, query_goes_on
from wattq.simulator.ranks import RANK_ENDS

__all__ = ["charge_job_end", "close_job", "resume_job", "resume_rank"]

# Where a job actor stands.
(_BEGIN, _QUERY_BEGIN, _LEAF, _WAIT, _WAITED, _SLEPT, _CUT, _RANKS, _RANK_GET, _RANK_GOT, _END, _QUERY_END, _GONE) = (
    range(13)
)
_START_ROW, _END_ROW = 115, 101  # 's', 'e'
_KILLED_CODE = -2


@inlined
def _push(s: Kernel, actor: int, node: int) -> None:
    """Enter a profile node."""
    a = s.actors[actor]
    s.stack[actor, a.depth, 0] = node
    s.stack[actor, a.depth, 1] = 0
    a.depth += 1


@inlined
def _leave(s: Kernel, actor: int, code: int) -> int:
    """A leaf returned a code: go to the next leaf, or end the job.

    A composed profile fails with the first code that is not 0, else it returns its own.

    Returns:
        The next step of the job actor.
    """
    a = s.actors[actor]
    a.depth -= 1
    while a.depth > 0:
        node = s.nodes[s.stack[actor, a.depth - 1, 0]]
        if code == 0:
            pos = s.stack[actor, a.depth - 1, 1] + 1
            if pos < node.repeat * node.n:
                s.stack[actor, a.depth - 1, 1] = pos
                _push(s, actor, s.children[node.first + pos % node.n])
                return _LEAF
            code = node.code
        a.depth -= 1
    s.jobs[a.idx].return_code = code
    return _END


@inlined
def _begin_delay(s: Kernel, actor: int, delay_s: float) -> bool:
    """Sleep for a delay, or until the walltime; return whether the actor yields."""
    a = s.actors[actor]
    j = s.jobs[a.idx]
    a.f0 = s.head[0].clock_s
    if j.remaining_s < 0.0 or delay_s < j.remaining_s:
        call_sleep(s, actor, delay_s, _SLEPT)
        return True
    rest_s = j.remaining_s
    j.remaining_s = 0.0
    if rest_s > 0.0:
        call_sleep(s, actor, rest_s, _CUT)
        return True
    a.pc = _leave(s, actor, -1)
    return False


@jitted
def _begin_leaf(s: Kernel, actor: int) -> bool:
    """Go down to the next leaf and begin it; return whether the actor yields."""
    a = s.actors[actor]
    node = s.stack[actor, a.depth - 1, 0]
    while s.nodes[node].kind == c.N_COMPOSED:
        node = s.children[s.nodes[node].first]
        _push(s, actor, node)
    a.first = node
    kind = s.nodes[node].kind
    if kind == c.N_DELAY:
        return _begin_delay(s, actor, s.nodes[node].amount)
    if kind == c.N_TRACE:
        a.k = 0
        a.n = s.nodes[node].n
        a.pc = _RANKS
        return False
    k = s.head[0]
    a.f0 = k.clock_s
    if k.n_compute < k.n_hosts:
        check_permission(s, a.idx, node)
    if k.abort == x.OK:
        call_start(s, actor, _WAIT)
    else:
        call_end(s, actor)
    return True


@jitted
def _create_rank(s: Kernel, actor: int) -> None:
    """Create the next rank of a usage trace: rank r is executor r mod (hosts requested)."""
    a = s.actors[actor]
    j = s.jobs[a.idx]
    index = a.k % j.hosts
    host = -1
    for iv in range(j.task_iv, j.task_iv + j.n_task_iv):
        size = s.alloc[iv, 1] - s.alloc[iv, 0] + 1
        if index < size:
            host = s.alloc[iv, 0] + index
            break
        index -= size
    rank = new_actor(s, x.RANK, a.idx, host)
    s.actors[rank].parent = actor
    s.actors[rank].first = s.nodes[a.first].first + 2 * a.k
    call_create(s, actor, rank, _RANKS)
    a.k += 1


@inlined
def _rank_got(s: Kernel, actor: int) -> bool:
    """A rank reported its end, or the walltime came first; return whether all is over."""
    a = s.actors[actor]
    j = s.jobs[a.idx]
    if a.woke == x.W_TIMEOUT:
        a.call = x.CALL_KILL
        a.arg = -2  # the ranks of this job
        a.pc = _CUT
        return False
    if j.remaining_s >= 0.0:
        j.remaining_s -= s.head[0].clock_s - a.f0
    a.n -= 1
    if a.n > 0:
        a.pc = _RANK_GET
        return True
    a.pc = _leave(s, actor, s.nodes[a.first].code)
    return True


@inlined
def close_job(s: Kernel, job: int) -> None:
    """A job is over: free its machines and note the date."""
    j = s.jobs[job]
    machines_end_job(s, job)
    j.end_s = s.head[0].clock_s


@inlined
def charge_job_end(s: Kernel, job: int) -> None:
    """Set the energy of a job that ended, all hosts being up to date."""
    s.jobs[job].energy_j = job_energy(s, job) - s.jobs[job].energy_j
    s.head[0].last_end_j = add_energy_row(s, _END_ROW)


@inlined
def _finish(s: Kernel, job: int) -> None:
    """Set the final state of a job from its return code."""
    j = s.jobs[job]
    if j.return_code == 0:
        j.state = c.SUCCESS
    elif j.return_code > 0:
        j.state = c.FAILED
    elif j.return_code == -1:
        j.state = c.WALLTIME
    elif j.return_code == _KILLED_CODE:
        j.state = c.KILLED
    else:
        abort(s, x.AB_RETURN_CODE, job, j.return_code)
    close_job(s, job)


@inlined
def _after_task(s: Kernel, actor: int) -> None:
    """A parallel task ended, hit the walltime or was cancelled."""
    a = s.actors[actor]
    j = s.jobs[a.idx]
    code = s.nodes[a.first].code
    if a.woke == x.W_TIMEOUT:
        code = -1
    elif a.woke == x.W_CANCELLED:
        code = -2
    if j.remaining_s >= 0.0:
        j.remaining_s -= s.head[0].clock_s - a.f0
    a.pc = _leave(s, actor, code)


@jitted
def resume_job(s: Kernel, actor: int) -> None:
    """Run a job actor until its next blocking call."""
    k = s.head[0]
    a = s.actors[actor]
    job = a.idx
    j = s.jobs[job]
    while True:
        if a.pc == _BEGIN:
            j.start_s = k.clock_s
            j.remaining_s = j.walltime_s
            begin_query(s, actor, True)
            a.pc = _QUERY_BEGIN
        elif a.pc == _QUERY_BEGIN:
            if k.energy:
                if query_goes_on(s, actor, job):
                    return
                j.energy_j = job_energy(s, job)
                add_energy_row(s, _START_ROW)
            machines_run_job(s, job)
            a.depth = 0
            _push(s, actor, j.node)
            a.pc = _LEAF
        elif a.pc == _LEAF:
            if _begin_leaf(s, actor):
                return
        elif a.pc == _WAIT:
            call_wait(s, actor, j.remaining_s, _WAITED)
            return
        elif a.pc == _WAITED:
            _after_task(s, actor)
        elif a.pc == _SLEPT:
            if j.remaining_s > 0.0:
                j.remaining_s -= s.nodes[a.first].amount
            a.pc = _leave(s, actor, s.nodes[a.first].code)
        elif a.pc == _CUT:
            a.pc = _leave(s, actor, -1)
        elif a.pc == _RANKS:
            if a.k < a.n:
                _create_rank(s, actor)
                return
            a.pc = _RANK_GET
        elif a.pc == _RANK_GET:
            a.f0 = k.clock_s
            a.call = x.CALL_RANK_GET
            a.call_s = j.remaining_s
            a.pc = _RANK_GOT
            return
        elif a.pc == _RANK_GOT:
            if not _rank_got(s, actor):
                return
        elif a.pc == _END:
            _finish(s, job)
            if k.abort != x.OK:
                call_end(s, actor)
                return
            begin_query(s, actor, True)
            a.pc = _QUERY_END
        elif a.pc == _QUERY_END:
            if k.energy:
                if query_goes_on(s, actor, job):
                    return
                charge_job_end(s, job)
            if j.state == c.KILLED:
                call_end(s, actor)
            else:
                call_put(s, actor, x.M_COMPLETED, job, 0, _GONE)
            return
        else:
            call_end(s, actor)
            return


@jitted
def resume_rank(s: Kernel, actor: int) -> None:
    """Run a rank of a usage trace: its lines one after the other, then a word to the job actor."""
    a = s.actors[actor]
    if a.pc == 1:
        call_wait(s, actor, -1.0, 0)
        return
    if a.pc == RANK_ENDS:
        call_end(s, actor)
        return
    first = s.children[a.first]
    if a.k < s.children[a.first + 1]:
        usage = s.amounts[first + 2 * a.k]
        a.f0 = s.amounts[first + 2 * a.k + 1]
        wanted = usage * s.h_cores[a.host]
        a.n = max(int(wanted + 0.5), 1)  # half away from zero, at least one core
        a.k += 1
        call_start(s, actor, 1)
        return
    a.call = x.CALL_RANK_PUT
    a.pc = RANK_ENDS
