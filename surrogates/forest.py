"""Forests that predict whole distributions of run times.

A row's distribution is made of the runs that lie in the leaves which it reaches (N. Meinshausen, Quantile regression
forests, JMLR 7, 2006), in trees grown with random cuts (P. Geurts, D. Ernst, L. Wehenkel, Extremely randomized trees,
Machine Learning 63, 2006).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from wattq.errors import SurrogateError
from wattq.surrogates.binning import bin_edges, codes_of
from wattq.surrogates.features import FEATURES, FeatureTable
from wattq.surrogates.growing import grow_random, seeded
from wattq.surrogates.model import LEVELS, Prediction
from wattq.surrogates.point import N_BINS, Leaves, bin_of, decide_points
from wattq.surrogates.trees import Trees, join_trees

__all__ = ["ALL", "Forest"]

ALL = tuple(feature.name for feature in FEATURES)
"""Names of all features."""

_GROUPS = 20  # groups of run times, about equally large, that cuts try to part


class Forest:
    """A forest of random trees over all features; its single value is the one of the highest expected agreement.

    Args:
        seed: of the trees.
        n_trees: number of trees.
        tries: cuts tried per node.
        least: fewest jobs of a leaf.
        most: latest jobs that are learned from.
        share: share of them that each tree sees.
        long_weight: what the variance of run times counts beside the Gini gain: the higher, the better long jobs are
            told apart.

    Raises:
        SurrogateError: when a number is out of range.
    """

    name = "forest"

    def __init__(
        self,
        seed: int = 0,
        *,
        n_trees: int = 24,
        tries: int = 50,
        least: int = 5,
        most: int = 20_000,
        share: float = 0.7,
        long_weight: float = 3.0,
    ) -> None:
        if min(n_trees, tries, least) < 1 or most < 2 * least or not 0.0 < share <= 1.0 or not long_weight >= 0.0:
            raise SurrogateError(
                f"forest of {n_trees} trees, {tries} cuts, leaves of {least}, {most} jobs, share {share:g}: all must "
                "be above 0, the share at most 1, and the jobs at least twice those of a leaf"
            )
        self.needs: tuple[str, ...] = ALL
        self.seed, self.n_trees, self.tries, self.least = seed, n_trees, tries, least
        self.most, self.share, self.long_weight = most, share, long_weight
        self._trees: Trees | None = None
        self._begin = self._end = np.zeros(0, dtype=np.int32)
        self._bins = np.zeros(0, dtype=np.int16)

    def fit(self, table: FeatureTable, run_s: NDArray[np.float64], rows: NDArray[np.int64]) -> None:
        """Grow the trees; see `RuntimeModel.fit`."""
        latest = rows[-self.most :]
        self.grow(table.take(latest).columns(self.needs), run_s[latest])

    def grow(self, x: NDArray[np.float32], run_s: NDArray[np.float64]) -> None:
        """Grow the trees on features, shape (n, len(needs)), and run times, s."""
        edges = bin_edges(x)
        codes = codes_of(x, edges)
        log = np.log(np.maximum(run_s, 1.0))
        ends = np.unique(np.quantile(log, np.linspace(0.0, 1.0, _GROUPS + 1)[1:-1]))
        group, second = np.searchsorted(ends, log), _standard(run_s)
        bins = bin_of(run_s).astype(np.int16)
        thresholds = [np.concatenate([[np.float32(-np.inf)], part]) for part in edges]
        trees, begins, stops, kept = [], [], [], []
        for number in range(self.n_trees):
            state = seeded(self.seed, number)
            order = self._sample(len(run_s), number)
            nodes = np.zeros((5, 2 * len(order)), dtype=np.int32)
            n = grow_random(
                codes, group, len(ends) + 1, second, self.long_weight, order, self.tries, self.least, state, nodes
            )
            feature, cut, left, begin, end = nodes[:, :n].copy()
            trees.append(_tree(feature, cut, left, thresholds))
            begins.append(begin + number * len(order))
            stops.append(end + number * len(order))
            kept.append(bins[order])
        self._trees = join_trees(trees)
        self._begin, self._end = (np.concatenate(parts).astype(np.int32) for parts in (begins, stops))
        self._bins = np.concatenate(kept)

    def _sample(self, n: int, number: int) -> NDArray[np.int64]:
        """Return the rows that a tree sees."""
        rng = np.random.default_rng([self.seed, number])
        return np.sort(rng.permutation(n)[: max(1, round(self.share * n))]).astype(np.int64)

    def predict(self, x: NDArray[np.float32]) -> Prediction:
        """Return predictions; see `RuntimeModel.predict`."""
        none: NDArray[np.float64] = np.full(len(x), np.nan)
        return self.decide(x, np.empty((len(x), 0)), np.empty(0), none, 0.0, 1.0)

    def decide(
        self,
        x: NDArray[np.float32],
        points: NDArray[np.float64],
        weights: NDArray[np.float64],
        middle_s: NDArray[np.float64],
        price: float,
        scale_s: float,
    ) -> Prediction:
        """Return predictions from the forest and further values; see `wattq.surrogates.point.decide_points`.

        Raises:
            SurrogateError: when nothing was learned yet.
        """
        trees = self._trees
        if trees is None:
            raise SurrogateError(f"model '{self.name}': it has learned nothing yet; fit it first")
        request = x[:, self.needs.index("request_s")].astype(np.float64)
        quantile: NDArray[np.float64] = np.empty((len(x), len(LEVELS)))
        leaves = Leaves(trees.feature, trees.threshold, trees.left, trees.root, self._begin, self._end, self._bins)
        point = decide_points(x, leaves, points, weights, request, middle_s, price, scale_s, np.array(LEVELS), quantile)
        return Prediction(point, quantile)

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Return what was learned; see `RuntimeModel.state`."""
        meta = {name: getattr(self, name) for name in _SETTINGS}
        if self._trees is None:
            return {}, meta
        arrays: dict[str, NDArray[Any]] = {"begin": self._begin, "end": self._end, "bins": self._bins}
        return {**self._trees.arrays(), **arrays}, meta

    @classmethod
    def restore(cls, arrays: Mapping[str, NDArray[Any]], meta: Mapping[str, Any]) -> Self:
        """Return the forest that `state` was taken from.

        Raises:
            SurrogateError: when the arrays do not form a forest.
        """
        model = cls(**{name: meta[name] for name in _SETTINGS})
        if arrays:
            model.take_arrays(arrays)
        return model

    def take_arrays(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take over what another forest has learned.

        Raises:
            SurrogateError: when the arrays do not form a forest.
        """
        self._trees = Trees.of(arrays, len(self.needs))
        self._begin, self._end = (np.ascontiguousarray(arrays[name], dtype=np.int32) for name in ("begin", "end"))
        self._bins = np.ascontiguousarray(arrays["bins"], dtype=np.int16)
        n = len(self._bins)
        spans = len(self._begin) == len(self._end) == len(self._trees.feature)
        if not (spans and (self._begin >= 0).all() and (self._end <= n).all() and (self._begin < self._end).all()):
            raise SurrogateError("forest: leaves that do not hold runs; train the model again")
        if n and (self._bins.min() < 0 or self._bins.max() >= N_BINS):
            raise SurrogateError("forest: runs outside the bins; train the model again")


_SETTINGS = ("seed", "n_trees", "tries", "least", "most", "share", "long_weight")


def _standard(values: NDArray[np.float64]) -> NDArray[np.float64]:
    spread = float(values.std())
    standard: NDArray[np.float64] = (values - values.mean()) / (spread if spread > 0.0 else 1.0)
    return standard


def _tree(
    feature: NDArray[np.int32],
    cut: NDArray[np.int32],
    left: NDArray[np.int32],
    thresholds: list[NDArray[np.float32]],
) -> Trees:
    threshold = np.array(
        [thresholds[f][c] if f >= 0 else 0.0 for f, c in zip(feature.tolist(), cut.tolist(), strict=True)],
        dtype=np.float32,
    )
    return Trees(feature, threshold, left, np.zeros(len(feature)), np.zeros(1, dtype=np.int32))
