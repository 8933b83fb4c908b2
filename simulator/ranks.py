"""Ranks of usage traces: how they report their end to the job's actor (batsim-semantics.md, 2.3)."""

from __future__ import annotations

from wattq.simulator import codes as x
from wattq.simulator.actors import free_actor, wake
from wattq.simulator.jit import jitted
from wattq.simulator.layout import Kernel
from wattq.simulator.power import touch
from wattq.simulator.tasks import end_task
from wattq.simulator.timed import add_action, charge_end, drop_action

__all__ = ["end_by_force", "kill_ranks", "rank_get", "rank_message_ends", "rank_put"]

# Where a rank ends.
RANK_ENDS = 2
# States of a rank's report, in `dead`.
_WORKING, _POSTED, _SENDING = 0, 1, 2
# SimGrid's implicit loopback, in reports of 4 bytes per second.
_LOOPBACK_RATE = 1e10 / 4.0


@jitted
def _send(s: Kernel, rank: int, rank_first: int) -> None:
    """Start the transfer of a rank's report: through the loopback on one host, in no time between hosts."""
    r = s.actors[rank]
    r.dead = _SENDING
    r.scan = rank_first
    left = 1.0 if r.host == s.actors[r.parent].host else 0.0
    r.sleep = add_action(s, x.A_RANK_MESSAGE, rank, r.host, left, _LOOPBACK_RATE, x.SNAP_TASK)
    s.actors[r.parent].scan = 0


@jitted
def rank_put(s: Kernel, rank: int) -> None:
    """A rank posts its report."""
    k = s.head[0]
    r = s.actors[rank]
    r.dead = _POSTED
    r.arg = k.sequence
    k.sequence += 1
    if s.actors[r.parent].scan == 1:
        _send(s, rank, 0)


@jitted
def rank_get(s: Kernel, actor: int) -> None:
    """A job's actor waits for the next report, at most for what is left of the walltime."""
    a = s.actors[actor]
    first = -1
    for rank in range(len(s.actors)):
        r = s.actors[rank]
        if r.kind == x.RANK and r.parent == actor and r.dead == _POSTED and (first < 0 or r.arg < s.actors[first].arg):
            first = rank
    a.scan = 1
    if first >= 0:
        _send(s, first, 1)
    if a.call_s >= 0.0:
        a.timer = add_action(s, x.A_TIMER, actor, a.host, a.call_s, 1.0, x.SNAP_S)


@jitted
def rank_message_ends(s: Kernel, slot: int) -> None:
    """A report arrived: wake the rank and the job's actor, first the one that had posted first."""
    rank = s.actions[slot].actor
    r = s.actors[rank]
    parent = r.parent
    r.sleep = -1
    r.dead = _WORKING
    drop_action(s, slot)
    if s.head[0].energy:
        touch(s, r.host)
        touch(s, s.actors[parent].host)
    timer = s.actors[parent].timer
    if timer >= 0:
        drop_action(s, timer)
        s.actors[parent].timer = -1
    if r.scan:
        wake(s, rank, x.W_DONE)
        wake(s, parent, x.W_DONE)
    else:
        wake(s, parent, x.W_DONE)
        wake(s, rank, x.W_DONE)


@jitted
def kill_ranks(s: Kernel, actor: int) -> None:
    """End every rank of a job's actor."""
    k = s.head[0]
    for rank in range(len(s.actors)):
        r = s.actors[rank]
        if r.kind != x.RANK or r.parent != actor:
            continue
        if r.task >= 0:
            if k.energy:
                charge_end(s, r.task)
            end_task(s, r.task)
        if r.sleep >= 0:
            drop_action(s, r.sleep)
        end_by_force(s, rank)


@jitted
def end_by_force(s: Kernel, actor: int) -> None:
    """End an actor that may be about to run, or whose call is about to be answered, at this date."""
    k = s.head[0]
    a = s.actors[actor]
    a.parent = -1
    a.task = a.sleep = a.timer = -1
    for i in range(k.n_next):
        if s.run[1 - k.side, i] == actor:
            a.kind = x.RANK
            a.pc = RANK_ENDS
            return
    for i in range(k.run_i + 1, k.n_run):
        if s.run[k.side, i] == actor:
            a.call = x.CALL_END
            return
    free_actor(s, actor)
