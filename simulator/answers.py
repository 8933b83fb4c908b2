"""What the engine does for an actor that makes a blocking call."""

from __future__ import annotations

from wattq.simulator import codes as x
from wattq.simulator.actors import free_actor, wake
from wattq.simulator.jit import inlined, jitted
from wattq.simulator.layout import Kernel
from wattq.simulator.mailbox import get_mail, put_mail
from wattq.simulator.power import is_stale, touch
from wattq.simulator.ranks import end_by_force, kill_ranks, rank_get, rank_put
from wattq.simulator.tasks import end_task, start_task
from wattq.simulator.timed import add_action, charge_end, drop_action

__all__ = ["answer", "drop_timer"]


@inlined
def drop_timer(s: Kernel, actor: int) -> None:
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
        host = s.alloc[s.jobs[a.idx].task_iv, 0] if a.kind == x.JOB else a.host
        a.timer = add_action(s, x.A_TIMER, actor, host, a.call_s, 1.0, x.SNAP_S)


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
        drop_timer(s, victim)
        end_by_force(s, victim)
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


@jitted
def answer(s: Kernel, actor: int) -> None:
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
