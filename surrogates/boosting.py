"""Gradient boosting of run times: one value with quantiles around it, or quantiles themselves.

People, groups and applications enter as target encodings made in the order of the log: the geometric means of their
past runs are features (`user_geometric_s`, `group_typical_s`, `application_typical_s`, `pair_typical_s`), so that no
job's own run is in its encoding (L. Prokhorenkova et al., CatBoost, NeurIPS 2018, ordered target statistics).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from wattq.errors import SurrogateError
from wattq.surrogates.boosted import Boosted, Growth, boost
from wattq.surrogates.features import FeatureTable
from wattq.surrogates.forest import ALL
from wattq.surrogates.losses import Loss, pinball
from wattq.surrogates.model import LEVELS, Prediction
from wattq.surrogates.scaled import Scaled, boost_scaled, request_of
from wattq.surrogates.spread import Spread, at_levels, learn_spread

__all__ = ["Boosting", "QuantileBoosting"]

_CHECK = 0.15  # share of the latest jobs by which the spread around the value is learned


class _Settings:
    """What both models are told."""

    names: tuple[str, ...] = ()

    def __init__(self, seed: int, n_trees: int, leaves: int, rate: float, least: int, most: int) -> None:
        if min(n_trees, leaves, least) < 1 or leaves > 256 or not 0.0 < rate <= 1.0 or most < 20:
            raise SurrogateError(
                f"boosting of {n_trees} trees of {leaves} leaves, rate {rate:g}, {least} jobs in a leaf, {most} jobs: "
                "the leaves must be 1 to 256, the rate above 0 and at most 1, the jobs 20 or more, the others 1 or more"
            )
        self.needs: tuple[str, ...] = ALL
        self.seed, self.n_trees, self.leaves, self.rate, self.least, self.most = (
            seed,
            n_trees,
            leaves,
            rate,
            least,
            most,
        )

    def growth(self) -> Growth:
        """Return how trees are grown."""
        return Growth(self.n_trees, self.leaves, self.rate, self.least)

    def meta(self) -> dict[str, Any]:
        """Return the settings by name."""
        return {name: getattr(self, name) for name in self.names}


class Boosting(_Settings):
    """Boosting of the run time, by default for the least absolute error; see `wattq.surrogates.scaled`.

    Args:
        seed: of the rows and features that trees see.
        n_trees: number of trees.
        leaves: most leaves of a tree.
        rate: share of each tree's answer that counts.
        least: fewest jobs of a leaf.
        most: latest jobs that are learned from.
        under_weight: what an under-prediction costs beside an over-prediction of the same size.
        under_power: 1 or 2: its size or its square counts.
        over_power: likewise for over-predictions.

    Raises:
        SurrogateError: when a number is out of range.
    """

    name = "boosting"
    names = ("seed", "n_trees", "leaves", "rate", "least", "most", "under_weight", "under_power", "over_power")

    def __init__(
        self,
        seed: int = 0,
        *,
        n_trees: int = 120,
        leaves: int = 16,
        rate: float = 0.1,
        least: int = 10,
        most: int = 20_000,
        under_weight: float = 1.0,
        under_power: int = 1,
        over_power: int = 1,
    ) -> None:
        super().__init__(seed, n_trees, leaves, rate, least, most)
        self.under_weight, self.under_power, self.over_power = under_weight, under_power, over_power
        self._loss = Loss(under_weight, 1.0, under_power, over_power)
        self._sum: Scaled | None = None
        self._spread: Spread | None = None

    def fit(self, table: FeatureTable, run_s: NDArray[np.float64], rows: NDArray[np.int64]) -> None:
        """Boost trees; see `RuntimeModel.fit`."""
        latest = rows[-self.most :]
        x, run = table.take(latest).columns(self.needs), run_s[latest]
        cut = len(run) - max(1, round(_CHECK * len(run)))
        before = boost_scaled(x[:cut], run[:cut], self._loss, self.growth(), self.seed) if cut >= 20 else None
        self._sum = boost_scaled(x, run, self._loss, self.growth(), self.seed)
        judged = self._sum if before is None else before
        part = slice(0) if before is None else slice(cut, None)
        self._spread = learn_spread(judged.predict(x[part]), run[part])

    def value_s(self, x: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the single values, s, at most the requested time and at least 1 s.

        Raises:
            SurrogateError: when nothing was learned yet.
        """
        if self._sum is None:
            raise SurrogateError(f"model '{self.name}': it has learned nothing yet; fit it first")
        return self._sum.predict(x)

    def predict(self, x: NDArray[np.float32]) -> Prediction:
        """Return predictions; see `RuntimeModel.predict`."""
        point = self.value_s(x)
        spread = self._spread or Spread(np.zeros(0), np.zeros((1, len(LEVELS))))
        return spread.around(point).capped(request_of(x))

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Return what was learned; see `RuntimeModel.state`."""
        if self._sum is None or self._spread is None:
            return {}, self.meta()
        return {**self._sum.arrays(""), "ends": self._spread.ends, "log_ratio": self._spread.log_ratio}, self.meta()

    @classmethod
    def restore(cls, arrays: Mapping[str, NDArray[Any]], meta: Mapping[str, Any]) -> Self:
        """Return the model that `state` was taken from.

        Raises:
            SurrogateError: when the arrays do not form trees.
        """
        model = cls(**{name: meta[name] for name in cls.names})
        if arrays:
            model._sum = Scaled.of(arrays, "")
            model._spread = Spread(*(arrays[name].astype(np.float64) for name in ("ends", "log_ratio")))
            if model._spread.log_ratio.shape != (len(model._spread.ends) + 1, len(LEVELS)):
                raise SurrogateError("boosting: quantiles that do not fit the levels; train the model again")
        return model


class QuantileBoosting(_Settings):
    """Boosting of several quantiles of the logarithm of the run time; its single value is the median.

    Args:
        seed, n_trees, leaves, rate, least, most: as of `Boosting`; n_trees counts for each level.

    Raises:
        SurrogateError: when a number is out of range.
    """

    name = "quantile-boosting"
    names = ("seed", "n_trees", "leaves", "rate", "least", "most")
    levels = (0.05, 0.2, 0.5, 0.8, 0.9, 0.95)

    def __init__(
        self,
        seed: int = 0,
        *,
        n_trees: int = 60,
        leaves: int = 16,
        rate: float = 0.15,
        least: int = 10,
        most: int = 20_000,
    ) -> None:
        super().__init__(seed, n_trees, leaves, rate, least, most)
        self._sums: list[Boosted] = []

    def fit(self, table: FeatureTable, run_s: NDArray[np.float64], rows: NDArray[np.int64]) -> None:
        """Boost trees for each level; see `RuntimeModel.fit`."""
        latest = rows[-self.most :]
        x, log = table.take(latest).columns(self.needs), np.log(np.maximum(run_s[latest], 1.0))
        self._sums = [boost(x, log, pinball(level), self.growth(), self.seed) for level in self.levels]

    def predict(self, x: NDArray[np.float32]) -> Prediction:
        """Return predictions; see `RuntimeModel.predict`."""
        if not self._sums:
            raise SurrogateError(f"model '{self.name}': it has learned nothing yet; fit it first")
        log = np.stack([np.clip(each.predict(x), 0.0, 20.0) for each in self._sums], axis=1)
        quantile = at_levels(self.levels, np.exp(log))
        return Prediction(quantile[:, LEVELS.index(0.5)], quantile).capped(request_of(x))

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Return what was learned; see `RuntimeModel.state`."""
        arrays: dict[str, NDArray[Any]] = {}
        for level, each in zip(self.levels, self._sums, strict=False):
            arrays.update(each.arrays(f"q{round(100 * level):02d}_"))
        return arrays, self.meta()

    @classmethod
    def restore(cls, arrays: Mapping[str, NDArray[Any]], meta: Mapping[str, Any]) -> Self:
        """Return the model that `state` was taken from.

        Raises:
            SurrogateError: when the arrays do not form trees.
        """
        model = cls(**{name: meta[name] for name in cls.names})
        if arrays:
            prefixes = [f"q{round(100 * level):02d}_" for level in cls.levels]
            model._sums = [Boosted.of(arrays, len(model.needs), prefix) for prefix in prefixes]
        return model
