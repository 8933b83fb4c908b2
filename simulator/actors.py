"""Batsim's actors: who is ready to run, and what each of them waits for (batsim-semantics.md, 0.2 and 0.3)."""

from __future__ import annotations

from wattq.simulator import codes as x
from wattq.simulator.jit import inlined
from wattq.simulator.layout import Kernel

__all__ = [
    "call_create",
    "call_end",
    "call_put",
    "call_sleep",
    "call_start",
    "call_wait",
    "free_actor",
    "new_actor",
    "turn",
    "wake",
]


@inlined
def new_actor(s: Kernel, kind: int, idx: int, host: int) -> int:
    """Create an actor; it runs once its creator's call is answered.

    Args:
        s: the simulation.
        kind: what it is (`codes`).
        idx: job, host, submitter or decision that it stands for.
        host: host that it lives on, -1 for the master.
    """
    k = s.head[0]
    actor = k.free_actor
    a = s.actors[actor]
    k.free_actor = a.next_free
    k.n_free_actors -= 1
    a.kind = kind
    a.pc = 0
    a.call = x.CALL_END
    a.idx = idx
    a.host = host
    a.depth = 0
    a.task = -1
    a.timer = -1
    a.sleep = -1
    a.woke = x.W_DONE
    a.scan_iv = 0
    a.scan = 0
    a.k = 0
    a.n = 1
    a.parent = -1
    a.dead = 0
    a.first = -1
    return actor


@inlined
def free_actor(s: Kernel, actor: int) -> None:
    """Give the record of an actor that ended back."""
    k = s.head[0]
    s.actors[actor].parent = -1
    s.actors[actor].next_free = k.free_actor
    k.free_actor = actor
    k.n_free_actors += 1


@inlined
def wake(s: Kernel, actor: int, how: int) -> None:
    """Append an actor to the next run list."""
    k = s.head[0]
    s.actors[actor].woke = how
    s.run[1 - k.side, k.n_next] = actor
    k.n_next += 1


@inlined
def turn(s: Kernel) -> None:
    """Go on with the actors that were woken."""
    k = s.head[0]
    k.side = 1 - k.side
    k.n_run = k.n_next
    k.n_next = 0
    k.run_i = 0


@inlined
def call_put(s: Kernel, actor: int, kind: int, first: int, second: int, then: int) -> None:
    """Let an actor send a message to the server and go on at `then` once it has arrived."""
    a = s.actors[actor]
    a.call = x.CALL_PUT
    a.mail = kind
    a.mail_a = first
    a.mail_b = second
    a.pc = then


@inlined
def call_sleep(s: Kernel, actor: int, duration_s: float, then: int) -> None:
    """Let an actor sleep."""
    a = s.actors[actor]
    a.call = x.CALL_SLEEP
    a.call_s = duration_s
    a.pc = then


@inlined
def call_start(s: Kernel, actor: int, then: int) -> None:
    """Let an actor start its parallel task."""
    a = s.actors[actor]
    a.call = x.CALL_START
    a.pc = then


@inlined
def call_wait(s: Kernel, actor: int, timeout_s: float, then: int) -> None:
    """Let an actor wait for its parallel task; a negative time-out waits for ever."""
    a = s.actors[actor]
    a.call = x.CALL_WAIT
    a.call_s = timeout_s
    a.pc = then


@inlined
def call_create(s: Kernel, actor: int, child: int, then: int) -> None:
    """Let an actor create another one."""
    a = s.actors[actor]
    a.call = x.CALL_CREATE
    a.arg = child
    a.pc = then


@inlined
def call_end(s: Kernel, actor: int) -> None:
    """End an actor."""
    s.actors[actor].call = x.CALL_END
