"""The features that a job would have had, had its user asked for something else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from wattq.errors import SurrogateError
from wattq.surrogates.features import FEATURES, history_of
from wattq.surrogates.history.describe import describe, replay
from wattq.surrogates.history.events import note_ended, note_started
from wattq.surrogates.history.layout import History
from wattq.surrogates.jobs import Jobs, Outcomes

__all__ = ["Moment", "Request"]

_COLUMNS = tuple(column.name for column in fields(Jobs))[:7]


@dataclass(frozen=True)
class Request:
    """What a user may ask for.

    Attributes:
        hosts: number of hosts.
        request_s: requested time, s; NaN where none is asked for.
    """

    hosts: int
    request_s: float


class Moment:
    """The date of a job's submission, with all that was known of the past.

    The past is told as `build_features` does; the request that the job really made gives the very row of its table.

    Args:
        jobs: the log.
        outcomes: what became of its jobs.
        row: the job.

    Raises:
        SurrogateError: when the log has no such row.
    """

    def __init__(self, jobs: Jobs, outcomes: Outcomes, row: int) -> None:
        if not 0 <= row < jobs.n_jobs:
            raise SurrogateError(f"row {row}: the log has rows 0 to {jobs.n_jobs - 1}")
        self.row, self.now_s = row, float(jobs.submit_s[row])
        self.asked = Request(int(jobs.hosts[row]), float(jobs.request_s[row]))
        self._past = history_of(_with_stranger(jobs, row))
        self._fresh_pair = int(self._past.jobs["pair"][row + 1])
        _tell(self._past, jobs, outcomes, row)

    def features(self, requests: Sequence[Request]) -> NDArray[np.float32]:
        """Return the features of the job for each of some requests, shape (len(requests), len(FEATURES))."""
        x: NDArray[np.float32] = np.empty((len(requests), len(FEATURES)), dtype=np.float32)
        for number, request in enumerate(requests):
            record = self._past.jobs[self.row : self.row + 1]
            record["hosts"], record["request_s"] = request.hosts, request.request_s
            record["pair"] = self._pair_of(request)
            describe(self._past, self.row, self.now_s, x[number])
        return x

    def _pair_of(self, request: Request) -> int:
        """Return the number of a pair of hosts and requested time: that of an earlier job, or one not seen before."""
        earlier = self._past.jobs[: self.row]
        asked = earlier["request_s"]
        same = np.isnan(asked) if np.isnan(request.request_s) else asked == request.request_s
        found = np.flatnonzero((earlier["hosts"] == request.hosts) & same)
        return int(earlier["pair"][found[0]]) if len(found) else self._fresh_pair


def _with_stranger(jobs: Jobs, row: int) -> Jobs:
    """Return the jobs up to a row, and one more that asks for what nobody asked for; it is never submitted."""
    rows = np.append(np.arange(row + 1), row)
    columns = {name: getattr(jobs, name)[rows] for name in _COLUMNS}
    columns["hosts"][-1] = int(columns["hosts"].max()) + 1
    return Jobs(**columns, unix_start_s=jobs.unix_start_s, utc_offset_s=jobs.utc_offset_s, source=jobs.source)


def _tell(h: History, jobs: Jobs, outcomes: Outcomes, row: int) -> None:
    """Note all that happened before the submission of a job."""
    submit, run = jobs.submit_s[:row], outcomes.run_s[:row]
    start = np.where(np.isnan(run), np.nan, np.maximum(outcomes.start_s[:row], submit))
    known = np.flatnonzero(~np.isnan(start))
    starts, ends = (known[np.argsort(date[known], kind="stable")] for date in (start, start + run))
    x: NDArray[np.float32] = np.empty((row, len(FEATURES)), dtype=np.float32)
    begun, done = replay(h, submit, start, run, starts, ends, 0, row, x)
    # What happened between the submission before and this one, in the order of `replay`.
    now_s = float(jobs.submit_s[row])
    while True:
        a = start[starts[begun]] if begun < len(starts) else np.inf
        b = start[ends[done]] + run[ends[done]] if done < len(ends) else np.inf
        if min(a, b) >= now_s:
            return
        if b <= a:
            note_ended(h, ends[done], b, run[ends[done]])
            done += 1
        else:
            note_started(h, starts[begun], a)
            begun += 1
