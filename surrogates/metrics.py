"""How good predictions of run times are: every figure that a comparison of models reports.

All figures but medians are functions of sums over jobs, so that the same code serves all jobs, some of them, and
resamples of weeks: `job_terms` gives the terms of each job, `from_sums` the figures of any sums of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from wattq.errors import SurrogateError
from wattq.surrogates.model import LEVELS

__all__ = ["MEASURES", "TERMS", "Measure", "calibration", "from_sums", "job_terms", "pinball_name", "plain", "score"]

Floats = NDArray[np.float64]

_LOW, _UPPER, _HIGH = LEVELS.index(0.05), LEVELS.index(0.9), LEVELS.index(0.95)


@dataclass(frozen=True)
class Measure:
    """One figure of a model on a set of jobs.

    Attributes:
        name: key in files.
        label: heading in tables.
        unit: ``s``, or ``1`` for shares and quotients.
        definition: what it is, in full sentences.
        better: ``lower``, ``higher``, or empty where neither is.
    """

    name: str
    label: str
    unit: str
    definition: str
    better: str = ""


def pinball_name(level: float) -> str:
    """Return the name of the pinball loss of a level: ``pinball_0.05_s``."""
    return f"pinball_{level:g}_s"


_POINT = (
    Measure("accuracy", "accuracy", "1", "Mean of min(p, r) / max(p, r), p predicted, r real; 1 is perfect.", "higher"),
    Measure("mae_s", "MAE", "s", "Mean of |p - r|.", "lower"),
    Measure("rmse_s", "RMSE", "s", "Square root of the mean of (p - r)^2; the longest jobs decide it.", "lower"),
    Measure(
        "mape",
        "MAPE",
        "1",
        "Mean of |p - r| / r over jobs with r > 0. It misleads: jobs that fail within seconds have a tiny r, so that a "
        "minute of error counts like days of error on a job of a day, and a model that predicts too little wins. "
        "Compare models by accuracy and MAE.",
        "lower",
    ),
    Measure(
        "r2",
        "R2",
        "1",
        "1 - sum of (p - r)^2 over sum of (r - mean r)^2: 0 is as good as the mean run time of the very jobs that are "
        "measured, below 0 is worse.",
        "higher",
    ),
    Measure("under_rate", "under", "1", "Share of jobs whose point prediction is below the real run time."),
)  # fmt: skip
_SPREAD = (
    Measure(
        "upper_under_rate",
        "upper under",
        "1",
        "Share of jobs whose upper estimate (the 0.9 quantile) is below the real run time; 0.1 is as promised.",
        "lower",
    ),
    Measure(
        "upper_of_request",
        "upper / request",
        "1",
        "Mean upper estimate over mean requested time, of jobs with a requested time.",
        "lower",
    ),
    Measure(
        "upper_share_mean",
        "mean upper share",
        "1",
        "Mean over jobs of upper estimate over requested time, of jobs with a requested time.",
        "lower",
    ),
    Measure(
        "reserve_under_rate",
        "reserve under",
        "1",
        "Share of jobs that outlive the estimate of least reserved time (`wattq.surrogates.reserve`, made for 0.11).",
        "lower",
    ),
    Measure(
        "reserve_of_request",
        "reserve / request",
        "1",
        "Mean of that estimate over mean requested time, of jobs with a requested time.",
        "lower",
    ),
    Measure(
        "reserve_share_mean",
        "mean reserve share",
        "1",
        "Mean over jobs of that estimate over requested time, of jobs with a requested time.",
        "lower",
    ),
    Measure("coverage", "coverage", "1", "Share of jobs whose real run time is in the 90 % interval, ends included."),
    Measure("width_mean_s", "mean width", "s", "Mean length of the 90 % interval.", "lower"),
    Measure("width_median_s", "median width", "s", "Median length of the 90 % interval.", "lower"),
)
_PINBALL = (
    Measure("pinball_s", "pinball", "s", "Mean of the pinball losses over all levels.", "lower"),
    *(
        Measure(
            pinball_name(level),
            f"pinball {level:g}",
            "s",
            f"Mean of max({level:g} (r - q), {1 - level:g} (q - r)), q the {level:g} quantile; at 0.5 half the mean "
            "absolute error of the median.",
            "lower",
        )
        for level in LEVELS
    ),
)

MEASURES: Mapping[str, Measure] = MappingProxyType({m.name: m for m in (*_POINT, *_SPREAD, *_PINBALL)})
"""Every figure by name, in the order of tables."""

TERMS = (
    "jobs", "error", "error2", "positive", "relative", "real", "real2", "accuracy", "under", "upper_under", "covered",
    "width", "requested", "upper", "request", "upper_share", "reserve_under", "reserve", "reserve_share",
    *(pinball_name(level) for level in LEVELS),
)  # fmt: skip
"""Columns of `job_terms`."""


def job_terms(
    real_s: Floats, point_s: Floats, quantile_s: Floats, request_s: Floats, reserve_s: Floats | None = None
) -> Floats:
    """Return the terms of each job, float64 [n_jobs, len(TERMS)].

    Args:
        real_s: real run times, s, length n_jobs.
        point_s: predicted run times, s, length n_jobs.
        quantile_s: predicted quantiles, s, [n_jobs, len(LEVELS)].
        request_s: requested times, s, length n_jobs, NaN where there is none.
        reserve_s: estimates of least reserved time, s, length n_jobs; None where they were not made: NaN then.

    Raises:
        SurrogateError: shapes differ, a number is negative or not finite, or quantiles of a job decrease.
    """
    _check(real_s, point_s, quantile_s, request_s)
    error = point_s - real_s
    known = np.isfinite(request_s)
    request, upper = np.where(known, request_s, 0.0), np.where(known, quantile_s[:, _UPPER], 0.0)
    low, high = quantile_s[:, _LOW], quantile_s[:, _HIGH]
    unknown = np.full(len(real_s), np.nan)
    reserve = unknown if reserve_s is None else np.where(known, reserve_s, 0.0)
    columns = [
        np.ones(len(real_s)),
        np.abs(error),
        error**2,
        real_s > 0,
        _over(np.abs(error), real_s),
        real_s,
        real_s**2,
        _alike(point_s, real_s),
        point_s < real_s,
        quantile_s[:, _UPPER] < real_s,
        (low <= real_s) & (real_s <= high),
        high - low,
        known,
        upper,
        request,
        _over(upper, request),
        unknown if reserve_s is None else reserve_s < real_s,
        reserve,
        _over(reserve, request),
    ]
    levels = np.array(LEVELS)
    short = real_s[:, None] - quantile_s
    losses = np.maximum(levels * short, (levels - 1.0) * short)
    return np.concatenate([np.stack(columns, axis=1).astype(np.float64), losses], axis=1)


def _check(real_s: Floats, point_s: Floats, quantile_s: Floats, request_s: Floats) -> None:
    n_jobs = len(real_s)
    if point_s.shape != (n_jobs,) or request_s.shape != (n_jobs,) or quantile_s.shape != (n_jobs, len(LEVELS)):
        raise SurrogateError(
            f"predictions of shape {point_s.shape} and {quantile_s.shape}, requests {request_s.shape}: there are "
            f"{n_jobs} real run times, so they must be ({n_jobs},), ({n_jobs}, {len(LEVELS)}) and ({n_jobs},)"
        )
    for name, values in (("real run time", real_s), ("prediction", point_s), ("quantile", quantile_s)):
        wrong = ~(np.isfinite(values) & (values >= 0))
        if wrong.any():
            row = int(np.argwhere(wrong)[0][0])
            raise SurrogateError(f"job {row}: {name} {values[row]}; it must be a finite number of seconds, 0 or more")
    falling = np.diff(quantile_s, axis=1) < 0
    if falling.any():
        row = int(np.argwhere(falling)[0][0])
        raise SurrogateError(f"job {row}: quantiles {quantile_s[row]} decrease; they must rise with the level")


def _over(over: Floats, under: Floats) -> Floats:
    """Return a quotient, 0 where the divisor is 0."""
    with np.errstate(over="ignore"):  # infinite for a run time of next to nothing
        return np.divide(over, under, out=np.zeros(len(over)), where=under > 0)


def _alike(one: Floats, other: Floats) -> Floats:
    """Return min / max, 1 where both are 0."""
    large = np.maximum(one, other)
    return np.divide(np.minimum(one, other), large, out=np.ones(len(one)), where=large > 0)


def from_sums(sums: Floats) -> dict[str, Floats]:
    """Return every figure but medians from sums of terms over jobs, [..., len(TERMS)]; NaN without jobs."""
    total = dict(zip(TERMS, np.moveaxis(np.asarray(sums, dtype=np.float64), -1, 0), strict=True))
    with np.errstate(invalid="ignore", divide="ignore"):
        jobs = total["jobs"]
        spread = total["real2"] - total["real"] ** 2 / jobs
        pinball = {pinball_name(level): total[pinball_name(level)] / jobs for level in LEVELS}
        figures: dict[str, Floats] = {
            "accuracy": total["accuracy"] / jobs,
            "mae_s": total["error"] / jobs,
            "rmse_s": np.sqrt(total["error2"] / jobs),
            "mape": total["relative"] / total["positive"],
            "r2": np.where(spread > 0, 1.0 - total["error2"] / spread, np.nan),
            "under_rate": total["under"] / jobs,
            "upper_under_rate": total["upper_under"] / jobs,
            "upper_of_request": total["upper"] / total["request"],
            "upper_share_mean": total["upper_share"] / total["requested"],
            "reserve_under_rate": total["reserve_under"] / jobs,
            "reserve_of_request": total["reserve"] / total["request"],
            "reserve_share_mean": total["reserve_share"] / total["requested"],
            "coverage": total["covered"] / jobs,
            "width_mean_s": total["width"] / jobs,
            "pinball_s": np.mean(list(pinball.values()), axis=0),
        }
    return figures | pinball


def plain(figures: Mapping[str, Floats]) -> dict[str, float]:
    """Return single figures as numbers; what is not defined is one and the same NaN, so that equal ones compare so."""
    numbers = {name: float(value) for name, value in figures.items()}
    return {name: math.nan if math.isnan(value) else value for name, value in numbers.items()}


def score(
    real_s: Floats, point_s: Floats, quantile_s: Floats, request_s: Floats, reserve_s: Floats | None = None
) -> dict[str, float]:
    """Return every figure of `MEASURES` over all jobs given; NaN where it is not defined.

    Raises:
        SurrogateError: as `job_terms`.
    """
    found = from_sums(job_terms(real_s, point_s, quantile_s, request_s, reserve_s).sum(axis=0))
    width = quantile_s[:, _HIGH] - quantile_s[:, _LOW]
    figures = plain(found)
    figures["width_median_s"] = float(np.median(width)) if len(width) else float("nan")
    return {name: figures[name] for name in MEASURES}


def calibration(real_s: Floats, quantile_s: Floats) -> Floats:
    """Return, for each level, the share of jobs whose real run time is at most the quantile, length len(LEVELS)."""
    if not len(real_s):
        return np.full(len(LEVELS), np.nan)
    shares: Floats = np.mean(real_s[:, None] <= quantile_s, axis=0)
    return shares
