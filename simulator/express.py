"""Short cuts through the actors where nothing else can happen meanwhile.

Most of the time one thing happens at a date: a job ends, a batch arrives, and the scheduler's decisions travel one
by one to the server while every other action is far from its end. Then the order of the actors is known, and they
are called directly instead of through run lists and mailbox. Whatever does not fit goes the long way: at each exit
the state is the one that the long way has at that point.
"""

from __future__ import annotations

from wattq.simulator import codes as x
from wattq.simulator import layout as c
from wattq.simulator.actors import free_actor, turn
from wattq.simulator.answers import answer
from wattq.simulator.jit import inlined, jitted
from wattq.simulator.job_actor import resume_job
from wattq.simulator.layout import Kernel
from wattq.simulator.power import query_all, touch
from wattq.simulator.sensitivity import stretch
from wattq.simulator.server import RECEIVE, RECEIVED, resume_server
from wattq.simulator.small_actors import resume_submitter, resume_waiter
from wattq.simulator.switching import resume_switch
from wattq.simulator.tasks import solve
from wattq.simulator.timed import compact, next_end, pass_time

__all__ = ["express_news", "express_reply"]

# Nothing may end sooner than this for the short cuts to be taken (s; fraction of the clock).
_QUIET_S = 1.0
_QUIET = 1e-6


@inlined
def _margin_s(s: Kernel) -> float:
    """Return how far the next end must be."""
    return _QUIET_S + _QUIET * s.head[0].clock_s


@inlined
def _look_ahead(s: Kernel) -> None:
    """Bring rates and the time to the next end up to date."""
    k = s.head[0]
    compact(s)
    if k.n_fresh > 0 or k.dirty:
        solve(s)
    if k.quiet_s <= _margin_s(s):
        k.quiet_s = next_end(s)


@inlined
def _travel(s: Kernel, host: int) -> None:
    """Let the time of one message from a host pass, in the two steps that it takes."""
    k = s.head[0]
    row = host if host >= 0 else k.n_hosts
    if s.links[row, 0] > 0.0:
        k.clock_s += s.links[row, 0]
        k.quiet_s -= s.links[row, 0]
        k.n_steps += 1
        pass_time(s, s.links[row, 0])
    delta = 1.0 / s.links[row, 1] if s.links[row, 1] > 0.0 else 0.0
    k.clock_s += delta
    k.quiet_s -= delta
    k.n_steps += 1
    pass_time(s, delta)


@inlined
def _message_s(s: Kernel, host: int) -> float:
    """Return the duration of a message from a host, in s."""
    row = host if host >= 0 else s.head[0].n_hosts
    return s.links[row, 0] + (1.0 / s.links[row, 1] if s.links[row, 1] > 0.0 else 0.0)


@inlined
def _resume(s: Kernel, actor: int) -> None:
    """Run an actor of those that take short cuts until its next blocking call."""
    kind = s.actors[actor].kind
    if kind == x.JOB:
        resume_job(s, actor)
    elif kind == x.SUBMITTER:
        resume_submitter(s, actor)
    elif kind == x.WAITER:
        resume_waiter(s, actor)
    else:
        resume_switch(s, actor)


@jitted
def _run_alone(s: Kernel, actor: int) -> int:
    """Run an actor alone until it waits for time to pass, sends a message or ends; return its last call."""
    while True:
        _resume(s, actor)
        call = s.actors[actor].call
        if call == x.CALL_ENERGY:
            query_all(s)
        elif call == x.CALL_START:
            answer(s, actor)
            s.head[0].n_next -= 1  # it goes on at once
        else:
            return call


@inlined
def _resume_server(s: Kernel) -> None:
    """Run the server until it waits for a message or creates an actor."""
    server = s.head[0].server
    resume_server(s, server)
    while s.actors[server].call == x.CALL_ENERGY:
        query_all(s)
        resume_server(s, server)


@inlined
def _is_long(s: Kernel, d: int) -> bool:
    """Return whether a decision starts a job whose first action cannot end for a while, or rejects one."""
    decision = s.decisions[d]
    if decision.kind == c.DO_REJECT:
        return decision.job >= 0 and not s.jobs[decision.job].deleted
    if decision.kind != c.DO_EXECUTE or decision.n_map > 0 or s.jobs[decision.job].deleted:
        return False
    job = s.jobs[decision.job]
    node = s.nodes[job.node]
    margin_s = _margin_s(s)
    if job.walltime_s >= 0.0 and job.walltime_s <= margin_s:
        return False
    if node.kind == c.N_DELAY:
        return node.amount > margin_s
    if node.kind != c.N_HOMOGENEOUS:
        return False
    first = s.alloc[decision.iv, 0]
    if first < 0 or first >= s.head[0].n_hosts:
        return False
    work_flops = node.amount * stretch(s, decision.job, first)
    return work_flops > 2.0 * margin_s * s.pstates[s.h_cls[first], s.h_pstate[first]].speed_flops


@jitted
def express_reply(s: Kernel) -> bool:
    """Inject a reply whose decisions start or reject jobs and are dated now.

    The run list must hold the messenger, then the server. Decisions are injected up to the first that does not fit.

    Returns:
        Whether the whole reply was injected; if not, the run list stands for what is left.
    """
    k = s.head[0]
    messenger = s.run[k.side, 0]
    server = k.server
    if k.n_run != 2 or s.run[k.side, 1] != server or k.mail_head != k.mail_tail or k.mail_on or k.shared:
        return False
    if k.reply_now_s > k.clock_s or _message_s(s, -1) > _QUIET_S:
        return False
    a = s.actors[server]
    if a.pc != RECEIVE:
        return False
    i = 0
    fits = True
    while fits and i < k.reply_n:
        _look_ahead(s)
        fits = k.quiet_s > 2.0 * _margin_s(s) and s.decisions[i].time_s <= k.clock_s and _is_long(s, i)
        if fits:
            _travel(s, -1)
            a.mail = x.M_DECISION
            a.mail_a = i
            a.pc = RECEIVED
            i += 1
            resume_server(s, server)
            if k.abort != x.OK:
                return False
            if a.call == x.CALL_CREATE:
                job = a.arg
                resume_server(s, server)
                _run_alone(s, job)
                answer(s, job)
            a.pc = RECEIVE
    if fits:
        _look_ahead(s)
        fits = k.quiet_s > 2.0 * _margin_s(s)
    if not fits:
        s.actors[messenger].k = i
        return False
    _travel(s, -1)
    a.mail = x.M_READY
    a.pc = RECEIVED
    free_actor(s, messenger)
    resume_server(s, server)
    answer(s, server)
    turn(s)
    return True


@jitted
def express_news(s: Kernel) -> None:
    """Let a job that ended, or a batch of jobs, reach the scheduler, when it is the only actor that was woken.

    Afterwards the run list holds the messenger and the server, or nothing; or all is left as it was.
    """
    k = s.head[0]
    actor = s.run[k.side, 0]
    a = s.actors[actor]
    if k.n_run != 1 or not k.server_waits or not k.sched_ready or k.mail_on or k.shared or k.ev_n > 0:
        return
    if a.kind != x.JOB and a.kind != x.SUBMITTER and a.kind != x.WAITER and a.kind != x.SWITCH:
        return
    message_s = _message_s(s, a.host)
    if message_s > 0.0:
        _look_ahead(s)
        if message_s > _QUIET_S or k.quiet_s <= 2.0 * _margin_s(s):
            return
    if _run_alone(s, actor) == x.CALL_PUT:
        _deliver(s, actor)
    else:
        answer(s, actor)
    turn(s)


@inlined
def _deliver(s: Kernel, actor: int) -> None:
    """Carry the message of an actor to the waiting server, and let both go on."""
    k = s.head[0]
    a = s.actors[actor]
    _travel(s, a.host)
    if k.energy and a.host >= 0:
        touch(s, a.host)
    server = s.actors[k.server]
    server.mail = a.mail
    server.mail_a = a.mail_a
    server.mail_b = a.mail_b
    server.pc = RECEIVED
    k.server_waits = 0
    _resume_server(s)
    _resume(s, actor)
    answer(s, k.server)
    answer(s, actor)
