"""Room in a ledger that is filled from messages: how many jobs will come is not known."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattq.simulator import layout as c

__all__ = ["no_jobs", "with_room"]


def no_jobs(n: int) -> NDArray[np.void]:
    """Return the table of n jobs that are not known yet."""
    views = np.zeros(n, dtype=c.job_view_t)
    views["q_pos"] = -1
    views["beta"] = 1.0
    return views


def _longer(array: NDArray[Any], n: int, fill: Any = 0) -> NDArray[Any]:
    """Return a copy with at least n rows and twice as many as before."""
    longer = np.full((max(n, 2 * len(array)), *array.shape[1:]), fill, dtype=array.dtype)
    longer[: len(array)] = array
    return longer


def with_room(v: c.Ledger, n_jobs: int, n_events: int, n_pairs: int) -> c.Ledger:
    """Return the ledger, with longer arrays where it lacks room for a message and for a round of decisions.

    Args:
        v: the ledger.
        n_jobs: jobs known with this message.
        n_events: events of this message.
        n_pairs: host intervals of these events.
    """
    n_hosts = int(v.head[0]["n_hosts"])
    longer: dict[str, NDArray[Any]] = {}
    if n_jobs > len(v.jobs):
        longer["jobs"] = np.concatenate([v.jobs, no_jobs(max(n_jobs - len(v.jobs), len(v.jobs)))])
        n = len(longer["jobs"])
        longer["queue"] = _longer(v.queue, n + 1, -1)
        longer["decisions"] = _longer(v.decisions, n + 4 * n_hosts + 256)
    if n_events > len(v.events):
        longer["events"] = _longer(v.events, n_events)
    if n_pairs > len(v.event_iv):
        longer["event_iv"] = _longer(v.event_iv, n_pairs)
    # Started jobs take disjoint hosts; a policy may name some more sets to switch.
    n_iv = int(v.head[0]["n_iv"]) + 8 * n_hosts + 256
    if n_iv > len(v.iv):
        longer["iv"] = _longer(v.iv, n_iv)
    return v.replaced(**longer) if longer else v
