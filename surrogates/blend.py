"""The best model: a forest's distribution, the user's similar runs, and boosting's median as a second opinion.

The forest says where runs cluster, the similar runs add exact values that the user's jobs took before, and boosting says
what lies in the middle. `wattq.surrogates.point` weighs them up into one value.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from wattq.errors import SurrogateError
from wattq.surrogates.boosting import Boosting
from wattq.surrogates.features import FeatureTable
from wattq.surrogates.forest import ALL, Forest
from wattq.surrogates.model import Prediction

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
        n_boosted: trees of boosting.
        price: what a distance of one mean run time from boosting's value costs, in units of agreement: 0 predicts for
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
        n_trees: int = 30,
        tries: int = 60,
        n_boosted: int = 200,
        price: float = 0.1,
        points_weight: float = 1.0,
        most: int = 30_000,
    ) -> None:
        if not (price >= 0.0 and points_weight >= 0.0):
            raise SurrogateError(f"blend with price {price:g}, weight {points_weight:g}: neither may be below 0")
        self.needs: tuple[str, ...] = ALL
        self.seed, self.price, self.points_weight = seed, price, points_weight
        self.forest = Forest(seed, n_trees=n_trees, tries=tries, most=most)
        self.boosting = Boosting(seed, n_trees=n_boosted, most=most)
        self.scale_s = 1.0
        self._places = [ALL.index(name) for name, _ in POINTS]
        self._weights = points_weight * np.array([weight for _, weight in POINTS])

    def fit(self, table: FeatureTable, run_s: NDArray[np.float64], rows: NDArray[np.int64]) -> None:
        """Learn; see `RuntimeModel.fit`."""
        self.forest.fit(table, run_s, rows)
        self.boosting.fit(table, run_s, rows)
        self.scale_s = max(float(run_s[rows].mean()), 1.0)

    def predict(self, x: NDArray[np.float32]) -> Prediction:
        """Return predictions; see `RuntimeModel.predict`."""
        points = x[:, self._places].astype(np.float64)
        return self.forest.decide(x, points, self._weights, self.boosting.value_s(x), self.price, self.scale_s)

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Return what was learned; see `RuntimeModel.state`."""
        arrays: dict[str, NDArray[Any]] = {}
        meta: dict[str, Any] = {name: getattr(self, name) for name in ("seed", "price", "points_weight", "scale_s")}
        for part in (self.forest, self.boosting):
            own, settings = part.state()
            arrays.update({f"{part.name}_{name}": values for name, values in own.items()})
            meta[part.name] = settings
        return arrays, meta

    @classmethod
    def restore(cls, arrays: Mapping[str, NDArray[Any]], meta: Mapping[str, Any]) -> Self:
        """Return the model that `state` was taken from.

        Raises:
            SurrogateError: when a part does not fit.
        """
        model = cls(meta["seed"], price=meta["price"], points_weight=meta["points_weight"])
        model.scale_s = float(meta["scale_s"])
        model.forest = Forest.restore(_part(arrays, "forest_"), meta["forest"])
        model.boosting = Boosting.restore(_part(arrays, "boosting_"), meta["boosting"])
        return model


def _part(arrays: Mapping[str, NDArray[Any]], prefix: str) -> dict[str, NDArray[Any]]:
    return {name.removeprefix(prefix): values for name, values in arrays.items() if name.startswith(prefix)}
