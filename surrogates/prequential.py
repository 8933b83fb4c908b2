"""Predictions of every job of a log, each made only of jobs that had ended before it was submitted."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from wattq.errors import SurrogateError
from wattq.surrogates.conformal import RATE, adapt_all, times_of
from wattq.surrogates.features import FeatureTable
from wattq.surrogates.jobs import Outcomes
from wattq.surrogates.model import LEVELS, Prediction, RuntimeModel

__all__ = ["RETRAIN_JOBS", "adapted", "prequential"]

RETRAIN_JOBS = 3000
"""Fewest submissions between two trainings; a tenth of all submissions so far, where that is more."""


def prequential(
    make: Callable[[], RuntimeModel],
    table: FeatureTable,
    outcomes: Outcomes,
    *,
    first: int = 2000,
    retrain_jobs: int = RETRAIN_JOBS,
    conformal: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> Prediction:
    """Return predictions of all jobs of a log; the first jobs, by which nothing was learned yet, get their request.

    A new model is trained after every so many submissions, on the jobs that ended before the next one. Features are
    those of the submission, so they follow the last ends at any time.

    Args:
        make: returns a new, untrained model.
        table: features of all jobs, in the order of submission.
        outcomes: what became of them.
        first: jobs before the first prediction.
        retrain_jobs: fewest submissions between two trainings; a tenth of those so far, where that is more.
        conformal: whether quantiles are adapted online; see `wattq.surrogates.conformal`.
        progress: told how many jobs are predicted, and of how many.

    Raises:
        SurrogateError: when a number is below 1, or nothing had ended by the first prediction.
    """
    if first < 1 or retrain_jobs < 1:
        raise SurrogateError(f"first {first} jobs, trained every {retrain_jobs}: both must be 1 or more")
    n, request = table.n_jobs, table.jobs.request_s
    point: NDArray[np.float64] = np.full(n, np.nan)
    quantile: NDArray[np.float64] = np.full((n, len(LEVELS)), np.nan)
    end = outcomes.end_s
    stop = first
    while stop < n:
        begin, stop = stop, min(stop + max(retrain_jobs, stop // 10), n)
        rows = slice(begin, stop)
        past = np.flatnonzero(end[:begin] < table.jobs.submit_s[begin])
        if not len(past):
            raise SurrogateError(f"no job had ended when job {begin} was submitted; raise the number of first jobs")
        model = make()
        model.fit(table, outcomes.run_s, past)
        found = model.predict(table.take(rows).columns(model.needs)).capped(request[rows])
        point[rows], quantile[rows] = found.point_s, found.quantile_s
        if progress is not None:
            progress(stop, n)
    made = Prediction(point, quantile)
    return adapted(made, table, outcomes, first) if conformal else made


def adapted(made: Prediction, table: FeatureTable, outcomes: Outcomes, first: int, rate: float = RATE) -> Prediction:
    """Return predictions whose quantiles were adapted as jobs ended; those of a job depend on earlier ends only.

    Args:
        made: predictions of all jobs, in the order of submission.
        table: the jobs.
        outcomes: what became of them.
        first: jobs before the first prediction.
        rate: how far one job moves a level.
    """
    end, submit = outcomes.end_s, table.jobs.submit_s
    ends = np.argsort(end, kind="stable")[: int(np.isfinite(end).sum())]
    known = np.searchsorted(end[ends], submit, side="left")
    log_s = np.log(np.maximum(made.quantile_s, 1.0))
    request = table.jobs.request_s
    cap = np.log(np.where(request > 0.0, np.maximum(request, 1.0), np.inf))
    log_run = np.log(np.maximum(outcomes.run_s, 1.0))
    odds = np.log(np.array(LEVELS) / (1.0 - np.array(LEVELS)))
    adapt_all(log_s, cap, log_run, ends, known, first, odds, odds.copy(), rate)
    return Prediction(made.point_s, times_of(log_s)).capped(request)
