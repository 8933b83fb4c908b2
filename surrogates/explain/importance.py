"""Which features a model leans on: how much worse it gets when one of them tells nothing (permutation importance)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattq.errors import SurrogateError

__all__ = ["Importance", "permutation_importance"]

Predict = Callable[[NDArray[np.float32]], NDArray[np.float64]]


@dataclass(frozen=True)
class Importance:
    """Permutation importance of the features of a model (Breiman, 2001).

    Attributes:
        names: names of the features.
        loss: mean absolute error of the model on the jobs measured, in the unit of the prediction.
        rise: mean rise of that error when a feature's values are dealt out anew among the jobs.
        error: standard deviation of the rise over the repeats; NaN with one repeat.
        n_jobs: number of jobs measured on.
    """

    names: tuple[str, ...]
    loss: float
    rise: NDArray[np.float64]
    error: NDArray[np.float64]
    n_jobs: int

    def order(self) -> NDArray[np.int64]:
        """Return the features' places, the most important first."""
        found: NDArray[np.int64] = np.argsort(-self.rise, kind="stable")
        return found


def permutation_importance(
    predict: Predict,
    names: Sequence[str],
    x: NDArray[np.float32],
    real: NDArray[np.float64],
    *,
    repeats: int = 3,
    seed: int = 0,
) -> Importance:
    """Return how much the mean absolute error rises when each feature is shuffled; same seed, same values.

    Args:
        predict: from rows of features, shape (n, k), to predictions, shape (n,).
        names: names of the k features.
        x: features of the jobs measured on, shape (n, k).
        real: what came true, shape (n,).
        repeats: shuffles of each feature.
        seed: seed of the shuffles.

    Raises:
        SurrogateError: with fewer than two jobs, or no repeat.
    """
    if len(x) < 2 or repeats < 1:
        raise SurrogateError(f"{len(x)} jobs, {repeats} repeats: permutation importance needs two jobs and one repeat")
    loss = float(np.abs(predict(x) - real).mean())
    generator = np.random.default_rng(seed)
    rises = np.empty((repeats, len(names)))
    mixed = x.copy()
    for column in range(len(names)):
        for turn in range(repeats):
            mixed[:, column] = x[generator.permutation(len(x)), column]
            rises[turn, column] = np.abs(predict(mixed) - real).mean() - loss
        mixed[:, column] = x[:, column]
    error = rises.std(axis=0, ddof=1) if repeats > 1 else np.full(len(names), np.nan)
    return Importance(tuple(names), loss, rises.mean(axis=0), error, len(x))
