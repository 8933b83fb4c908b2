"""Boosting of run times in units of a power of the requested time.

Run times range over five orders of magnitude. Divided by the square root of the requested time, long and short jobs
count alike enough that neither drowns the other: of the powers 0, 1/2 and 1, the middle one had the lowest absolute
error on the first halves of KTH-SP2 and SDSC-SP2. What is boosted is the run time, or its distance from the value that
agrees best with the user's similar runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from wattq.surrogates.boosted import Boosted, Growth, boost
from wattq.surrogates.forest import ALL
from wattq.surrogates.losses import Loss

__all__ = ["Scaled", "boost_scaled", "request_of", "similar_of"]

_LEAST_S = 60.0
_REQUEST, _HIGH = ALL.index("request_s"), ALL.index("user_q90_s")
_SIMILAR, _LATE = ALL.index("similar_value_s"), ALL.index("late_value_s")


def request_of(x: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the requested times of rows of all features, s; NaN where there is none."""
    return x[:, _REQUEST].astype(np.float64)


def similar_of(x: NDArray[np.float32], share: float, typical_s: float) -> NDArray[np.float64]:
    """Return what the user's similar runs say, s, the mean of both reaches into the past.

    Args:
        x: rows of all features.
        share: of the requested time that counts for users without a past.
        typical_s: run time of those without a requested time either, s.
    """
    request = request_of(x)
    value = (x[:, _SIMILAR].astype(np.float64) + x[:, _LATE]) / 2.0
    value = np.where(np.isnan(value), share * request, value)
    known: NDArray[np.float64] = np.where(np.isnan(value), typical_s, value)
    return np.fmin(np.maximum(known, 1.0), request)


@dataclass(frozen=True)
class Scaled:
    """A sum of trees that gives run times.

    Attributes:
        trees: the sum, in units of the scale.
        from_similar: 1 where the sum is added to `similar_of`, else 0.
        power: power of the requested time in the scale.
        longest_s: unit for jobs without a requested time, at most, s.
        share: see `similar_of`.
        typical_s: likewise.
    """

    trees: Boosted
    from_similar: float
    power: float
    longest_s: float
    share: float
    typical_s: float

    def predict(self, x: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return run times for rows of all features, s: at least 1 s and at most the requested time."""
        base = self.from_similar * similar_of(x, self.share, self.typical_s)
        run = base + self.trees.predict(x) * _unit(x, self.longest_s, self.power)
        # A job without a requested time may be off by any factor; the longest request bounds what is believed.
        bound = np.where(np.isnan(request_of(x)), np.maximum(base, self.longest_s), np.inf)
        return np.fmin(np.clip(run, 1.0, bound), request_of(x))

    def arrays(self, prefix: str) -> dict[str, NDArray[Any]]:
        """Return the numbers by name, each name with a prefix."""
        numbers = np.array([self.from_similar, self.power, self.longest_s, self.share, self.typical_s])
        return {**self.trees.arrays(prefix), f"{prefix}numbers": numbers}

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]], prefix: str) -> Self:
        """Return the sum of these arrays.

        Raises:
            SurrogateError: when they do not form trees.
        """
        numbers = arrays[f"{prefix}numbers"]
        return cls(Boosted.of(arrays, len(ALL), prefix), *(float(numbers[k]) for k in range(5)))


def boost_scaled(
    x: NDArray[np.float32],
    run_s: NDArray[np.float64],
    loss: Loss,
    growth: Growth,
    seed: int,
    *,
    from_similar: bool = False,
    power: float = 0.5,
) -> Scaled:
    """Return trees that minimise a loss of the run time in units of the scale.

    Args:
        x: rows of all features.
        run_s: run times, s.
        loss: what is minimised.
        growth: how trees are grown.
        seed: of the features that trees see.
        from_similar: whether they start from the user's similar runs.
        power: power of the requested time in the scale; 0 for seconds.
    """
    request = request_of(x)
    known = np.isfinite(request) & (request > 0.0)
    typical = float(np.median(run_s))
    share = float(np.median(run_s[known] / request[known])) if known.any() else 1.0
    longest = float(np.median(request[known])) if known.any() else max(float(np.quantile(run_s, 0.9)), _LEAST_S)
    base = similar_of(x, share, typical) if from_similar else np.zeros(len(x))
    trees = boost(x, (run_s - base) / _unit(x, longest, power), loss, growth, seed)
    return Scaled(trees, float(from_similar), power, longest, share, typical)


def _unit(x: NDArray[np.float32], longest_s: float, power: float) -> NDArray[np.float64]:
    request, high = request_of(x), x[:, _HIGH].astype(np.float64)
    other = np.where(np.isnan(high), longest_s, np.minimum(high, longest_s))
    unit: NDArray[np.float64] = np.maximum(np.where(np.isnan(request), other, request), _LEAST_S) ** power
    return unit
