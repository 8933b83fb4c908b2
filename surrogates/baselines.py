"""Baselines: one feature is the prediction, and the past says how far it is off.

The mean of the last two runs is D. Tsafrir's, Y. Etsion's and D. Feitelson's (IEEE TPDS 18(6), 2007).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from wattq.errors import SurrogateError
from wattq.surrogates.features import FeatureTable
from wattq.surrogates.model import LEVELS, Prediction
from wattq.surrogates.spread import Spread, at_levels, learn_spread

__all__ = ["LastTwo", "Requested", "Similar", "UserQuantiles"]


class _Baseline:
    """A feature as the prediction; where it is unknown, the requested time, else the median run learned from."""

    name = ""
    feature = ""

    def __init__(self) -> None:
        self.needs: tuple[str, ...] = tuple(dict.fromkeys(("request_s", self.feature)))
        self._typical_s = np.nan
        self._spread = Spread(np.zeros(0), np.zeros((1, len(LEVELS))))

    def fit(self, table: FeatureTable, run_s: NDArray[np.float64], rows: NDArray[np.int64]) -> None:
        """Learn the median run, and how far the feature is off; see `RuntimeModel.fit`."""
        self._typical_s = float(np.median(run_s[rows])) if len(rows) else np.nan
        self._spread = learn_spread(self._value_s(table.take(rows).columns(self.needs)), run_s[rows])

    def _value_s(self, x: NDArray[np.float32]) -> NDArray[np.float64]:
        request = x[:, 0].astype(np.float64)
        value = x[:, self.needs.index(self.feature)].astype(np.float64)
        value = np.where(np.isnan(value), request, value)
        known: NDArray[np.float64] = np.where(np.isnan(value), self._typical_s, value)
        return np.fmin(np.maximum(known, 1.0), request)

    def predict(self, x: NDArray[np.float32]) -> Prediction:
        """Return predictions; see `RuntimeModel.predict`."""
        return self._spread.around(self._value_s(x)).capped(x[:, 0].astype(np.float64))

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Return what was learned; see `RuntimeModel.state`."""
        typical = np.array([self._typical_s])
        return {"typical": typical, "ends": self._spread.ends, "log_ratio": self._spread.log_ratio}, {}

    @classmethod
    def restore(cls, arrays: Mapping[str, NDArray[Any]], meta: Mapping[str, Any]) -> Self:
        """Return the model that `state` was taken from.

        Raises:
            SurrogateError: when the quantiles do not fit.
        """
        model = cls()
        model._typical_s = float(arrays["typical"][0])
        model._spread = Spread(arrays["ends"].astype(np.float64), arrays["log_ratio"].astype(np.float64))
        if model._spread.log_ratio.shape != (len(model._spread.ends) + 1, len(LEVELS)):
            raise SurrogateError(f"{cls.name}: quantiles that do not fit the levels; train the model again")
        return model


class Requested(_Baseline):
    """The requested time."""

    name = "requested"
    feature = "request_s"


class LastTwo(_Baseline):
    """The mean of the user's last two runs."""

    name = "last-two"
    feature = "user_last2_mean_s"


class _Quantiles(_Baseline):
    """Quantiles of past runs, read from features."""

    columns: tuple[str, ...] = ()
    levels: tuple[float, ...] = ()

    def __init__(self) -> None:
        super().__init__()
        self.needs = tuple(dict.fromkeys(("request_s", self.feature, *self.columns)))

    def predict(self, x: NDArray[np.float32]) -> Prediction:
        """Return predictions; see `RuntimeModel.predict`.

        Jobs of users without a past get quantiles around the requested time, as far as it was off for all jobs.
        """
        plain = super().predict(x)
        places = [self.needs.index(name) for name in self.columns]
        own = at_levels(self.levels, x[:, places].astype(np.float64))
        quantile = np.where(np.isnan(own), plain.quantile_s, own)
        return Prediction(plain.point_s, quantile).capped(x[:, 0].astype(np.float64))


class UserQuantiles(_Quantiles):
    """Quantiles of the user's last runs; the single value is their median."""

    name = "user-quantiles"
    feature = "user_q50_s"
    columns = ("user_q10_s", "user_q50_s", "user_q90_s")
    levels = (0.1, 0.5, 0.9)


class Similar(_Quantiles):
    """The value that agrees best with the user's similar past runs, and weighted quantiles of these."""

    name = "similar"
    feature = "similar_value_s"
    columns = ("similar_q10_s", "similar_q25_s", "similar_q50_s", "similar_q75_s", "similar_q90_s")
    levels = (0.1, 0.25, 0.5, 0.75, 0.9)
