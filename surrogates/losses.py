"""Losses that boosting minimises.

A loss weighs an error by its sign, so that under-predictions can cost more than over-predictions: a job that outlives
its estimate is worse for a scheduler than one that ends early (E. Gaussier, D. Glesser, V. Reis, D. Trystram, Improving
backfilling by using machine learning to predict running times, SC'15, section 4).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattq.errors import SurrogateError

__all__ = ["Loss", "pinball"]


@dataclass(frozen=True)
class Loss:
    """A loss of residuals, which are truth less prediction.

    Attributes:
        under: weight of an under-prediction (positive residual).
        over: weight of an over-prediction.
        under_power: 1 for its size, 2 for its square.
        over_power: likewise; SC'15's best loss is linear below and quadratic above.

    Raises:
        SurrogateError: when a weight is not above 0 or a power is neither 1 nor 2.
    """

    under: float = 1.0
    over: float = 1.0
    under_power: int = 1
    over_power: int = 1

    def __post_init__(self) -> None:
        sound = all(math.isfinite(weight) and weight > 0.0 for weight in (self.under, self.over))
        if not sound or not {self.under_power, self.over_power} <= {1, 2}:
            raise SurrogateError(
                f"loss with weights {self.under:g}, {self.over:g} and powers {self.under_power}, {self.over_power}: "
                "weights must be above 0, powers 1 or 2"
            )

    def pull(self, residual: NDArray[np.float64], scale: float) -> NDArray[np.float64]:
        """Return the negative gradient; squares are taken of residuals over `scale`."""
        up = self.under * (1.0 if self.under_power == 1 else 2.0 * residual / scale)
        down = -self.over * (1.0 if self.over_power == 1 else -2.0 * residual / scale)
        return np.where(residual > 0.0, up, np.where(residual < 0.0, down, 0.0))

    def best(self, residual: NDArray[np.float64], scale: float) -> float:
        """Return the constant that, added to the prediction, minimises the loss: where the pulls cancel out."""
        if self.under_power == self.over_power == 1:
            level = self.under / (self.under + self.over)
            kept = max(math.ceil(level * len(residual)) - 1, 0)
            return float(np.partition(residual, kept)[kept])
        low, high = float(residual.min()), float(residual.max())
        for _ in range(40):
            middle = (low + high) / 2.0
            low, high = (middle, high) if float(self.pull(residual - middle, scale).sum()) > 0.0 else (low, middle)
        return (low + high) / 2.0


def pinball(level: float) -> Loss:
    """Return the loss that the quantile of a level minimises (R. Koenker, G. Bassett, Econometrica 46, 1978).

    Raises:
        SurrogateError: when the level does not lie between 0 and 1.
    """
    if not 0.0 < level < 1.0:
        raise SurrogateError(f"level {level:g} of a quantile: it must lie between 0 and 1")
    return Loss(level, 1.0 - level)
