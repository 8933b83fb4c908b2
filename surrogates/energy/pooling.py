"""Means over groups that differ: what a group not seen yet may be expected to do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Pooled", "half_width", "pool", "slopes_of", "student"]

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


def slopes_of(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return the least-squares slopes of one group, and their variances for a scatter of 1.

    Args:
        x: covariates, shape (n, k).
        y: shape (n,).

    Returns:
        Slopes and variances, shape (k,); 0 and infinity for a covariate that does not vary within the group.
    """
    centred = x - x.mean(axis=0)
    varies = (centred**2).sum(axis=0) > 1e-12
    slopes, variances = np.zeros(x.shape[1]), np.full(x.shape[1], np.inf)
    if varies.any():
        inverse = np.linalg.pinv(centred[:, varies].T @ centred[:, varies], rcond=1e-9, hermitian=True)
        slopes[varies] = inverse @ (centred[:, varies].T @ y)
        variances[varies] = np.diag(inverse)
    return slopes, variances


def student(degrees: Floats | float) -> Floats:
    """Return the 95 % point of Student's distribution, half the width of a 90 % interval in standard deviations."""
    from scipy.special import stdtrit  # loading a model must not cost its start

    return np.asarray(stdtrit(degrees, 0.95), dtype=np.float64)


def half_width(logs: Floats) -> float:
    """Return the half-width of a 90 % interval for one more of these values; 0 of a single one."""
    if len(logs) < 2:
        return 0.0
    return float(student(len(logs) - 1.0) * logs.std(ddof=1) * np.sqrt(1.0 + 1.0 / len(logs)))
