"""What every model of run times gives, and what it must offer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from wattq.errors import SurrogateError

if TYPE_CHECKING:
    from wattq.surrogates.features import FeatureTable

__all__ = ["LEVELS", "Prediction", "RuntimeModel"]

LEVELS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
"""Levels of the quantiles that a prediction holds."""


@dataclass(frozen=True)
class Prediction:
    """Predicted run times of n jobs.

    Attributes:
        point_s: the best single value, s, shape (n,).
        quantile_s: quantiles at `LEVELS`, s, shape (n, 11), not decreasing along a row.

    Raises:
        SurrogateError: when the shapes do not fit each other.
    """

    point_s: NDArray[np.float64]
    quantile_s: NDArray[np.float64]

    def __post_init__(self) -> None:
        if self.quantile_s.shape != (len(self.point_s), len(LEVELS)):
            raise SurrogateError(
                f"prediction: quantiles of shape {self.quantile_s.shape} for {len(self.point_s)} jobs; "
                f"give {len(LEVELS)} for each"
            )

    @property
    def n_jobs(self) -> int:
        """Number of jobs."""
        return len(self.point_s)

    def low_s(self) -> NDArray[np.float64]:
        """Return the lower end of the 90 % interval, s."""
        return self.level_s(0.05)

    def high_s(self) -> NDArray[np.float64]:
        """Return the upper end of the 90 % interval, s."""
        return self.level_s(0.95)

    def upper_s(self) -> NDArray[np.float64]:
        """Return the estimate that one job in ten outlives, s."""
        return self.level_s(0.9)

    def level_s(self, level: float) -> NDArray[np.float64]:
        """Return the quantile at one of `LEVELS`, s.

        Raises:
            SurrogateError: when the level is none of them.
        """
        if level not in LEVELS:
            raise SurrogateError(f"quantile {level}: predictions hold {', '.join(map(str, LEVELS))}; take one of them")
        column: NDArray[np.float64] = self.quantile_s[:, LEVELS.index(level)]
        return column

    def take(self, rows: NDArray[Any] | slice) -> Prediction:
        """Return the predictions of these rows."""
        return Prediction(self.point_s[rows], self.quantile_s[rows])

    def capped(self, request_s: NDArray[np.float64]) -> Prediction:
        """Return the prediction with nothing above the requested time (where there is one) and nothing falling.

        Args:
            request_s: requested time, s, shape (n,); NaN caps nothing.
        """
        rising = np.maximum.accumulate(self.quantile_s, axis=1)
        return Prediction(np.fmin(self.point_s, request_s), np.fmin(rising, request_s[:, None]))


class RuntimeModel(Protocol):
    """A model of run times; all of them are made, fitted, asked, saved and restored alike.

    Attributes:
        name: its name in `MODELS`.
        needs: names of the features that it reads, in the order of the columns of `predict`.
    """

    name: str
    needs: tuple[str, ...]

    def fit(self, table: FeatureTable, run_s: NDArray[np.float64], rows: NDArray[np.int64]) -> None:
        """Learn from these rows of the table.

        Args:
            table: features of all jobs.
            run_s: run time of all jobs, s; only those of `rows` may be read.
            rows: ascending row numbers.
        """
        ...

    def predict(self, x: NDArray[np.float32]) -> Prediction:
        """Return the predictions for rows of features, shape (n, len(needs)), NaN unknown."""
        ...

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Return what was learned: arrays, and values that JSON can hold."""
        ...

    @classmethod
    def restore(cls, arrays: Mapping[str, NDArray[Any]], meta: Mapping[str, Any]) -> Self:
        """Return the model that `state` was taken from.

        Raises:
            SurrogateError: when arrays or values are missing or do not fit.
        """
        ...
