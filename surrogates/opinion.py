"""A second opinion of the median: the user's similar runs and two boosted sums, weighed by what served best lately."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from wattq.surrogates.boosted import Growth
from wattq.surrogates.losses import Loss
from wattq.surrogates.scaled import Scaled, boost_scaled, similar_of

__all__ = ["Opinion", "learn_opinion"]

_CHECK = 0.15  # share of the latest jobs by which the parts are weighed
_MIXES = np.linspace(0.0, 1.0, 9)


class Opinion:
    """What lies in the middle of the run times that are to be expected.

    Args:
        plain: the boosted run time.
        shifted: the boosted distance from similar runs.
        mix: weight of similar runs; the sums share the rest.
        mean_s: mean run time, s.
    """

    def __init__(self, plain: Scaled, shifted: Scaled, mix: float, mean_s: float) -> None:
        self.plain, self.shifted, self.mix, self.mean_s = plain, shifted, mix, mean_s

    def parts(self, x: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return what similar runs say, and the mean of both sums, s."""
        boosted = (self.plain.predict(x) + self.shifted.predict(x)) / 2.0
        return similar_of(x, self.plain.share, self.plain.typical_s), boosted

    def predict(self, x: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return run times for rows of all features, s."""
        similar, boosted = self.parts(x)
        return self.mix * similar + (1.0 - self.mix) * boosted

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the numbers by name."""
        numbers = np.array([self.mix, self.mean_s])
        return {**self.plain.arrays("plain_"), **self.shifted.arrays("shifted_"), "opinion": numbers}

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Return the opinion of these arrays.

        Raises:
            SurrogateError: when they do not form trees.
        """
        mix, mean_s = (float(arrays["opinion"][k]) for k in range(2))
        return cls(Scaled.of(arrays, "plain_"), Scaled.of(arrays, "shifted_"), mix, mean_s)


def learn_opinion(x: NDArray[np.float32], run_s: NDArray[np.float64], n_trees: int, seed: int) -> Opinion:
    """Return an opinion whose mix had the lowest absolute error on the latest jobs, judged by sums without them.

    Args:
        x: rows of all features.
        run_s: run times, s.
        n_trees: trees of each sum.
        seed: of the sums.
    """
    mean_s = max(float(run_s.mean()), 1.0)
    cut = len(run_s) - round(_CHECK * len(run_s))
    mix = 0.5
    if 20 <= cut < len(run_s):
        before = Opinion(*_sums(x[:cut], run_s[:cut], max(n_trees // 2, 1), seed), mix, mean_s)
        similar, boosted = before.parts(x[cut:])
        errors = [float(np.abs(w * similar + (1.0 - w) * boosted - run_s[cut:]).mean()) for w in _MIXES]
        mix = float(_MIXES[int(np.argmin(errors))])
    return Opinion(*_sums(x, run_s, n_trees, seed), mix, mean_s)


def _sums(x: NDArray[np.float32], run_s: NDArray[np.float64], n_trees: int, seed: int) -> tuple[Scaled, Scaled]:
    growth = Growth(n_trees)
    plain = boost_scaled(x, run_s, Loss(), growth, seed)
    return plain, boost_scaled(x, run_s, Loss(), growth, seed, from_similar=True)
