"""The best model: a forest's distribution, the user's similar runs, and boosting's median as a second opinion.

The forest says where runs cluster, similar runs add exact values that the user's jobs took before, and boosting says
what lies in the middle. `wattq.surrogates.point` weighs them up into one value.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from wattq.errors import SurrogateError
from wattq.surrogates.features import FeatureTable
from wattq.surrogates.forest import ALL, Forest
from wattq.surrogates.model import Prediction
from wattq.surrogates.opinion import Opinion, learn_opinion

__all__ = ["Blend"]

POINTS = (
    ("similar_value_s", 0.3),
    ("late_value_s", 0.3),
    ("similar_q25_s", 0.1),
    ("similar_q50_s", 0.1),
    ("similar_q75_s", 0.1),
)
"""Single values that join the forest's distribution, and what each counts beside the forest's 1."""


class Blend:
    """A forest, similar runs and boosting together.

    Args:
        seed: of forest and boosting.
        n_trees: trees of the forest.
        tries: cuts tried per node of the forest.
        n_boosted: trees of each of the three boosted sums.
        price: what a distance of one mean run time from the second opinion costs, in units of agreement: 0 predicts for
            agreement alone, higher values lower the absolute error.
        points_weight: factor of the weights in `POINTS`.
        most: latest jobs that are learned from.

    Raises:
        SurrogateError: when a number is out of range.
    """

    name = "blend"

    def __init__(
        self,
        seed: int = 0,
        *,
        n_trees: int = 20,
        tries: int = 50,
        n_boosted: int = 100,
        price: float = 0.2,
        points_weight: float = 1.0,
        most: int = 20_000,
    ) -> None:
        if not (price >= 0.0 and points_weight >= 0.0 and n_boosted >= 1):
            raise SurrogateError(
                f"blend with price {price:g}, weight {points_weight:g}, {n_boosted} boosted trees: the first two may "
                "not be below 0, the last not below 1"
            )
        self.needs: tuple[str, ...] = ALL
        self.seed, self.price, self.points_weight = seed, price, points_weight
        self.n_boosted, self.most = n_boosted, most
        self.forest = Forest(seed, n_trees=n_trees, tries=tries, most=most)
        self._opinion: Opinion | None = None
        self._places = [ALL.index(name) for name, _ in POINTS]
        self._weights = points_weight * np.array([weight for _, weight in POINTS])

    def fit(self, table: FeatureTable, run_s: NDArray[np.float64], rows: NDArray[np.int64]) -> None:
        """Learn; see `RuntimeModel.fit`."""
        self.forest.fit(table, run_s, rows)
        latest = rows[-self.most :]
        self._opinion = learn_opinion(table.take(latest).columns(ALL), run_s[latest], self.n_boosted, self.seed)

    def predict(self, x: NDArray[np.float32]) -> Prediction:
        """Return predictions; see `RuntimeModel.predict`.

        Raises:
            SurrogateError: when nothing was learned yet.
        """
        if self._opinion is None:
            raise SurrogateError(f"model '{self.name}': it has learned nothing yet; fit it first")
        points = x[:, self._places].astype(np.float64)
        middle = self._opinion.predict(x)
        return self.forest.decide(x, points, self._weights, middle, self.price, self._opinion.mean_s)

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Return what was learned; see `RuntimeModel.state`."""
        own, settings = self.forest.state()
        arrays = {f"forest_{name}": values for name, values in own.items()}
        if self._opinion is not None:
            arrays.update(self._opinion.arrays())
        return arrays, {**{name: getattr(self, name) for name in _SETTINGS}, "forest": settings}

    @classmethod
    def restore(cls, arrays: Mapping[str, NDArray[Any]], meta: Mapping[str, Any]) -> Self:
        """Return the model that `state` was taken from.

        Raises:
            SurrogateError: when a part does not fit.
        """
        model = cls(**{name: meta[name] for name in _SETTINGS})
        forest = {name.removeprefix("forest_"): part for name, part in arrays.items() if name.startswith("forest_")}
        model.forest = Forest.restore(forest, meta["forest"])
        model._opinion = Opinion.of(arrays) if forest else None
        return model


_SETTINGS = ("seed", "price", "points_weight", "n_boosted", "most")
