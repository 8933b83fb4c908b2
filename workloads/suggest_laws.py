"""The law of a kind that fits whole numbers, and its distance from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattq.workloads.arrivals import Law

__all__ = ["LawFit", "fit_law"]

_Floats = NDArray[np.float64]
_Ints = NDArray[np.int64]
_STEPS = 60


@dataclass(frozen=True)
class LawFit:
    """A law and its Kolmogorov-Smirnov distance from the numbers that it was fitted to.

    Attributes:
        law: the law.
        distance: greatest difference of the two distribution functions.
    """

    law: Law
    distance: float


def fit_law(kind: str, numbers: _Ints, low: int, high: int) -> LawFit:
    """Return the law of a kind for whole numbers that were held within `low` and `high`; no number gives the least."""
    least, most = int(numbers.min(initial=high)), int(numbers.max(initial=low))
    if not numbers.size:
        least = most = low
    if kind == "uniform":
        law = Law(kind, least, most)
    elif kind == "flat":
        law = Law(kind, (least + most) // 2, -(-(most - least) // 2))
    else:
        law = Law(kind, _poisson_mean(float(np.mean(numbers)) if numbers.size else low, low, high))
    return LawFit(law, _distance(law, numbers, low, high) if numbers.size else 0.0)


def _poisson_mean(mean: float, low: int, high: int) -> float:
    """Return the mean of a Poisson law whose draws, held within bounds, have the given mean (by bisection)."""
    if mean <= low:
        return 0.0 if low else mean
    least, most = 0.0, max(2.0 * high, 10.0)
    for _ in range(_STEPS):
        middle = (least + most) / 2
        # the mean of a number held within bounds is the sum of its upper tails
        tails = 1.0 - _poisson_cdf(middle, high)[low:high]
        least, most = (middle, most) if low + float(tails.sum()) < mean else (least, middle)
    return (least + most) / 2


def _poisson_cdf(mean: float, high: int) -> _Floats:
    """Return P(X <= k) for k from 0 to `high`."""
    k = np.arange(high + 1)
    log_factorial = np.concatenate([[0.0], np.cumsum(np.log(k[1:]))])
    return np.asarray(np.minimum(np.cumsum(np.exp(k * np.log(max(mean, 1e-300)) - mean - log_factorial)), 1.0))


def _distance(law: Law, numbers: _Ints, low: int, high: int) -> float:
    found = np.cumsum(np.bincount(numbers, minlength=high + 1)) / numbers.size
    k = np.arange(high + 1)
    if law.kind == "poisson":
        model = _poisson_cdf(law.a, high)
    else:
        least, most = (law.a - law.b, law.a + law.b) if law.kind == "flat" else (law.a, law.b)
        model = np.clip((k - least + 1) / (most - least + 1), 0.0, 1.0)
    model = np.where(k < low, 0.0, np.where(k >= high, 1.0, model))
    return float(np.abs(model - found).max())
