"""Features of the user's group, of the same application and the same request across users, and of the machine."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattq.simulator.jit import inlined, jitted
from wattq.surrogates.history.feature import Feature
from wattq.surrogates.history.layout import History

__all__ = ["OTHERS_FEATURES", "SYSTEM_FEATURES", "describe_others", "describe_system"]

_OF_KEY = (
    ("submitted", "1", "jobs submitted before"),
    ("ended", "1", "jobs that ended before"),
    ("last_s", "s", "run of the job that ended last"),
    ("typical_s", "s", "moving geometric mean of the runs"),
    ("ratio", "1", "moving mean of run over requested time"),
)
_OF_WHOM = (
    ("group", "group", "of the user's group"),
    ("application", "similar", "of the same application, of all users"),
    ("pair", "similar", "with the same hosts and requested time, of all users"),
)
OTHERS_FEATURES = tuple(
    Feature(f"{key}_{name}", unit, group, f"{what}, {whose}")
    for key, group, whose in _OF_WHOM
    for name, unit, what in _OF_KEY
)
_SUBMITTED, _ENDED, _LAST, _TYPICAL, _RATIO = range(len(_OF_KEY))
_GROUP, _APPLICATION, _PAIR = (len(_OF_KEY) * k for k in range(len(_OF_WHOM)))

SYSTEM_FEATURES = (
    Feature("queued", "1", "system", "jobs that wait"),
    Feature("queued_hosts", "1", "system", "hosts that they ask for"),
    Feature("queued_work", "s*host", "system", "sum of hosts x requested time of those that wait"),
    Feature("running", "1", "system", "jobs that run"),
    Feature("running_hosts", "1", "system", "hosts that they hold"),
    Feature("work_left", "s*host", "system", "sum of hosts x requested time left of those that run"),
    Feature("since_any_submit_s", "s", "system", "time since the last submission by anyone"),
)
_QUEUED, _QUEUED_HOSTS, _QUEUED_WORK, _RUNNING, _RUNNING_HOSTS, _WORK_LEFT, _SINCE = range(len(SYSTEM_FEATURES))


@inlined
def _describe_key(key: Any, row: NDArray[np.float32], at: int) -> None:
    row[at + _SUBMITTED] = key.submitted
    row[at + _ENDED] = key.ended
    if key.ended > 0:
        row[at + _LAST] = key.last_run_s
        row[at + _TYPICAL] = np.exp(key.mean_log)
    if key.ratios > 0:
        row[at + _RATIO] = key.mean_ratio


@jitted
def describe_others(h: History, job: int, row: NDArray[np.float32], at: int) -> None:
    """Fill in what other people's jobs did; the row holds NaN."""
    j = h.jobs[job]
    if j.group >= 0:
        _describe_key(h.groups[j.group], row, at + _GROUP)
    if j.application >= 0:
        _describe_key(h.applications[j.application], row, at + _APPLICATION)
    _describe_key(h.pairs[j.pair], row, at + _PAIR)


@inlined
def describe_system(h: History, now_s: float, row: NDArray[np.float32], at: int) -> None:
    """Fill in the state of the machine."""
    m = h.machine[0]
    row[at + _QUEUED] = m.queued
    row[at + _QUEUED_HOSTS] = m.queued_hosts
    row[at + _QUEUED_WORK] = m.queued_work
    row[at + _RUNNING] = m.running
    row[at + _RUNNING_HOSTS] = m.running_hosts
    row[at + _WORK_LEFT] = max(m.asked_work + m.asked_start - now_s * m.asked_hosts, 0.0)
    row[at + _SINCE] = now_s - m.last_submit_s
