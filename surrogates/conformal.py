"""Quantiles that keep what they promise while jobs change.

Each promised level is followed by a level of its own at which the model is asked instead. When a job ends, that level
moves up a little if the run time lay above the quantile, and down a little otherwise (I. Gibbs, E. Candes, Adaptive
conformal inference under distribution shift, NeurIPS 2021), here on the scale of the log-odds, so that it
stays a level. Between and beyond the model's quantiles, the logarithm of the run time is a straight line over the
log-odds.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattq.simulator.jit import jitted
from wattq.surrogates.model import LEVELS, Prediction

__all__ = ["RATE", "Conformal", "adapt_all", "times_of"]

RATE = 0.05
"""How far one job moves a level, in log-odds."""

_ODDS = np.log(np.array(LEVELS) / (1.0 - np.array(LEVELS)))


@jitted
def _stretch(
    log_s: NDArray[np.float64], odds: NDArray[np.float64], asked: NDArray[np.float64], out: NDArray[np.float64]
) -> None:
    """Fill in the logarithms of a job's quantiles at other log-odds, not decreasing."""
    last = odds.shape[0] - 1
    for q in range(asked.shape[0]):
        k = 0
        while k < last - 1 and asked[q] > odds[k + 1]:
            k += 1
        slope = (log_s[k + 1] - log_s[k]) / (odds[k + 1] - odds[k])
        if asked[q] > odds[last] or asked[q] < odds[0]:
            # Beyond the ends the whole spread says how far quantiles lie apart, lest two equal ones stop all movement.
            slope = max(slope, (log_s[last] - log_s[0]) / (odds[last] - odds[0]), 0.02)
        base = last if asked[q] > odds[last] else k
        out[q] = log_s[base] + slope * (asked[q] - odds[base])
        if q > 0 and out[q] < out[q - 1]:
            out[q] = out[q - 1]


@jitted
def _learn(
    log_run: float, log_s: NDArray[np.float64], odds: NDArray[np.float64], asked: NDArray[np.float64], rate: float
) -> None:
    """Move the levels asked for, now that a job ended whose quantiles were these."""
    for q in range(asked.shape[0]):
        level = 1.0 / (1.0 + np.exp(-odds[q]))
        # Run times repeat, at 1 s and at the request above all: an end of an interval on such a value covers it.
        near = -1e-9 if odds[q] < 0.0 else 1e-9
        asked[q] += rate * (level - 1.0) if log_run <= log_s[q] + near else rate * level
        asked[q] = min(max(asked[q], odds[q] - 8.0), odds[q] + 8.0)


@jitted
def adapt_all(
    log_s: NDArray[np.float64],
    log_cap: NDArray[np.float64],
    log_run: NDArray[np.float64],
    ends: NDArray[np.int64],
    known: NDArray[np.int64],
    first: int,
    odds: NDArray[np.float64],
    asked: NDArray[np.float64],
    rate: float,
) -> None:
    """Adapt the quantiles of all jobs of a log, in the order of submission, in place.

    Args:
        log_s: logarithms of quantiles, shape (n, n_levels).
        log_cap: logarithms of requested times, inf where there is none.
        log_run: logarithms of run times.
        ends: jobs by their end.
        known: how many of them had ended before each submission.
        first: jobs before this one are left alone.
        odds: log-odds of the levels promised.
        asked: log-odds asked for; changed.
        rate: see `RATE`.
    """
    row = np.empty(odds.shape[0])
    done = 0
    for i in range(first, log_s.shape[0]):
        while done < known[i]:
            j = ends[done]
            done += 1
            if j >= first:
                _learn(log_run[j], log_s[j], odds, asked, rate)
        if log_s[i, 0] != log_s[i, 0]:
            continue
        _stretch(log_s[i], odds, asked, row)
        for q in range(odds.shape[0]):
            log_s[i, q] = max(min(row[q], log_cap[i]), 0.0)


def times_of(log_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return times from their logarithms, s, to the microsecond: a run time that was learned comes back as it was.

    Run times repeat, so an interval often ends on one; it must not miss it by the last bit of a logarithm.
    """
    return np.asarray(np.round(np.exp(np.maximum(log_s, 0.0)), 6), dtype=np.float64)


class Conformal:
    """Adapts quantiles online; one object goes with one run of a scheduler.

    Args:
        rate: how far one job moves a level.
    """

    def __init__(self, rate: float = RATE) -> None:
        self.rate = rate
        self.asked: NDArray[np.float64] = _ODDS.copy()

    def adapt(self, prediction: Prediction, request_s: NDArray[np.float64]) -> Prediction:
        """Return a prediction with adapted quantiles, none above the requested time, s (NaN: none).

        The single value stays.
        """
        log_s = np.log(np.maximum(prediction.quantile_s, 1.0))
        found = np.empty_like(log_s)
        for row, out in zip(log_s, found, strict=True):
            _stretch(row, _ODDS, self.asked, out)
        return Prediction(prediction.point_s, times_of(found)).capped(request_s)

    def ended(self, quantile_s: NDArray[np.float64], run_s: float) -> None:
        """Learn from a job that ended.

        Args:
            quantile_s: its quantiles as `adapt` gave them, s, shape (11,).
            run_s: its run time, s.
        """
        _learn(float(np.log(max(run_s, 1.0))), np.log(np.maximum(quantile_s, 1.0)), _ODDS, self.asked, self.rate)
