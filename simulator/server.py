"""Batsim's server actor: it handles control messages one at a time and talks to the scheduler (0.6, 1.3 to 1.7)."""

from __future__ import annotations

from wattq.simulator import codes as x
from wattq.simulator import layout as c
from wattq.simulator.actors import call_create, call_end, new_actor
from wattq.simulator.checks import abort, check_execution, request_is_valid
from wattq.simulator.events import add_event, add_job_event
from wattq.simulator.jit import inlined, jitted
from wattq.simulator.layout import Kernel
from wattq.simulator.machines import add_state_row
from wattq.simulator.power import change_state, query_all
from wattq.simulator.queries import begin_query, query_goes_on
from wattq.simulator.switching import begin_request, group_done, mark_switched, request_goes_on

__all__ = ["RECEIVE", "RECEIVED", "resume_server"]

# Where the server stands.
_BEGIN, RECEIVE, RECEIVED, _TALK, _REQUEST_QUERY, _REQUEST, _SWITCHED_QUERY, _ENERGY_QUERY, _EXIT = range(9)


@inlined
def _on_execute(s: Kernel, server: int, d: int) -> bool:
    """Start a job; return whether the server yields."""
    k = s.head[0]
    reason = check_execution(s, d)
    if reason != x.OK:
        abort(s, reason, s.decisions[d].job, k.abort_b)
        return False
    job = s.decisions[d].job
    s.jobs[job].state = c.RUNNING
    k.n_running += 1
    actor = new_actor(s, x.JOB, job, s.alloc[s.jobs[job].iv, 0])
    s.jobs[job].actor = actor
    call_create(s, server, actor, _TALK)
    return True


@inlined
def _on_reject(s: Kernel, job: int) -> None:
    """Refuse a job for good."""
    k = s.head[0]
    if job < 0 or s.jobs[job].deleted:
        abort(s, x.AB_UNKNOWN_JOB, job, 0)
        return
    if s.jobs[job].state != c.SUBMITTED:
        abort(s, x.AB_REJECT, job, s.jobs[job].state)
        return
    s.jobs[job].state = c.REJECTED
    k.n_completed += 1
    _write_job(s, job)


@inlined
def _write_job(s: Kernel, job: int) -> None:
    """Write a row of jobs.csv."""
    k = s.head[0]
    s.jobs[job].written = 1
    s.out_jobs[k.n_out_jobs] = job
    k.n_out_jobs += 1


@inlined
def _on_kill(s: Kernel, server: int, d: int) -> bool:
    """Create a killer for the jobs whose kill was not asked before; return whether the server yields."""
    k = s.head[0]
    first = k.n_kills
    for i in range(s.decisions[d].a, s.decisions[d].a + s.decisions[d].b):
        job = s.kill_list[i]
        j = s.jobs[job]
        if job < 0 or j.deleted:
            abort(s, x.AB_UNKNOWN_JOB, job, 0)
            return False
        if j.kill_requested:
            continue
        if j.state < c.RUNNING or j.state == c.REJECTED:
            abort(s, x.AB_KILL, job, j.state)
            return False
        j.kill_requested = 1
        record = s.kills[k.n_kills]
        record.job = job
        record.known = 0
        record.n_path = 0
        record.progress = 0.0
        k.n_kills += 1
    if k.n_kills == first:
        return False
    killer = new_actor(s, x.KILLER, first, -1)
    s.actors[killer].n = k.n_kills - first
    k.n_killers += 1
    call_create(s, server, killer, _TALK)
    return True


@inlined
def _on_call(s: Kernel, server: int, d: int) -> bool:
    """Create a waiter; return whether the server yields."""
    k = s.head[0]
    if s.decisions[d].target_s <= k.clock_s:
        abort(s, x.AB_PAST_CALL, d, 0)
        return False
    waiter = new_actor(s, x.WAITER, d, -1)
    s.actors[waiter].f0 = s.decisions[d].target_s
    k.n_waiters += 1
    call_create(s, server, waiter, _TALK)
    return True


@inlined
def _on_metadata(s: Kernel, d: int) -> None:
    """Note the metadata of a job for its row, unless that was written already."""
    job = s.decisions[d].job
    if job < 0 or s.jobs[job].deleted:
        abort(s, x.AB_UNKNOWN_JOB, job, 0)
    elif not s.jobs[job].written:
        s.jobs[job].note = s.decisions[d].a


@inlined
def _on_decision(s: Kernel, server: int, d: int) -> bool:
    """Apply one decision of the scheduler; return whether the server yields."""
    k = s.head[0]
    kind = s.decisions[d].kind
    a = s.actors[server]
    a.pc = _TALK
    if kind == c.DO_EXECUTE:
        return _on_execute(s, server, d)
    if kind == c.DO_REJECT:
        _on_reject(s, s.decisions[d].job)
        return False
    if kind == c.DO_KILL:
        return _on_kill(s, server, d)
    if kind == c.DO_CALL:
        return _on_call(s, server, d)
    if kind == c.DO_REGISTRATION_FINISHED:
        k.registering = 0
        return False
    if kind == c.DO_CONTINUE_REGISTRATION:
        k.registering = 1
        return False
    if kind == c.DO_REGISTER_JOB:
        k.n_submitted += 1
        if k.acknowledge:
            add_job_event(s, c.EV_SUBMITTED, s.decisions[d].job)
        return False
    if kind == c.DO_METADATA:
        _on_metadata(s, d)
        return False
    if kind == c.DO_SET_STATE or kind == c.DO_QUERY_ENERGY:
        if not k.energy:
            abort(s, x.AB_NO_ENERGY, kind, 0)
            return False
        if kind == c.DO_SET_STATE and not request_is_valid(s, d):
            return False
        begin_query(s, server, False)
        a.first = d
        a.pc = _REQUEST_QUERY if kind == c.DO_SET_STATE else _ENERGY_QUERY
        return False
    return False


@jitted
def _on_externals(s: Kernel, first: int, last: int) -> None:
    """Machines become unavailable or available; other events are forwarded (1.6)."""
    for e in range(first, last):
        event = s.externals[e]
        if event.kind == c.EV_GENERIC:
            add_event(s, c.EV_GENERIC, -1, event.number, 0.0, 0, 0)
            continue
        for iv in range(event.iv, event.iv + event.n_iv):
            for host in range(s.event_iv[iv, 0], s.event_iv[iv, 1] + 1):
                away = s.h_state[host] == c.UNAVAILABLE
                if event.kind == c.EV_UNAVAILABLE:
                    if away:
                        abort(s, x.AB_UNAVAILABLE_TWICE, host, 0)
                        return
                    change_state(s, host, c.UNAVAILABLE)
                else:
                    if not away:
                        abort(s, x.AB_AVAILABLE_TWICE, host, 0)
                        return
                    change_state(s, host, c.COMPUTING if s.h_n_jobs[host] > 0 else c.IDLE)
        if event.n_iv > 0:
            add_event(s, event.kind, -1, event.number, 0.0, event.iv, event.n_iv)


@jitted
def _on_killed(s: Kernel, first: int, n: int) -> None:
    """A killer is done: completions of the jobs that it really killed, then the acknowledgement."""
    k = s.head[0]
    for i in range(first, first + n):
        job = s.kills[i].job
        if s.jobs[job].state == c.KILLED:
            k.n_running -= 1
            k.n_completed += 1
            add_job_event(s, c.EV_COMPLETED, job)
            _write_job(s, job)
    add_event(s, c.EV_KILLED, -1, first, 0.0, 0, n)
    k.n_killers -= 1


@inlined
def _on_bye(s: Kernel, submitter: int) -> None:
    """A submitter has nothing more to say."""
    k = s.head[0]
    if s.submitters[submitter].kind == x.EVENTS:
        k.event_submitters_done += 1
        if k.event_submitters_done == k.n_event_submitters:
            add_event(s, c.EV_NO_MORE_EVENTS, -1, 0, 0.0, 0, 0)
    else:
        k.submitters_done += 1
        if k.submitters_done == k.n_submitters:
            add_event(s, c.EV_NO_MORE_JOBS, -1, 0, 0.0, 0, 0)


@inlined
def _on_submitted(s: Kernel, first: int, last: int) -> None:
    """A batch of jobs arrived."""
    for job in range(first, last):
        s.jobs[job].state = c.SUBMITTED
        s.head[0].n_submitted += 1
        add_job_event(s, c.EV_SUBMITTED, job)


@inlined
def _handle(s: Kernel, server: int) -> bool:
    """Handle the message just received; return whether the server yields."""
    k = s.head[0]
    a = s.actors[server]
    a.pc = _TALK
    kind = a.mail
    if kind == x.M_DECISION:
        return _on_decision(s, server, a.mail_a)
    if kind == x.M_SUBMITTED:
        _on_submitted(s, a.mail_a, a.mail_b)
    elif kind == x.M_COMPLETED:
        k.n_running -= 1
        k.n_completed += 1
        add_job_event(s, c.EV_COMPLETED, a.mail_a)
        _write_job(s, a.mail_a)
    elif kind == x.M_READY:
        k.sched_ready = 1
        if k.end_sent:
            k.end_acked = 1
    elif kind == x.M_BYE:
        _on_bye(s, a.mail_a)
    elif kind == x.M_WAITED:
        add_event(s, c.EV_CALL, -1, 0, 0.0, 0, 0)
        k.n_waiters -= 1
    elif kind == x.M_KILLED:
        _on_killed(s, a.mail_a, a.mail_b)
    elif kind == x.M_EVENTS:
        _on_externals(s, a.mail_a, a.mail_b)
    elif kind == x.M_SWITCHED:
        a.first = mark_switched(s, a.mail_a, a.mail_b)
        k.n_switching -= 1
        if a.first >= 0:
            begin_query(s, server, False)
            a.pc = _SWITCHED_QUERY
    return False


@inlined
def _finished(s: Kernel) -> bool:
    """Return whether nothing is left to happen (1.7)."""
    k = s.head[0]
    return (
        k.submitters_done == k.n_submitters
        and k.event_submitters_done == k.n_event_submitters
        and k.registering == 0
        and k.n_completed == k.n_submitted
        and k.n_running == 0
        and k.n_switching == 0
        and k.n_waiters == 0
        and k.n_killers == 0
    )


@inlined
def _talk(s: Kernel, server: int) -> bool:
    """Send what there is to say, when the scheduler is ready and no message waits; return whether the server yields."""
    k = s.head[0]
    a = s.actors[server]
    a.pc = RECEIVE
    if k.end_acked:
        a.pc = _EXIT
        return False
    if not k.sched_ready or k.mail_head != k.mail_tail:
        return False
    if k.ev_n == 0:
        if k.end_sent or not _finished(s):
            return False
        add_event(s, c.EV_ENDS, -1, 0, 0.0, 0, 0)
        k.end_sent = 1
    k.sched_ready = 0
    call_create(s, server, new_actor(s, x.SCHEDULER, 0, -1), RECEIVE)
    return True


@jitted
def resume_server(s: Kernel, server: int) -> None:
    """Run the server until its next blocking call."""
    k = s.head[0]
    a = s.actors[server]
    while k.abort == x.OK:
        if a.pc == _BEGIN:
            add_event(s, c.EV_BEGINS, -1, 0, 0.0, 0, 0)
            call_create(s, server, new_actor(s, x.SCHEDULER, 0, -1), RECEIVE)
            return
        if a.pc == RECEIVE:
            a.call = x.CALL_GET
            a.pc = RECEIVED
            return
        if a.pc == RECEIVED:
            if _handle(s, server):
                return
        elif a.pc == _TALK:
            if _talk(s, server):
                return
        elif a.pc == _REQUEST_QUERY:
            if query_goes_on(s, server, -1):
                return
            begin_request(s, server, a.first)
            a.pc = _REQUEST
        elif a.pc == _REQUEST:
            if request_goes_on(s, server, _REQUEST):
                return
            a.pc = _TALK
        elif a.pc == _SWITCHED_QUERY:
            if query_goes_on(s, server, -1):
                return
            group_done(s, a.first)
            add_state_row(s)
            a.pc = _TALK
        elif a.pc == _ENERGY_QUERY:
            if query_goes_on(s, server, -1):
                return
            add_event(s, c.EV_ENERGY, -1, 0, query_all(s), 0, 0)
            a.pc = _TALK
        else:
            if k.n_waiters > 0:
                abort(s, x.AB_CALL_AT_END, 0, 0)
            break
    call_end(s, server)
