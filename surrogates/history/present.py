"""Features of the user's jobs that wait or run at the date of submission."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattq.simulator.jit import jitted
from wattq.surrogates.history.feature import Feature
from wattq.surrogates.history.layout import History

__all__ = ["PRESENT_FEATURES", "describe_present"]

PRESENT_FEATURES = (
    Feature("user_queued", "1", "user", "jobs of the user that wait"),
    Feature("user_queued_hosts", "1", "user", "hosts that they ask for"),
    Feature("user_running", "1", "user", "jobs of the user that run"),
    Feature("user_running_hosts", "1", "user", "hosts that they hold"),
    Feature("running_longest_s", "s", "user", "longest time that one of them has run so far"),
    Feature("running_shortest_s", "s", "user", "shortest time that one of them has run so far"),
    Feature("running_mean_s", "s", "user", "mean of these times"),
    Feature("running_same", "1", "user", "running jobs of the user with the same requested time"),
    Feature("running_same_longest_s", "s", "user", "longest time that one of these has run so far"),
    Feature("running_same_shortest_s", "s", "user", "shortest time that one of these has run so far"),
    Feature("running_alike_longest_s", "s", "user", "longest time of those with the same requested time and hosts"),
)
(
    _QUEUED,
    _QUEUED_HOSTS,
    _RUNNING,
    _HOSTS,
    _LONGEST,
    _SHORTEST,
    _MEAN,
    _SAME,
    _SAME_LONGEST,
    _SAME_SHORTEST,
    _ALIKE_LONGEST,
) = range(len(PRESENT_FEATURES))
_MOST = 256  # running jobs looked at, the ones that started last


@jitted
def describe_present(h: History, job: int, now_s: float, row: NDArray[np.float32], at: int) -> float:
    """Fill in the user's present; the row holds NaN. Return the longest time of alike jobs, 0 where none runs."""
    mine = h.jobs[job]
    user = h.users[mine.user]
    row[at + _QUEUED] = user.queued
    row[at + _QUEUED_HOSTS] = user.queued_hosts
    row[at + _RUNNING] = user.running
    row[at + _HOSTS] = user.running_hosts
    total, seen, same, alike_s = 0.0, 0, 0, 0.0
    other = user.first_running
    while other >= 0 and seen < _MOST:
        o = h.jobs[other]
        elapsed = np.float32(now_s - o.start_s)
        row[at + _LONGEST] = np.fmax(row[at + _LONGEST], elapsed)
        row[at + _SHORTEST] = np.fmin(row[at + _SHORTEST], elapsed)
        if o.request_s == mine.request_s or (not o.request_s > 0.0 and not mine.request_s > 0.0):
            if o.hosts == mine.hosts:
                alike_s = max(alike_s, now_s - o.start_s)
                row[at + _ALIKE_LONGEST] = alike_s
            same += 1
            row[at + _SAME_LONGEST] = np.fmax(row[at + _SAME_LONGEST], elapsed)
            row[at + _SAME_SHORTEST] = np.fmin(row[at + _SAME_SHORTEST], elapsed)
        total += now_s - o.start_s
        seen += 1
        other = o.next
    row[at + _SAME] = same
    if seen > 0:
        row[at + _MEAN] = total / seen
    return alike_s
