"""Means over groups that differ: what a group not seen yet may be expected to do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Pooled", "Slope", "half_width", "pool", "slope_of", "student"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Pooled:
    """The mean of a distribution of groups.

    Attributes:
        mean: of the groups.
        mean_var: variance of that mean.
        between_var: variance from group to group.
    """

    mean: float
    mean_var: float
    between_var: float

    @property
    def new_var(self) -> float:
        """Variance of the value of a new group around the mean."""
        return self.mean_var + self.between_var


def pool(values: Floats, variances: Floats) -> Pooled:
    """Return the random-effects mean of estimates with known variances.

    The variance between groups is the plain one of the estimates, less their mean sampling variance (Hedges and Olkin,
    1985): it does not depend on which groups happen to be measured well.

    Args:
        values: one estimate per group, at least one.
        variances: their sampling variances, above 0.
    """
    between = max(0.0, float(values.var(ddof=1) - variances.mean())) if len(values) > 1 else 0.0
    weight = 1.0 / (variances + between)
    return Pooled(float(weight @ values / weight.sum()), float(1.0 / weight.sum()), between)


@dataclass(frozen=True)
class Slope:
    """Slope of y on x within one group, and the spread of x; both 0 where x does not vary."""

    value: float
    spread: float


def slope_of(x: Floats, y: Floats) -> Slope:
    """Return the least-squares slope of one group and the sum of squares of x around its mean."""
    centred = x - x.mean()
    spread = float(centred @ centred)
    if spread < 1e-12:
        return Slope(0.0, 0.0)
    return Slope(float(centred @ y) / spread, spread)


def student(degrees: Floats | float) -> Floats:
    """Return the 95 % point of Student's distribution, half the width of a 90 % interval in standard deviations."""
    from scipy.special import stdtrit  # loading a model must not cost its start

    return np.asarray(stdtrit(degrees, 0.95), dtype=np.float64)


def half_width(logs: Floats) -> float:
    """Return the half-width of a 90 % interval for one more of these values; 0 of a single one."""
    if len(logs) < 2:
        return 0.0
    return float(student(len(logs) - 1.0) * logs.std(ddof=1) * np.sqrt(1.0 + 1.0 / len(logs)))
