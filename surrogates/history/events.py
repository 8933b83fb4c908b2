"""What submissions, starts and ends change in the past."""

from __future__ import annotations

from typing import Any

import numpy as np

from wattq.simulator.jit import inlined, jitted
from wattq.surrogates.history.layout import ENDED, QUEUED, RUNNING, UNSEEN, WITHDRAWN, History

__all__ = ["note_ended", "note_started", "note_submitted", "note_withdrawn"]

_MEMORY = 20.0  # jobs over which the moving means of groups, applications and pairs reach back


@jitted
def note_submitted(h: History, job: int, now_s: float) -> None:
    """Note that a job, whose request stands in its record, was submitted; describe it first."""
    j = h.jobs[job]
    if j.state != UNSEEN:
        return
    j.state = QUEUED
    j.submit_s = now_s
    user = h.users[j.user]
    j.number = user.submitted
    user.submitted += 1
    user.last_submitted = job
    user.queued += 1
    user.queued_hosts += j.hosts
    if j.group >= 0:
        h.groups[j.group].submitted += 1
    if j.application >= 0:
        h.applications[j.application].submitted += 1
    h.pairs[j.pair].submitted += 1
    m = h.machine[0]
    m.last_submit_s = now_s
    m.queued += 1
    m.queued_hosts += j.hosts
    if j.request_s > 0.0:
        m.queued_work += j.request_s * j.hosts


@inlined
def _leave_queue(h: History, job: int) -> None:
    j = h.jobs[job]
    user = h.users[j.user]
    user.queued -= 1
    user.queued_hosts -= j.hosts
    m = h.machine[0]
    m.queued -= 1
    m.queued_hosts -= j.hosts
    if j.request_s > 0.0:
        # Sums of floats do not come back to zero by themselves.
        m.queued_work = m.queued_work - j.request_s * j.hosts if m.queued > 0 else 0.0


@jitted
def note_withdrawn(h: History, job: int) -> None:
    """Note that a queued job was rejected or withdrawn: it never runs."""
    if h.jobs[job].state == QUEUED:
        _leave_queue(h, job)
        h.jobs[job].state = WITHDRAWN


@jitted
def note_started(h: History, job: int, now_s: float) -> None:
    """Note that a queued job started."""
    j = h.jobs[job]
    if j.state != QUEUED:
        return
    _leave_queue(h, job)
    j.state = RUNNING
    j.start_s = now_s
    user = h.users[j.user]
    user.running += 1
    user.running_hosts += j.hosts
    j.previous = -1
    j.next = user.first_running
    if j.next >= 0:
        h.jobs[j.next].previous = job
    user.first_running = job
    m = h.machine[0]
    m.running += 1
    m.running_hosts += j.hosts
    if j.request_s > 0.0:
        m.asked_hosts += j.hosts
        m.asked_work += j.request_s * j.hosts
        m.asked_start += now_s * j.hosts


@inlined
def _leave_machine(h: History, job: int) -> None:
    j = h.jobs[job]
    user = h.users[j.user]
    user.running -= 1
    user.running_hosts -= j.hosts
    if j.previous >= 0:
        h.jobs[j.previous].next = j.next
    else:
        user.first_running = j.next
    if j.next >= 0:
        h.jobs[j.next].previous = j.previous
    m = h.machine[0]
    m.running -= 1
    m.running_hosts -= j.hosts
    if j.request_s > 0.0:
        m.asked_hosts -= j.hosts
        m.asked_work = m.asked_work - j.request_s * j.hosts if m.running > 0 else 0.0
        m.asked_start = m.asked_start - j.start_s * j.hosts if m.running > 0 else 0.0


@inlined
def _learn(key: Any, run_s: float, log_run: float, ratio: float) -> None:
    """Move the means of a group, an application or a pair towards a run."""
    key.ended += 1
    key.last_run_s = run_s
    key.mean_log += (log_run - key.mean_log) / min(np.float64(key.ended), _MEMORY)
    if ratio == ratio:
        key.ratios += 1
        key.mean_ratio += (ratio - key.mean_ratio) / min(np.float64(key.ratios), _MEMORY)


@jitted
def note_ended(h: History, job: int, now_s: float, run_s: float) -> None:
    """Note that a job ended after so many seconds on its hosts.

    The end of a job whose start was not noted (both at one date) implies its start.
    """
    if h.jobs[job].state == QUEUED:
        note_started(h, job, now_s - run_s)
    j = h.jobs[job]
    if j.state != RUNNING:
        return
    _leave_machine(h, job)
    j.state = ENDED
    j.end_s = now_s
    j.run_s = run_s
    j.log_run = np.log(max(run_s, 1.0))
    user = h.users[j.user]
    user.ended += 1
    user.sum_log += j.log_run
    j.ended_before = user.last_ended
    user.last_ended = job
    ratio = run_s / j.request_s if j.request_s > 0.0 else np.nan
    if j.group >= 0:
        _learn(h.groups[j.group], run_s, j.log_run, ratio)
    if j.application >= 0:
        _learn(h.applications[j.application], run_s, j.log_run, ratio)
    _learn(h.pairs[j.pair], run_s, j.log_run, ratio)
