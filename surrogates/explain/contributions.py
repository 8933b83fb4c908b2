"""What each feature adds to the prediction of one job, so that all of it adds up.

Shapley values by sampling (Strumbelj and Kononenko, 2014): features are switched one by one, in a random order, from
the values of a job of the background to those of the job explained, and each is charged with the change that it made.
Along one order the changes add up to the difference of the two predictions, so their means do as well, whatever the
number of orders. Each order is also taken backwards, with the same job of the background (antithetic sampling).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattq.errors import SurrogateError

__all__ = ["TOLERANCE", "Contributions", "sampled_contributions"]

TOLERANCE = 1e-6
"""Most relative difference between a prediction and the base plus all contributions."""

_ROWS = 65_536  # predicted at once

Predict = Callable[[NDArray[np.float32]], NDArray[np.float64]]


@dataclass(frozen=True)
class Contributions:
    """What a prediction is made of: ``base + contribution.sum() = value``.

    Attributes:
        names: names of the features.
        values: what the job has in each of them; NaN unknown.
        base: mean prediction over the background, in the unit of the prediction.
        value: the prediction.
        contribution: what each feature adds.
        error: standard error of each contribution, from the sampling; NaN where the method does not sample.
        method: ``sampled`` or ``shap``.
        n_background: number of jobs of the background.

    Raises:
        SurrogateError: when they do not add up to the prediction within `TOLERANCE`.
    """

    names: tuple[str, ...]
    values: NDArray[np.float64]
    base: float
    value: float
    contribution: NDArray[np.float64]
    error: NDArray[np.float64]
    method: str
    n_background: int

    def __post_init__(self) -> None:
        if abs(self.residual) > TOLERANCE * max(abs(self.value), abs(self.base), 1.0):
            raise SurrogateError(
                f"contributions by '{self.method}' miss the prediction {self.value:g} by {self.residual:g}, more than "
                f"{TOLERANCE:g} of it; take another method"
            )

    @property
    def residual(self) -> float:
        """The prediction less base and contributions."""
        return float(self.value - self.base - self.contribution.sum())

    def order(self) -> NDArray[np.int64]:
        """Return the features' places, those that add or take most first."""
        found: NDArray[np.int64] = np.argsort(-np.abs(self.contribution), kind="stable")
        return found

    def by_group(self, group_of: Callable[[str], str]) -> dict[str, float]:
        """Return the sums over groups of features, the largest first."""
        sums: dict[str, float] = {}
        for name, value in zip(self.names, self.contribution.tolist(), strict=True):
            sums[group_of(name)] = sums.get(group_of(name), 0.0) + value
        return dict(sorted(sums.items(), key=lambda item: -abs(item[1])))


def sampled_contributions(
    predict: Predict,
    names: Sequence[str],
    row: NDArray[np.float32],
    background: NDArray[np.float32],
    *,
    orders: int = 100,
    seed: int = 0,
) -> Contributions:
    """Return sampled Shapley values of one job's prediction; same seed, same values.

    Args:
        predict: from rows of features, shape (n, k), to predictions, shape (n,).
        names: names of the k features.
        row: the job's features, shape (k,).
        background: features of the jobs that it is compared to, shape (m, k).
        orders: number of orders of the features; each is taken there and back.
        seed: seed of orders and of the jobs drawn from the background.

    Raises:
        SurrogateError: without background, orders, or where a prediction is no number.
    """
    if not len(background) or orders < 1:
        raise SurrogateError(f"{len(background)} jobs to compare to, {orders} orders: give at least one of each")
    generator = np.random.default_rng(seed)
    drawn = _drawn(generator, len(background), orders)
    walks = np.array([generator.permutation(len(names)) for _ in range(orders)], dtype=np.int64)
    both = np.concatenate([walks, walks[:, ::-1]])
    changes, first, last = _walked(predict, row, background[np.concatenate([drawn, drawn])], both)
    if not np.isfinite(changes).all():
        raise SurrogateError("a prediction of a mixed job is no number; the model cannot be explained")
    pairs = (changes[:orders] + changes[orders:]) / 2.0
    error = pairs.std(axis=0, ddof=1) / np.sqrt(orders) if orders > 1 else np.full(len(names), np.nan)
    return Contributions(
        names=tuple(names),
        values=row.astype(np.float64),
        base=float(first.mean()),
        value=float(last[0]),
        contribution=pairs.mean(axis=0),
        error=error,
        method="sampled",
        n_background=len(np.unique(drawn)),
    )


def _drawn(generator: np.random.Generator, size: int, count: int) -> NDArray[np.int64]:
    """Return rows of the background, each as often as the others as far as possible."""
    rounds = [generator.permutation(size) for _ in range(-(-count // size))]
    return np.concatenate(rounds)[:count].astype(np.int64)


def _walked(
    predict: Predict, row: NDArray[np.float32], starts: NDArray[np.float32], walks: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the change by each feature in each walk, and the predictions at both ends of each walk."""
    n_walks, k = walks.shape
    changes, first, last = np.empty((n_walks, k)), np.empty(n_walks), np.empty(n_walks)
    batch = max(1, _ROWS // (k + 1))
    for low in range(0, n_walks, batch):
        part = slice(low, min(low + batch, n_walks))
        found = predict(_mixed(row, starts[part], walks[part])).reshape(-1, k + 1)
        np.put_along_axis(changes[part], walks[part], np.diff(found, axis=1), axis=1)
        first[part], last[part] = found[:, 0], found[:, -1]
    return changes, first, last


def _mixed(row: NDArray[Any], starts: NDArray[np.float32], walks: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return every job along the walks, shape (walks x (k + 1), k): step s has s features of the job explained."""
    n_walks, k = walks.shape
    rank: NDArray[np.int64] = np.empty_like(walks)
    np.put_along_axis(rank, walks, np.broadcast_to(np.arange(k), walks.shape), axis=1)
    switched = rank[:, None, :] < np.arange(k + 1)[None, :, None]
    mixed: NDArray[np.float32] = np.where(switched, row[None, None, :], starts[:, None, :])
    return mixed.reshape(n_walks * (k + 1), k)
