"""Features of jobs: only what was known at the submission of each.

A table is made by a replay of the log: the past is told event by event, and each job is described at its submission.
An end at a date is known to submissions of later dates only. What became of a job therefore changes nothing about
itself, nor about jobs submitted before it ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattq.errors import SurrogateError
from wattq.surrogates.history.describe import FEATURES, replay
from wattq.surrogates.history.feature import FORBIDDEN, GROUPS, Feature
from wattq.surrogates.history.layout import History, new_history
from wattq.surrogates.jobs import Jobs, Outcomes

__all__ = [
    "FEATURES",
    "FORBIDDEN",
    "GROUPS",
    "Feature",
    "FeatureTable",
    "build_features",
    "clock_of",
    "feature_columns",
    "history_of",
]

_MONDAY_S = 4 * 86_400.0  # first Monday after the Unix time 0


@dataclass(frozen=True)
class FeatureTable:
    """Features of jobs.

    Attributes:
        x: shape (n_jobs, n_features), float32, NaN where unknown.
        names: names of the columns.
        jobs: the jobs, in the order of the rows.

    Raises:
        SurrogateError: when the columns are not named one by one, or one is named like an outcome.
    """

    x: NDArray[np.float32]
    names: tuple[str, ...]
    jobs: Jobs

    def __post_init__(self) -> None:
        if self.x.shape != (self.jobs.n_jobs, len(set(self.names))) or len(set(self.names)) < len(self.names):
            raise SurrogateError(
                f"features of shape {self.x.shape} for {self.jobs.n_jobs} jobs and {len(self.names)} names; "
                "give one row per job and one column per name"
            )
        leaks = sorted(FORBIDDEN.intersection(self.names))
        if leaks:
            raise SurrogateError(f"feature {leaks[0]!r}: an outcome of the job, which its submission does not know")

    @property
    def n_jobs(self) -> int:
        """Number of jobs."""
        return len(self.x)

    def columns(self, names: Sequence[str]) -> NDArray[np.float32]:
        """Return these columns in this order, shape (n_jobs, len(names)).

        Raises:
            SurrogateError: when the table has no such column.
        """
        return np.ascontiguousarray(self.x[:, feature_columns(names, self.names)])

    def column(self, name: str) -> NDArray[np.float64]:
        """Return one column as float64, shape (n_jobs,)."""
        return self.x[:, feature_columns([name], self.names)[0]].astype(np.float64)

    def take(self, rows: NDArray[Any] | slice) -> FeatureTable:
        """Return the table of these rows (ascending numbers, a mask or a slice)."""
        return FeatureTable(self.x[rows], self.names, self.jobs.take(rows))


def feature_columns(names: Sequence[str], among: Sequence[str] | None = None) -> NDArray[np.int64]:
    """Return the numbers of columns by name, among all features or those of a table.

    Raises:
        SurrogateError: when there is no such feature; the message names the nearest.
    """
    present = tuple(feature.name for feature in FEATURES) if among is None else among
    place = {name: number for number, name in enumerate(present)}
    for name in names:
        if name not in place:
            raise SurrogateError(f"feature {name!r}: there is none of this name{_nearest(name, present)}")
    return np.array([place[name] for name in names], dtype=np.int64)


def _nearest(name: str, present: Sequence[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, present, n=3)
    return f"; did you mean {' or '.join(near)}?" if near else "; 'wattq surrogate features' lists them"


def clock_of(jobs: Jobs) -> float:
    """Return what the site's clock says at date 0, s since 1970-01-01 00:00.

    A log without calendar dates begins on a Monday at midnight; one that does not tell its zone is read in UTC.
    """
    if jobs.unix_start_s is None:
        return _MONDAY_S
    return jobs.unix_start_s + (jobs.utc_offset_s or 0.0)


def build_features(jobs: Jobs, outcomes: Outcomes) -> FeatureTable:
    """Return the features of all jobs of a log.

    Args:
        jobs: what is known at submission.
        outcomes: starts and run times; a job without either leaves the queue at once and teaches nothing. A start
            before the submission counts as one at the submission.

    Raises:
        SurrogateError: when there is not one outcome for each job, or a run time is negative.
    """
    if len(outcomes.start_s) != jobs.n_jobs or len(outcomes.run_s) != jobs.n_jobs:
        raise SurrogateError(f"{len(outcomes.run_s)} outcomes for {jobs.n_jobs} jobs; give one for each")
    if (outcomes.run_s < 0.0).any():
        row = int(np.flatnonzero(outcomes.run_s < 0.0)[0])
        raise SurrogateError(f"row {row}: run time {outcomes.run_s[row]:g} s; it must be 0 or more, NaN where unknown")
    run = outcomes.run_s
    start = np.where(np.isnan(run), np.nan, np.maximum(outcomes.start_s, jobs.submit_s))
    known = np.flatnonzero(~np.isnan(start))
    starts, ends = (known[np.argsort(date[known], kind="stable")] for date in (start, start + run))
    x: NDArray[np.float32] = np.empty((jobs.n_jobs, len(FEATURES)), dtype=np.float32)
    replay(history_of(jobs), jobs.submit_s, start, run, starts, ends, 0, jobs.n_jobs, x)
    return FeatureTable(x, tuple(feature.name for feature in FEATURES), jobs)


def history_of(jobs: Jobs) -> History:
    """Return an empty past that holds the requests of all jobs."""
    request = np.where(jobs.request_s > 0.0, jobs.request_s, -1.0)
    sizes, asked = np.unique(jobs.hosts, return_inverse=True)[1], np.unique(request, return_inverse=True)[1]
    people, user = np.unique(np.maximum(jobs.user, -1), return_inverse=True)  # unknown users are one
    group, n_groups = _dense(jobs.group)
    application, n_applications = _dense(jobs.application)
    pair, n_pairs = _dense(sizes * (int(asked.max(initial=0)) + 1) + asked)
    h = new_history(jobs.n_jobs, len(people), n_groups, n_applications, n_pairs, clock_s=clock_of(jobs))
    columns = {"user": user, "group": group, "application": application, "pair": pair, "queue": jobs.queue}
    for name, values in {**columns, "hosts": jobs.hosts}.items():
        h.jobs[name][: jobs.n_jobs] = values
    h.jobs["request_s"][: jobs.n_jobs] = np.where(request > 0.0, request, np.nan)
    return h


def _dense(numbers: NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
    """Return numbers 0, 1, ... in place of any, -1 where there is none, and how many there are."""
    found, dense = np.unique(np.maximum(numbers, -1), return_inverse=True)
    shift = int(len(found) > 0 and found[0] == -1)
    return dense.astype(np.int64) - shift, len(found) - shift
