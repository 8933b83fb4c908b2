"""The event kernel: Batsim 4.2.1 on SimGrid 3.34, as one compiled function.

`advance` plays Batsim's actors (batsim-semantics.md, 0.2 to 0.6) until the scheduler has to be asked. Everything
happens at the dates, in the order and in the message groups of the real program.
"""

from __future__ import annotations

import numpy as np

from wattq.simulator import codes as x
from wattq.simulator import layout as c
from wattq.simulator.actors import turn, wake
from wattq.simulator.answers import answer, drop_timer
from wattq.simulator.express import express_news, express_reply
from wattq.simulator.jit import inlined, jitted
from wattq.simulator.job_actor import resume_job, resume_rank
from wattq.simulator.layout import Kernel, Ledger
from wattq.simulator.ledger import round6
from wattq.simulator.mailbox import deliver_mail
from wattq.simulator.power import query_all
from wattq.simulator.ranks import rank_message_ends
from wattq.simulator.room import short_of_room
from wattq.simulator.server import resume_server
from wattq.simulator.small_actors import resume_killer, resume_messenger, resume_submitter, resume_waiter
from wattq.simulator.switching import resume_switch
from wattq.simulator.tasks import end_task, solve
from wattq.simulator.timed import advance_clock, compact, drop_action

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
def _end_round(s: Kernel) -> None:
    """Wake the owners of cancelled tasks and turn to the next run list."""
    k = s.head[0]
    for i in range(k.n_cancelled):
        victim = s.cancelled[i]
        drop_timer(s, victim)
        end_task(s, s.actors[victim].task)
        wake(s, victim, x.W_CANCELLED)
    k.n_cancelled = 0
    turn(s)


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
            drop_timer(s, actor)
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
        k.run_i = i
        answer(s, s.run[k.side, i])
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
    head.power_w = k.power_w if k.energy else np.nan
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
        if k.express and k.run_i == 0:
            express_reply(s)
            if k.abort != x.OK:
                return c.ABORTED
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
        if k.express and k.n_run == 1:
            express_news(s)
            if k.abort != x.OK:
                return c.ABORTED
