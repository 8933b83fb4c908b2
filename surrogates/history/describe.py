"""One row of features: every group's columns, one after the other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattq.simulator.jit import jitted
from wattq.surrogates.history.events import note_ended, note_started, note_submitted, note_withdrawn
from wattq.surrogates.history.feature import Feature
from wattq.surrogates.history.layout import History
from wattq.surrogates.history.others import OTHERS_FEATURES, SYSTEM_FEATURES, describe_others, describe_system
from wattq.surrogates.history.present import PRESENT_FEATURES, describe_present
from wattq.surrogates.history.recent import gather
from wattq.surrogates.history.request import REQUEST_FEATURES, TIME_FEATURES, describe_request, describe_time
from wattq.surrogates.history.similar import SIMILAR_FEATURES, describe_similar
from wattq.surrogates.history.user import USER_FEATURES, describe_user

__all__ = ["FEATURES", "describe", "replay"]

_PARTS = (
    *(REQUEST_FEATURES, TIME_FEATURES, USER_FEATURES, PRESENT_FEATURES, SIMILAR_FEATURES, OTHERS_FEATURES),
    SYSTEM_FEATURES,
)
FEATURES: tuple[Feature, ...] = tuple(feature for part in _PARTS for feature in part)
"""All features, in the order of the columns."""

_REQUEST, _TIME, _USER, _PRESENT, _SIMILAR, _OTHERS, _SYSTEM = (
    sum(len(part) for part in _PARTS[:k]) for k in range(len(_PARTS))
)


@jitted
def describe(h: History, job: int, now_s: float, row: NDArray[np.float32]) -> None:
    """Fill in the features of a job whose request stands in its record, before its submission is noted."""
    row[:] = np.nan
    n = gather(h, job, now_s)
    describe_request(h, job, row, _REQUEST)
    describe_time(h, now_s, row, _TIME)
    describe_user(h, job, now_s, n, row, _USER)
    alike_s = describe_present(h, job, now_s, row, _PRESENT)
    describe_similar(h, n, alike_s, row, _SIMILAR)
    describe_others(h, job, row, _OTHERS)
    describe_system(h, now_s, row, _SYSTEM)


@jitted
def replay(
    h: History,
    submit_s: NDArray[np.float64],
    start_s: NDArray[np.float64],
    run_s: NDArray[np.float64],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    first: int,
    stop: int,
    x: NDArray[np.float32],
) -> tuple[int, int]:
    """Fill in the features of the jobs of a log: submissions come before ends, and ends before starts, of one date.

    Args:
        h: the past, with the requests of all jobs in their records.
        submit_s: submission of each job, s, not decreasing.
        start_s: start of each job, s; NaN for one that never runs: it leaves the queue at once.
        run_s: run time of each job, s.
        starts: jobs that start, by date.
        ends: jobs that end, by date.
        first: jobs that are described, from this one
        stop: to the one before this.
        x: features, shape (n_jobs, len(FEATURES)).

    Returns:
        How many starts and ends were noted.
    """
    begun, done = 0, 0
    for job in range(first, stop):
        now_s = submit_s[job]
        while True:
            a = start_s[starts[begun]] if begun < starts.shape[0] else np.inf
            b = start_s[ends[done]] + run_s[ends[done]] if done < ends.shape[0] else np.inf
            if min(a, b) >= now_s:
                break
            if b <= a:
                note_ended(h, ends[done], b, run_s[ends[done]])
                done += 1
            else:
                note_started(h, starts[begun], a)
                begun += 1
        describe(h, job, now_s, x[job])
        note_submitted(h, job, now_s)
        if start_s[job] != start_s[job]:
            note_withdrawn(h, job)
    return begun, done
