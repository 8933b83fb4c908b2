"""The actors with little to do: submitters, the scheduler's messenger, waiters and killers (0.5, 1.5)."""

from __future__ import annotations

from wattq.simulator import codes as x
from wattq.simulator import layout as c
from wattq.simulator.actors import call_end, call_put, call_sleep
from wattq.simulator.jit import inlined, jitted
from wattq.simulator.job_actor import charge_job_end, close_job
from wattq.simulator.layout import Kernel
from wattq.simulator.power import query_all
from wattq.simulator.queries import begin_query, query_goes_on

__all__ = ["resume_killer", "resume_messenger", "resume_submitter", "resume_waiter"]

# Where a submitter stands.
_HELLO, _GREETED, _LOOK, _SLEEP, _AWAKE, _TAKE, _COUNT, _BYE, _GONE = range(9)


@inlined
def _due_s(s: Kernel, submitter: int) -> float:
    """Return the date of the next thing to submit."""
    u = s.submitters[submitter]
    if u.kind == x.EVENTS:
        return s.externals[u.pos].time_s
    return s.jobs[u.pos].submit_s


@inlined
def _send_batch(s: Kernel, actor: int, submitter: int, then: int) -> bool:
    """Send what was gathered, if anything; return whether the actor yields."""
    u = s.submitters[submitter]
    if u.pos == u.sent:
        s.actors[actor].pc = then
        return False
    kind = x.M_EVENTS if u.kind == x.EVENTS else x.M_SUBMITTED
    call_put(s, actor, kind, u.sent, u.pos, then)
    u.sent = u.pos
    return True


@jitted
def resume_submitter(s: Kernel, actor: int) -> None:
    """Run a submitter of jobs or external events until its next blocking call."""
    k = s.head[0]
    a = s.actors[actor]
    u = s.submitters[a.idx]
    while True:
        if a.pc == _HELLO:
            call_put(s, actor, x.M_HELLO, a.idx, 0, _GREETED)
            return
        if a.pc == _GREETED:
            u.current_s = k.clock_s
            a.pc = _LOOK
        elif a.pc == _LOOK:
            if u.pos == u.last:
                if _send_batch(s, actor, a.idx, _BYE):
                    return
            elif _due_s(s, a.idx) > u.current_s:
                if _send_batch(s, actor, a.idx, _SLEEP):
                    return
            else:
                a.pc = _TAKE
        elif a.pc == _SLEEP:
            call_sleep(s, actor, _due_s(s, a.idx) - u.current_s, _AWAKE)
            return
        elif a.pc == _AWAKE:
            u.current_s = k.clock_s
            a.pc = _TAKE
        elif a.pc == _TAKE:
            u.pos += 1
            a.pc = _LOOK
            if u.kind == x.SUBMITTER and not u.counted:
                u.counted = 1
                if k.energy and k.first_job_j < 0.0:
                    begin_query(s, actor, False)
                    a.pc = _COUNT
        elif a.pc == _COUNT:
            if query_goes_on(s, actor, -1):
                return
            k.first_job_j = query_all(s)
            a.pc = _LOOK
        elif a.pc == _BYE:
            call_put(s, actor, x.M_BYE, a.idx, 0, _GONE)
            return
        else:
            call_end(s, actor)
            return


@jitted
def resume_messenger(s: Kernel, actor: int) -> None:
    """Inject the scheduler's decisions one by one at their dates, then tell the server that it is ready.

    Steps: 1 next decision, 2 its date has come, 3 the date of the reply has come, 4 end.
    """
    k = s.head[0]
    a = s.actors[actor]
    while True:
        if a.pc == 1:
            if a.k == k.reply_n:
                if k.reply_now_s > k.clock_s:
                    call_sleep(s, actor, k.reply_now_s - k.clock_s, 3)
                    return
                a.pc = 3
                continue
            d = s.decisions[a.k]
            if d.kind > c.DO_REGISTER_PROFILE:
                k.abort = d.a
                k.abort_a = d.job
                call_end(s, actor)
                return
            if d.kind == c.DO_EXECUTE and s.jobs[d.job].deleted:
                k.abort = x.AB_UNKNOWN_JOB
                k.abort_a = d.job
                call_end(s, actor)
                return
            a.pc = 2
            if d.time_s > k.clock_s:
                call_sleep(s, actor, d.time_s - k.clock_s, 2)
                return
        elif a.pc == 2:
            a.k += 1
            call_put(s, actor, x.M_DECISION, a.k - 1, 0, 1)
            return
        elif a.pc == 3:
            call_put(s, actor, x.M_READY, 0, 0, 4)
            return
        else:
            call_end(s, actor)
            return


@jitted
def resume_waiter(s: Kernel, actor: int) -> None:
    """Sleep until the date of a CALL_ME_LATER, then tell the server."""
    k = s.head[0]
    a = s.actors[actor]
    if a.pc == 0 and a.f0 > k.clock_s:
        call_sleep(s, actor, max(a.f0 - k.clock_s, 1e-5), 1)
    elif a.pc <= 1 and not k.end_sent:
        call_put(s, actor, x.M_WAITED, 0, 0, 2)
    else:
        call_end(s, actor)


@inlined
def _note_progress(s: Kernel, record: int, actor: int) -> None:
    """Record how far a job is: its path in the profile tree and the progress of the leaf (1.2)."""
    k = s.head[0]
    r = s.kills[record]
    a = s.actors[actor]
    r.path = k.n_paths
    r.n_path = a.depth
    for depth in range(a.depth):
        s.paths[2 * k.n_paths] = s.stack[actor, depth, 0]
        s.paths[2 * k.n_paths + 1] = s.stack[actor, depth, 1]
        k.n_paths += 1
    leaf = s.nodes[a.first]
    r.known = leaf.kind != c.N_TRACE
    if leaf.kind == c.N_DELAY:
        r.progress = (k.clock_s - a.f0) / leaf.amount
    elif a.task >= 0:
        r.progress = 1.0 - s.left[s.actions[a.task].pos]


@jitted
def resume_killer(s: Kernel, actor: int) -> None:
    """Kill jobs one by one: cancel a running parallel task, else end the job's actor, then tell the server.

    Steps: 0 next job, 1 the actor is dead, 2 its energy is queried, 3 end.
    """
    k = s.head[0]
    a = s.actors[actor]
    while True:
        if a.pc == 0:
            if a.k == a.n:
                call_put(s, actor, x.M_KILLED, a.idx, a.n, 3)
                return
            record = a.idx + a.k
            a.k += 1
            job = s.kills[record].job
            if s.jobs[job].state != c.RUNNING:
                continue
            victim = s.jobs[job].actor
            _note_progress(s, record, victim)
            a.arg = victim
            if s.actors[victim].task >= 0:
                a.call = x.CALL_CANCEL
            else:
                a.call = x.CALL_KILL
                a.pc = 1
            a.first = job
            return
        if a.pc == 1:
            s.jobs[a.first].state = c.KILLED
            close_job(s, a.first)
            begin_query(s, actor, True)
            a.pc = 2
        elif a.pc == 2:
            if k.energy:
                if query_goes_on(s, actor, a.first):
                    return
                charge_job_end(s, a.first)
            a.pc = 0
        else:
            call_end(s, actor)
            return
