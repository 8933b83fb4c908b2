"""The event kernel: Batsim 4.2.1 on SimGrid 3.34, as one compiled function.

`advance` plays Batsim's actors (batsim-semantics.md, 0.2 to 0.6) until the scheduler has to be asked. Everything
happens at the dates, in the order and in the message groups of the real program.
"""

from __future__ import annotations

from wattq.simulator import codes as x
from wattq.simulator import layout as c
from wattq.simulator.actors import free_actor, wake
from wattq.simulator.jit import inlined, jitted
from wattq.simulator.job_actor import resume_job, resume_rank
from wattq.simulator.layout import Kernel, Ledger
from wattq.simulator.ledger import round6
from wattq.simulator.mailbox import deliver_mail, get_mail, put_mail
from wattq.simulator.power import is_stale, query_all, touch
from wattq.simulator.ranks import kill_ranks, rank_get, rank_message_ends, rank_put
from wattq.simulator.room import short_of_room
from wattq.simulator.server import resume_server
from wattq.simulator.small_actors import resume_killer, resume_messenger, resume_submitter, resume_waiter
from wattq.simulator.switching import resume_switch
from wattq.simulator.tasks import end_task, solve, start_task
from wattq.simulator.timed import add_action, advance_clock, charge_end, compact, drop_action

__all__ = ["advance"]


@inlined
def _resume(s: Kernel, actor: int) -> None:
    """Run an actor until its next blocking call."""
    kind = s.actors[actor].kind
    if kind == x.SERVER:
        resume_server(s, actor)
    elif kind == x.JOB:
        resume_job(s, actor)
    elif kind == x.SCHEDULER:
        resume_messenger(s, actor)
    elif kind == x.SUBMITTER or kind == x.EVENTS:
        resume_submitter(s, actor)
    elif kind == x.WAITER:
        resume_waiter(s, actor)
    elif kind == x.SWITCH:
        resume_switch(s, actor)
    elif kind == x.KILLER:
        resume_killer(s, actor)
    else:
        resume_rank(s, actor)


@inlined
def _drop_timer(s: Kernel, actor: int) -> None:
    """Forget the time-out of an actor."""
    a = s.actors[actor]
    if a.timer >= 0:
        drop_action(s, a.timer)
        a.timer = -1


@inlined
def _wait(s: Kernel, actor: int) -> None:
    """An actor waits for its task: set its time-out, after the task in the order of creation."""
    a = s.actors[actor]
    if a.task < 0:
        wake(s, actor, x.W_CANCELLED)
    elif a.call_s >= 0.0:
        a.timer = add_action(s, x.A_TIMER, actor, a.host, a.call_s, 1.0, x.SNAP_S)


@jitted
def _kill(s: Kernel, killer: int, victim: int) -> None:
    """End an actor that sleeps or waits."""
    k = s.head[0]
    if victim == -2:
        kill_ranks(s, killer)
    else:
        v = s.actors[victim]
        if v.kind == x.JOB:
            kill_ranks(s, victim)
        if v.sleep >= 0:
            if k.energy and v.host >= 0:
                touch(s, v.host)
            drop_action(s, v.sleep)
        _drop_timer(s, victim)
        free_actor(s, victim)
    wake(s, killer, x.W_DONE)


@inlined
def _end_actor(s: Kernel, actor: int) -> None:
    """An actor ended; a task that outlived its walltime ends with it."""
    a = s.actors[actor]
    if a.task >= 0:
        if s.head[0].energy:
            charge_end(s, a.task)
        end_task(s, a.task)
    free_actor(s, actor)


@inlined
def _cancel(s: Kernel, killer: int, victim: int) -> None:
    """Cancel the task of an actor; the actor is woken at the end of the sub-round."""
    k = s.head[0]
    if k.energy:
        charge_end(s, s.actors[victim].task)
    s.cancelled[k.n_cancelled] = victim
    k.n_cancelled += 1
    wake(s, killer, x.W_DONE)


@inlined
def _answer(s: Kernel, actor: int) -> None:
    """Handle the blocking call of an actor."""
    a = s.actors[actor]
    call = a.call
    if call == x.CALL_PUT:
        put_mail(s, actor)
    elif call == x.CALL_GET:
        get_mail(s)
    elif call == x.CALL_SLEEP:
        a.sleep = add_action(s, x.A_SLEEP, actor, a.host, a.call_s, 1.0, x.SNAP_S)
    elif call == x.CALL_START:
        start_task(s, actor)
        wake(s, actor, x.W_DONE)
    elif call == x.CALL_WAIT:
        _wait(s, actor)
    elif call == x.CALL_CREATE:
        wake(s, a.arg, x.W_DONE)
        wake(s, actor, x.W_DONE)
    elif call == x.CALL_ENERGY:
        if is_stale(s, a.arg):
            touch(s, a.arg)
        wake(s, actor, x.W_DONE)
    elif call == x.CALL_END:
        _end_actor(s, actor)
    elif call == x.CALL_CANCEL:
        _cancel(s, actor, a.arg)
    elif call == x.CALL_KILL:
        _kill(s, actor, a.arg)
    elif call == x.CALL_RANK_PUT:
        rank_put(s, actor)
    else:
        rank_get(s, actor)


@inlined
def _end_round(s: Kernel) -> None:
    """Wake the owners of cancelled tasks and turn to the next run list."""
    k = s.head[0]
    for i in range(k.n_cancelled):
        victim = s.cancelled[i]
        _drop_timer(s, victim)
        end_task(s, s.actors[victim].task)
        wake(s, victim, x.W_CANCELLED)
    k.n_cancelled = 0
    k.side = 1 - k.side
    k.n_run = k.n_next
    k.n_next = 0
    k.run_i = 0


@inlined
def _skip_queries(s: Kernel) -> None:
    """Finish energy queries at once when nobody else is left to run at this date.

    One by one, each sub-round would update one more host per querying actor; with no other actor in the run list,
    nothing can tell the difference.
    """
    k = s.head[0]
    for i in range(k.n_run):
        if s.actors[s.run[k.side, i]].call != x.CALL_ENERGY:
            return
    query_all(s)


@inlined
def _on_ended(s: Kernel, slot: int) -> None:
    """An action ended: wake who waits for it."""
    a = s.actions[slot]
    actor = a.actor
    if a.state == x.DEAD:
        return
    if a.kind == x.A_TASK:
        waits = s.actors[actor].call == x.CALL_WAIT
        if waits:
            _drop_timer(s, actor)
        end_task(s, slot)
        if waits:
            wake(s, actor, x.W_DONE)
    elif a.kind == x.A_SLEEP:
        s.actors[actor].sleep = -1
        drop_action(s, slot)
        wake(s, actor, x.W_DONE)
    elif a.kind == x.A_TIMER:
        s.actors[actor].timer = -1
        drop_action(s, slot)
        wake(s, actor, x.W_TIMEOUT)
    else:
        rank_message_ends(s, slot)


@inlined
def _run_all(s: Kernel) -> int:
    """Run the actors of this sub-round; return the messenger that needs a reply, -1 when there is none."""
    k = s.head[0]
    while k.run_i < k.n_run:
        actor = s.run[k.side, k.run_i]
        a = s.actors[actor]
        if a.kind == x.SCHEDULER and a.pc == 0:
            return actor
        _resume(s, actor)
        if k.abort != x.OK:
            return -1
        k.run_i += 1
    for i in range(k.n_run):
        _answer(s, s.run[k.side, i])
    _end_round(s)
    return -1


@inlined
def _open_message(s: Kernel, v: Ledger) -> None:
    """Hand the pending events to the ledger; jobs reported in them are forgotten by Batsim."""
    k = s.head[0]
    head = v.head[0]
    head.now_s = round6(k.clock_s)
    head.reply_now_s = head.now_s
    head.first_event = k.ev_first
    head.n_events = k.ev_n
    head.power_w = k.power_w
    for i in range(k.delete_from, k.n_out_jobs):
        s.jobs[s.out_jobs[i]].deleted = 1
    k.delete_from = k.n_out_jobs
    k.waiting_reply = 1
    k.n_messages += 1


@inlined
def _take_reply(s: Kernel, v: Ledger, messenger: int) -> None:
    """Take the decisions over; the buffers of the message are free again."""
    k = s.head[0]
    k.waiting_reply = 0
    k.reply_n = v.head[0].n_decisions
    k.reply_now_s = v.head[0].reply_now_s
    k.ev_first = 0
    k.ev_n = 0
    k.n_event_iv = k.external_iv
    s.actors[messenger].pc = 1


@jitted
def advance(s: Kernel, v: Ledger) -> int:
    """Play the simulation until the scheduler is needed.

    Args:
        s: the simulation.
        v: the ledger; after `DECIDE`, ``v.events`` holds the message. Call again with the decisions in
            ``v.decisions``.

    Returns:
        `DECIDE`, `FINISHED`, `DEADLOCK`, `ABORTED`, or `GROW` when arrays have to be enlarged before going on.
    """
    k = s.head[0]
    if k.waiting_reply:
        if short_of_room(s, v) != 0:
            return c.GROW
        _take_reply(s, v, s.run[k.side, k.run_i])
    while True:
        while k.n_run > 0:
            if k.energy and k.run_i == 0:
                _skip_queries(s)
            messenger = _run_all(s)
            if k.abort != x.OK:
                return c.ABORTED
            if messenger >= 0:
                if short_of_room(s, v) != 0:
                    return c.GROW
                _open_message(s, v)
                return c.DECIDE
        if k.end_acked:
            return c.FINISHED
        if short_of_room(s, v) != 0:
            return c.GROW
        compact(s)
        solve(s)
        n = advance_clock(s)
        if n < 0:
            return c.DEADLOCK
        for i in range(n):
            if s.ended[i] < 0:
                deliver_mail(s)
            else:
                _on_ended(s, s.ended[i])
        _end_round(s)
