"""Quantiles around a single value, from how far such values were off before; and quantiles at other levels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattq.errors import SurrogateError
from wattq.surrogates.model import LEVELS, Prediction

__all__ = ["Spread", "at_levels", "learn_spread"]

_PARTS = 6
_ODDS = np.log(np.array(LEVELS) / (1.0 - np.array(LEVELS)))


class Spread:
    """Quantiles of run over predicted value, by size of the predicted value.

    Args:
        ends: values at which the next part begins, s, ascending.
        log_ratio: logarithms of the quantiles of run over value, shape (len(ends) + 1, 11).

    Raises:
        SurrogateError: when the shapes do not fit each other.
    """

    def __init__(self, ends: NDArray[np.float64], log_ratio: NDArray[np.float64]) -> None:
        if ends.ndim != 1 or log_ratio.shape != (len(ends) + 1, len(LEVELS)):
            raise SurrogateError(f"spread: quantiles of shape {log_ratio.shape} for ends of shape {ends.shape}")
        self.ends, self.log_ratio = ends, log_ratio

    def around(self, point_s: NDArray[np.float64]) -> Prediction:
        """Return values with quantiles around them; unknown ones stay unknown."""
        ratio = np.exp(self.log_ratio[np.searchsorted(self.ends, point_s)])
        return Prediction(point_s, point_s[:, None] * ratio)


def learn_spread(point_s: NDArray[np.float64], run_s: NDArray[np.float64]) -> Spread:
    """Return the spread of run times around values, both in s; values that are unknown teach nothing."""
    known = np.isfinite(point_s) & np.isfinite(run_s)
    point, run = np.maximum(point_s[known], 1.0), np.maximum(run_s[known], 1.0)
    if len(point) < 20 * _PARTS:
        return Spread(np.zeros(0), _quantiles(np.log(run / point))[None, :])
    ends = np.unique(np.quantile(point, np.linspace(0.0, 1.0, _PARTS + 1)[1:-1]))
    part = np.searchsorted(ends, point)
    rows = [_quantiles(np.log(run / point)[part == number]) for number in range(len(ends) + 1)]
    return Spread(ends, np.array(rows))


def _quantiles(log: NDArray[np.float64]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = np.quantile(log, LEVELS) if len(log) else np.zeros(len(LEVELS))
    return found


def at_levels(levels: tuple[float, ...], value_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return quantiles at `LEVELS` from those at some levels, straight in the logarithm over the log-odds.

    Args:
        levels: ascending levels, two at least; beyond them the outer lines go on.
        value_s: quantiles at these, s, shape (n, len(levels)).
    """
    odds = np.log(np.array(levels) / (1.0 - np.array(levels)))
    log = np.maximum.accumulate(np.log(np.maximum(value_s, 1.0)), axis=1)
    place = np.clip(np.searchsorted(odds, _ODDS, side="right") - 1, 0, len(odds) - 2)
    part = (_ODDS - odds[place]) / (odds[place + 1] - odds[place])
    found: NDArray[np.float64] = np.exp(log[:, place] * (1.0 - part) + log[:, place + 1] * part)
    return found
