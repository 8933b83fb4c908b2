"""Paired bootstrap over weeks: sums, means and percentiles over the jobs of resampled weeks, and their ratios."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "LEAST_WEEKS",
    "RESAMPLES",
    "SEED",
    "Estimate",
    "Sampled",
    "mean_of_jobs",
    "percentile_of_jobs",
    "ratio",
    "total",
]

RESAMPLES = 2000
"""Number of resamples."""

SEED = 0
"""Seed of the resamples: every metric and policy sees the same ones, which is what pairs them."""

LEAST_WEEKS = 3
"""Fewer weeks have no interval."""

NO_CHANGE = 5e-4
"""A quotient this near to 1 counts as no change: it would be printed as 100.0 %."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A number with the ends of its 95 % interval, which are None where there are too few weeks."""

    value: float
    low: float | None = None
    high: float | None = None

    @property
    def excludes(self) -> tuple[bool, bool]:
        """Return whether the whole interval lies below 1, and whether it lies above 1; without one, neither.

        Below and above mean by more than `NO_CHANGE`, which is what rounding leaves of equal sums.
        """
        if self.low is None or self.high is None:
            return False, False
        return self.high < 1.0 - NO_CHANGE, self.low > 1.0 + NO_CHANGE


@dataclass(frozen=True)
class Sampled:
    """A number over all weeks, and over each resample of them.

    Attributes:
        value: over the weeks as they are.
        draws: over each resample, length `RESAMPLES`; NaN where it is not defined.
    """

    value: float
    draws: Floats

    @property
    def estimate(self) -> Estimate:
        """The number with its 95 % percentile interval."""
        if len(self.draws) == 0 or not np.isfinite(self.draws).all():
            return Estimate(self.value)
        low, high = np.percentile(self.draws, [2.5, 97.5])
        return Estimate(self.value, float(low), float(high))


def counts(n_weeks: int) -> NDArray[np.int64]:
    """Return how often each week is drawn in each resample, shape (resamples, weeks); no row below `LEAST_WEEKS`."""
    if n_weeks < LEAST_WEEKS:
        return np.zeros((0, n_weeks), dtype=np.int64)
    picks = np.random.default_rng(SEED).integers(0, n_weeks, size=(RESAMPLES, n_weeks))
    rows = np.repeat(np.arange(RESAMPLES), n_weeks)
    return np.bincount(rows * n_weeks + picks.ravel(), minlength=RESAMPLES * n_weeks).reshape(RESAMPLES, n_weeks)


def total(values: Sequence[float]) -> Sampled:
    """Return the sum of one value per week."""
    weekly = np.asarray(values, dtype=np.float64)
    return Sampled(float(np.sum(weekly)), counts(len(weekly)) @ weekly)


def ratio(over: Sampled, under: Sampled) -> Sampled | None:
    """Return the quotient of two samples of the same weeks, draw by draw; None when the divisor is not positive."""
    if not under.value > 0 or not np.isfinite(over.value):
        return None
    safe = np.where(under.draws > 0, under.draws, np.nan)
    return Sampled(over.value / under.value, over.draws / safe)


def mean_of_jobs(weeks: Sequence[Floats]) -> Sampled:
    """Return the mean over the jobs of all weeks together; each entry holds the values of one week's jobs."""
    sums = total([float(np.sum(values)) for values in weeks])
    sizes = total([float(len(values)) for values in weeks])
    found = ratio(sums, sizes)
    return found if found is not None else Sampled(float("nan"), np.empty(0))


def percentile_of_jobs(weeks: Sequence[Floats], percent: float) -> Sampled:
    """Return a percentile over the jobs of all weeks together, interpolated linearly between ranks.

    A resample is never built: the jobs are sorted once, and the job of a rank is found by bisection in the numbers of
    jobs of each week up to it, weighted by how often the week was drawn.
    """
    values = np.concatenate(list(weeks)) if weeks else np.empty(0)
    if len(values) == 0:
        return Sampled(float("nan"), np.empty(0))
    order = np.argsort(values, kind="stable")
    week_of = np.repeat(np.arange(len(weeks)), [len(week) for week in weeks])[order]
    upto = np.cumsum(week_of[:, None] == np.arange(len(weeks))[None, :], axis=0)
    values = values[order]
    whole = _ranked(values, upto, np.ones((1, len(weeks)), dtype=np.int64), percent)
    return Sampled(float(whole[0]), _ranked(values, upto, counts(len(weeks)), percent))


def _ranked(values: Floats, upto: NDArray[np.int64], drawn: NDArray[np.int64], percent: float) -> Floats:
    sizes = drawn @ upto[-1]
    place = percent / 100.0 * (sizes - 1)
    low = np.floor(place).astype(np.int64)
    below = values[_job_of_rank(upto, drawn, low)]
    above = values[_job_of_rank(upto, drawn, np.minimum(low + 1, sizes - 1))]
    found: Floats = np.where(sizes > 0, below + (above - below) * (place - low), np.nan)
    return found


def _job_of_rank(upto: NDArray[np.int64], drawn: NDArray[np.int64], rank: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the first sorted job with more than ``rank`` jobs up to it, for each resample."""
    left = np.zeros(len(drawn), dtype=np.int64)
    right = np.full(len(drawn), len(upto) - 1, dtype=np.int64)
    while (left < right).any():
        middle = (left + right) // 2
        enough = np.einsum("rw,rw->r", upto[middle], drawn) > rank
        right = np.where(enough, middle, right)
        left = np.where(enough, left, np.minimum(middle + 1, right))  # never past the end, also for no job at all
    return left
