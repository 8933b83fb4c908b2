"""Events waiting to be told to the scheduler."""

from __future__ import annotations

from wattq.simulator.jit import inlined
from wattq.simulator.layout import Kernel

__all__ = ["add_event", "add_job_event"]


@inlined
def add_event(s: Kernel, kind: int, job: int, number: int, value: float, iv: int, n_iv: int) -> None:
    """Append an event dated now to the next message.

    Args:
        s: the simulation.
        kind: ``layout.EV_*``.
        job: job concerned, -1 for none.
        number: power state, first kill record, or external event.
        value: energy in J, for an answer.
        iv: first interval of the hosts concerned in ``event_iv``.
        n_iv: number of intervals; for kills, number of kill records.
    """
    k = s.head[0]
    e = s.events[k.ev_first + k.ev_n]
    e.time_s = k.clock_s
    e.value = value
    e.kind = kind
    e.job = job
    e.a = number
    e.b = n_iv
    e.iv = iv
    e.n_iv = n_iv
    k.ev_n += 1


@inlined
def add_job_event(s: Kernel, kind: int, job: int) -> None:
    """Append an event about a job."""
    add_event(s, kind, job, 0, 0.0, 0, 0)
