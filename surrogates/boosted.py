"""Gradient boosting of trees on histograms, for any loss of `wattq.surrogates.losses`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from wattq.surrogates.binning import bin_edges, codes_of
from wattq.surrogates.growing import grow_boosted
from wattq.surrogates.losses import Loss
from wattq.surrogates.trees import Trees, add_leaf_values, join_trees

__all__ = ["Boosted", "Growth", "boost"]


@dataclass(frozen=True)
class Growth:
    """How trees are boosted.

    Attributes:
        n_trees: number of trees.
        depth: most cuts between the root and a leaf.
        rate: share of each tree's answer that counts.
        least: fewest rows of a leaf.
        rows: share of the rows that a tree sees.
        columns: share of the features that a tree sees.
        most_codes: most codes of a feature.
    """

    n_trees: int = 150
    depth: int = 4
    rate: float = 0.1
    least: int = 10
    rows: float = 0.6
    columns: float = 0.4
    most_codes: int = 64


@dataclass(frozen=True)
class Boosted:
    """A sum of trees.

    Attributes:
        base: what the sum begins with.
        trees: the trees.
    """

    base: float
    trees: Trees

    def predict(self, x: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the sums for rows of features."""
        total: NDArray[np.float64] = np.full(len(x), self.base)
        t = self.trees
        add_leaf_values(x, t.feature, t.threshold, t.left, t.value, t.root, total)
        return total

    def arrays(self, prefix: str = "") -> dict[str, NDArray[Any]]:
        """Return the numbers by name, each name with a prefix."""
        return {**self.trees.arrays(prefix), f"{prefix}base": np.array([self.base])}

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]], n_features: int, prefix: str = "") -> Self:
        """Return the sum of these arrays.

        Raises:
            SurrogateError: when they do not form trees.
        """
        return cls(float(arrays[f"{prefix}base"][0]), Trees.of(arrays, n_features, prefix))


def boost(x: NDArray[np.float32], y: NDArray[np.float64], loss: Loss, growth: Growth, seed: int) -> Boosted:
    """Return trees that minimise a loss, each leaf holding the best constant for its rows.

    Args:
        x: features, shape (n, n_features), NaN unknown.
        y: targets, shape (n,).
        loss: what is minimised.
        growth: how trees are grown.
        seed: of the rows and features that each tree sees.
    """
    edges = bin_edges(x, growth.most_codes)
    codes = codes_of(x, edges)
    thresholds = [np.concatenate([[np.float32(-np.inf)], part]) for part in edges]
    scale = float(np.abs(y - np.median(y)).mean()) or 1.0
    base = loss.best(y, scale)
    sums: NDArray[np.float64] = np.full(len(y), base)
    usable = np.flatnonzero([len(part) > 0 for part in edges])
    trees = []
    rng = np.random.default_rng([seed, 1])
    for _ in range(growth.n_trees):
        rows = np.sort(rng.permutation(len(y))[: max(1, round(growth.rows * len(y)))])
        chosen = np.sort(rng.permutation(usable)[: max(1, round(growth.columns * len(usable)))])
        trees.append(_next_tree(x, y, sums, loss, scale, growth, codes, rows, chosen, thresholds))
    return Boosted(base, join_trees(trees))


def _next_tree(
    x: NDArray[np.float32],
    y: NDArray[np.float64],
    sums: NDArray[np.float64],
    loss: Loss,
    scale: float,
    growth: Growth,
    codes: NDArray[np.uint8],
    rows: NDArray[np.int64],
    chosen: NDArray[np.int64],
    thresholds: list[NDArray[np.float32]],
) -> Trees:
    """Return the next tree, and add its answers to the sums of all rows."""
    residual = y - sums
    room = [np.zeros(2 << growth.depth, dtype=np.int32) for _ in range(3)]
    place = np.zeros(len(y), dtype=np.int32)
    pull = loss.pull(residual, scale)
    n = grow_boosted(codes, pull, chosen, rows, place, growth.depth, growth.least, 1.0, *room)
    feature, cut, left = (part[:n].copy() for part in room)
    value = np.zeros(n)
    order = rows[np.argsort(place[rows], kind="stable")]
    ends = np.searchsorted(place[order], np.arange(n + 1))
    for node in np.flatnonzero((feature < 0) & (np.diff(ends) > 0)):
        value[node] = growth.rate * loss.best(residual[order[ends[node] : ends[node + 1]]], scale)
    threshold = np.array(
        [thresholds[f][c] if f >= 0 else 0.0 for f, c in zip(feature.tolist(), cut.tolist(), strict=True)],
        dtype=np.float32,
    )
    tree = Trees(feature, threshold, left, value, np.zeros(1, dtype=np.int32))
    add_leaf_values(x, feature, threshold, left, value, tree.root, sums)
    return tree
