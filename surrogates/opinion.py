"""A second opinion of the median: the user's similar runs and three boosted sums, weighed by what served best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from wattq.surrogates.boosted import Growth
from wattq.surrogates.losses import Loss
from wattq.surrogates.scaled import Scaled, boost_scaled, similar_of

__all__ = ["Opinion", "learn_opinion"]

_CHECK = 0.15  # share of the latest jobs by which the parts are weighed
_MIXES = np.linspace(0.0, 1.0, 9)
_SLACK = 0.005
_NAMES = ("root_", "shifted_", "linear_")


class Opinion:
    """What lies in the middle of the run times that are to be expected.

    Args:
        sums: the boosted run time in units of the root of the request, the boosted distance from similar runs, and the
            boosted run time in seconds: each alone errs elsewhere.
        mix: weight of similar runs; the sums share the rest.
        mean_s: mean run time, s.
    """

    def __init__(self, sums: Sequence[Scaled], mix: float, mean_s: float) -> None:
        self.sums, self.mix, self.mean_s = tuple(sums), mix, mean_s

    def parts(self, x: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return what similar runs say, and the mean of the sums, s."""
        boosted: NDArray[np.float64] = np.mean([each.predict(x) for each in self.sums], axis=0)
        return similar_of(x, self.sums[0].share, self.sums[0].typical_s), boosted

    def predict(self, x: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return run times for rows of all features, s."""
        similar, boosted = self.parts(x)
        return self.mix * similar + (1.0 - self.mix) * boosted

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the numbers by name."""
        arrays: dict[str, NDArray[Any]] = {"opinion": np.array([self.mix, self.mean_s])}
        for name, each in zip(_NAMES, self.sums, strict=True):
            arrays.update(each.arrays(name))
        return arrays

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Return the opinion of these arrays.

        Raises:
            SurrogateError: when they do not form trees.
        """
        mix, mean_s = (float(arrays["opinion"][k]) for k in range(2))
        return cls([Scaled.of(arrays, name) for name in _NAMES], mix, mean_s)


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
        before = Opinion(_sums(x[:cut], run_s[:cut], max(2 * n_trees // 3, 1), seed), mix, mean_s)
        similar, boosted = before.parts(x[cut:])
        errors = [float(np.abs(w * similar + (1.0 - w) * boosted - run_s[cut:]).mean()) for w in _MIXES]
        # The sums of the check saw fewer jobs and trees: similar runs must be better by more than that explains.
        close = np.flatnonzero(np.array(errors) <= (1.0 + _SLACK) * min(errors))
        mix = float(_MIXES[close[0]])
    return Opinion(_sums(x, run_s, n_trees, seed), mix, mean_s)


def _sums(x: NDArray[np.float32], run_s: NDArray[np.float64], n_trees: int, seed: int) -> list[Scaled]:
    growth = Growth(n_trees)
    ways: tuple[tuple[bool, float], ...] = ((False, 0.5), (True, 0.5), (False, 0.0))
    return [
        boost_scaled(x, run_s, Loss(), growth, seed + number, from_similar=similar, power=power)
        for number, (similar, power) in enumerate(ways)
    ]
