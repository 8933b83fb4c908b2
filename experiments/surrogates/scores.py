"""Figures of a model on the jobs of a log: with intervals, by user, over time, and how well levels are kept."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattq.experiments.study.bootstrap import LEAST_WEEKS, RESAMPLES, Estimate
from wattq.experiments.surrogates.logs import Log, Rows
from wattq.surrogates.metrics import TERMS, calibration, from_sums, job_terms, plain, score
from wattq.surrogates.model import Prediction
from wattq.units import WEEK_S

__all__ = ["Decile", "Period", "Scores", "score_rows"]

Floats = NDArray[np.float64]

PERIOD_WEEKS = 4
DECILES = 10


@dataclass(frozen=True)
class Decile:
    """A tenth of the users, those with the fewest jobs first.

    Attributes:
        number: 1 to 10.
        users: how many.
        least, most: fewest and most jobs of one of them, among those measured.
        jobs: their jobs.
        figures: every figure of `MEASURES` over these jobs.
    """

    number: int
    users: int
    least: int
    most: int
    jobs: int
    figures: dict[str, float]


@dataclass(frozen=True)
class Period:
    """Four weeks of submissions.

    Attributes:
        begin_s: their begin on the log's axis, s.
        jobs: jobs measured.
        figures: every figure but medians.
    """

    begin_s: float
    jobs: int
    figures: dict[str, float]


@dataclass(frozen=True)
class Scores:
    """Every figure of a model on some jobs of a log.

    Attributes:
        jobs: how many.
        weeks: weeks with a submission among them, the blocks of the resamples.
        figures: by name in `MEASURES`, with the 95 % interval where there is one.
        calibration: for each level, the share of jobs whose run time is at most the quantile.
        deciles: by users; fewer than ten where there are fewer users.
        periods: by time; those with jobs.
    """

    jobs: int
    weeks: int
    figures: dict[str, Estimate]
    calibration: tuple[float, ...]
    deciles: tuple[Decile, ...]
    periods: tuple[Period, ...]


def score_rows(log: Log, rows: Rows, found: Prediction, seed: int, reserve_s: Floats | None = None) -> Scores:
    """Return the figures of predictions of rows of a log.

    Args:
        log: the log.
        rows: the jobs that were predicted.
        found: one prediction for each of them.
        seed: seed of the resamples; two models that are measured on the same rows see the same ones.
        reserve_s: their estimates of least reserved time, s, where such were made.
    """
    real_s, request_s = log.outcomes.run_s[rows], log.jobs.request_s[rows]
    values = score(real_s, found.point_s, found.quantile_s, request_s, reserve_s)
    terms = job_terms(real_s, found.point_s, found.quantile_s, request_s, reserve_s)
    week = (log.jobs.submit_s[rows] // WEEK_S).astype(np.int64)
    weekly = _grouped(terms, week)
    ends = _intervals(weekly, seed)
    return Scores(
        jobs=len(rows),
        weeks=len(weekly),
        figures={name: Estimate(value, *ends.get(name, (None, None))) for name, value in values.items()},
        calibration=tuple(calibration(real_s, found.quantile_s).tolist()),
        deciles=_deciles(log.jobs.user[rows], real_s, found, request_s),
        periods=_periods(terms, week),
    )


def _grouped(terms: Floats, group: NDArray[np.int64]) -> Floats:
    """Return the sums of terms over each group that has jobs, in the order of the groups."""
    kinds, place = np.unique(group, return_inverse=True)
    sums = np.zeros((len(kinds), terms.shape[1]))
    np.add.at(sums, place, terms)
    return sums


def _intervals(weekly: Floats, seed: int) -> dict[str, tuple[float, float]]:
    """Return 95 % percentile intervals over resamples of whole weeks; none with too few of them."""
    n_weeks = len(weekly)
    if n_weeks < LEAST_WEEKS:
        return {}
    picks = np.random.default_rng(seed).integers(0, n_weeks, size=(RESAMPLES, n_weeks))
    cells = np.repeat(np.arange(RESAMPLES), n_weeks) * n_weeks + picks.ravel()
    counts = np.bincount(cells, minlength=RESAMPLES * n_weeks).reshape(RESAMPLES, n_weeks)
    draws = from_sums(counts @ weekly)
    found = {}
    for name, values in draws.items():
        if np.isfinite(values).all():
            low, high = np.percentile(values, [2.5, 97.5])
            found[name] = (float(low), float(high))
    return found


def _deciles(user: NDArray[np.int64], real_s: Floats, found: Prediction, request_s: Floats) -> tuple[Decile, ...]:
    """Return tenths of the users by their number of jobs, those with equal numbers by their own."""
    users, place, n_jobs = np.unique(user, return_inverse=True, return_counts=True)
    order = np.lexsort((users, n_jobs))
    rows = []
    for number, members in enumerate(np.array_split(order, DECILES), start=1):
        chosen = np.isin(place, members)
        if not len(members):
            continue
        figures = score(real_s[chosen], found.point_s[chosen], found.quantile_s[chosen], request_s[chosen])
        sizes = n_jobs[members]
        rows.append(Decile(number, len(members), int(sizes.min()), int(sizes.max()), int(chosen.sum()), figures))
    return tuple(rows)


def _periods(terms: Floats, week: NDArray[np.int64]) -> tuple[Period, ...]:
    period = (week - week.min()) // PERIOD_WEEKS if len(week) else week
    begins = np.unique(period) * PERIOD_WEEKS * WEEK_S + (week.min() * WEEK_S if len(week) else 0.0)
    rows = []
    for begin_s, sums in zip(begins, _grouped(terms, period), strict=True):
        figures = plain(from_sums(sums))
        rows.append(Period(float(begin_s), int(sums[TERMS.index("jobs")]), figures))
    return tuple(rows)
