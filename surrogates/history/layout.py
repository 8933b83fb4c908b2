"""The arrays in which the past is kept.

Nothing here grows by itself: `grown` copies the arrays into longer ones, outside compiled code. Ended runs of a user
are a list linked through the jobs, latest first; running jobs of a user are another one.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["ENDED", "QUEUED", "RECENT", "RUNNING", "UNSEEN", "WITHDRAWN", "History", "grown", "new_history"]

RECENT = 128
"""Most ended runs of a user that features look at."""

UNSEEN, QUEUED, RUNNING, ENDED, WITHDRAWN = range(5)

_JOB: list[tuple[str, str]] = [
    ("user", "i8"),
    ("group", "i8"),
    ("queue", "i8"),
    ("application", "i8"),
    ("pair", "i8"),
    ("hosts", "i8"),
    ("request_s", "f8"),
    ("submit_s", "f8"),
    ("start_s", "f8"),
    ("end_s", "f8"),
    ("run_s", "f8"),
    ("log_run", "f8"),
    ("number", "i8"),
    ("state", "i8"),
    ("ended_before", "i8"),
    ("next", "i8"),
    ("previous", "i8"),
]
_USER: list[tuple[str, str]] = [
    ("submitted", "i8"),
    ("ended", "i8"),
    ("last_ended", "i8"),
    ("last_submitted", "i8"),
    ("first_running", "i8"),
    ("queued", "i8"),
    ("queued_hosts", "i8"),
    ("running", "i8"),
    ("running_hosts", "i8"),
    ("sum_log", "f8"),
]
_KEY: list[tuple[str, str]] = [
    ("submitted", "i8"),
    ("ended", "i8"),
    ("last_run_s", "f8"),
    ("mean_log", "f8"),
    ("mean_ratio", "f8"),
    ("ratios", "i8"),
]
_MACHINE: list[tuple[str, str]] = [
    ("clock_s", "f8"),
    ("queued", "i8"),
    ("queued_hosts", "i8"),
    ("queued_work", "f8"),
    ("running", "i8"),
    ("running_hosts", "i8"),
    ("asked_work", "f8"),
    ("asked_hosts", "i8"),
    ("asked_start", "f8"),
    ("last_submit_s", "f8"),
]
_JOB_T, _USER_T, _KEY_T, _MACHINE_T = (np.dtype(fields, align=True) for fields in (_JOB, _USER, _KEY, _MACHINE))
_SCRATCH = 10


class History(NamedTuple):
    """What is known of the past.

    Attributes:
        machine: one record: the site's clock at date 0, queued and running jobs, their hosts and work.
        jobs: one record per job: its request, its state and, once ended, its run.
        users: one record per user.
        groups, applications, pairs: one record per group, application and pair of (hosts, requested time).
        scratch: room for the runs being looked at, shape (10, `RECENT`).
        order: their order by run time.
    """

    machine: NDArray[np.void]
    jobs: NDArray[np.void]
    users: NDArray[np.void]
    groups: NDArray[np.void]
    applications: NDArray[np.void]
    pairs: NDArray[np.void]
    scratch: NDArray[np.float64]
    order: NDArray[np.int64]


def new_history(
    n_jobs: int,
    n_users: int = 16,
    n_groups: int = 16,
    n_applications: int = 16,
    n_pairs: int = 16,
    *,
    clock_s: float = 0.0,
) -> History:
    """Return an empty past with room for this many jobs, users, groups, applications and pairs.

    Args:
        n_jobs: jobs.
        n_users: users.
        n_groups: groups.
        n_applications: applications.
        n_pairs: pairs of (hosts, requested time).
        clock_s: what the site's clock says at date 0, s since a Thursday's midnight (1970-01-01), 0 where unknown.
    """
    machine = np.zeros(1, dtype=_MACHINE_T)
    machine["clock_s"] = clock_s
    machine["last_submit_s"] = np.nan
    groups, applications, pairs = (_fresh_keys(max(size, 1)) for size in (n_groups, n_applications, n_pairs))
    return History(
        machine,
        _fresh_jobs(max(n_jobs, 1)),
        _fresh_users(max(n_users, 1)),
        groups,
        applications,
        pairs,
        np.zeros((_SCRATCH, RECENT)),
        np.zeros(RECENT, dtype=np.int64),
    )


def grown(h: History, **room: int) -> History:
    """Return the same past with room for at least this many `jobs`, `users`, `groups`, `applications` or `pairs`.

    Arrays that are too short are copied into ones of twice their length or more; the others stay the same objects.
    """
    fresh = {"jobs": _fresh_jobs, "users": _fresh_users}
    longer: dict[str, Any] = {}
    for name, size in room.items():
        old: NDArray[np.void] = getattr(h, name)
        if size > len(old):
            longer[name] = fresh.get(name, _fresh_keys)(max(size, 2 * len(old)))
            longer[name][: len(old)] = old
    return h._replace(**longer)


def _filled(size: int, kind: np.dtype[Any], **values: float) -> NDArray[np.void]:
    records: NDArray[np.void] = np.zeros(size, dtype=kind)
    for name, value in values.items():
        records[name] = value
    return records


def _fresh_jobs(size: int) -> NDArray[np.void]:
    unknown = dict.fromkeys(("request_s", "submit_s", "start_s", "end_s", "run_s", "log_run"), np.nan)
    none = dict.fromkeys(("group", "queue", "application", "ended_before", "next", "previous"), -1)
    return _filled(size, _JOB_T, **unknown, **none)


def _fresh_users(size: int) -> NDArray[np.void]:
    return _filled(size, _USER_T, last_ended=-1, last_submitted=-1, first_running=-1)


def _fresh_keys(size: int) -> NDArray[np.void]:
    return _filled(size, _KEY_T, last_run_s=np.nan)
