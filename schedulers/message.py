"""What a policy reads from the message at the start of a round."""

from __future__ import annotations

import numpy as np

from wattq.simulator import layout as c
from wattq.simulator.jit import inlined
from wattq.simulator.layout import Ledger
from wattq.simulator.ledger import reject

__all__ = ["acceptable", "ends_moved", "hosts_changed", "may_release", "new_job"]


@inlined
def may_release(v: Ledger) -> bool:
    """Return whether hosts may have become free in this message: a job ended, or machines woke up or came back."""
    first = v.head[0].first_event
    for e in range(first, first + v.head[0].n_events):
        kind = v.events[e].kind
        if kind == c.EV_COMPLETED or kind == c.EV_STATE_CHANGED or kind == c.EV_AVAILABLE:
            return True
    return False


@inlined
def hosts_changed(v: Ledger) -> bool:
    """Return whether machines left, came back or changed their power state in this message."""
    first = v.head[0].first_event
    for e in range(first, first + v.head[0].n_events):
        kind = v.events[e].kind
        if kind == c.EV_UNAVAILABLE or kind == c.EV_STATE_CHANGED or kind == c.EV_AVAILABLE:
            return True
    return False


@inlined
def ends_moved(v: Ledger) -> bool:
    """Return whether a predictor moved the expected end of a running job in this message, or a job ended after it."""
    return bool(v.head[0].corrected != 0)


@inlined
def new_job(v: Ledger, e: int) -> int:
    """Return the job submitted by event number e of the message, or -1 when the event is another one."""
    event = v.events[v.head[0].first_event + e]
    if event.kind != c.EV_SUBMITTED:
        return -1
    return int(event.job)


@inlined
def acceptable(v: Ledger, job: int, needs_estimate: bool) -> bool:
    """Reject a new job that can never run here; return whether it may wait.

    A job without hosts or larger than the machine never runs; a policy that plans ahead also refuses jobs of unknown
    length.
    """
    j = v.jobs[job]
    if j.hosts < 1 or j.hosts > v.head[0].n_hosts or (needs_estimate and j.estimate_s == np.inf):
        reject(v, job)
        return False
    return True
