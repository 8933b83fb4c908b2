"""How evenly a policy serves the users."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattq.experiments.waits import Population

__all__ = ["fairness", "jain_index", "user_means"]


def jain_index(values: NDArray[np.float64]) -> float:
    """Return Jain's fairness index (sum x)^2 / (n sum x^2), in [1/n, 1]; NaN for no values.

    Source: R. Jain, D. Chiu, W. Hawe, DEC Research Report TR-301, 1984. Values are not negative; all zero gives 1.
    """
    if len(values) == 0:
        return float("nan")
    scaled = values / max(float(np.max(values)), np.finfo(np.float64).tiny)
    squares = float(np.sum(scaled * scaled))
    return float(np.sum(scaled)) ** 2 / (len(values) * squares) if squares > 0 else 1.0


def user_means(jobs: Population) -> dict[int, float]:
    """Return the mean bounded slowdown of each known user, by user id."""
    known = jobs.user >= 0
    users, index = np.unique(jobs.user[known], return_inverse=True)
    totals = np.bincount(index, weights=jobs.bounded_slowdown[known])
    return {int(user): float(mean) for user, mean in zip(users, totals / np.bincount(index), strict=True)}


def fairness(jobs: Population) -> dict[str, float]:
    """Return ``users``, ``user_slowdown_jain`` and ``user_slowdown_spread``; empty when no user is known."""
    means = np.array(list(user_means(jobs).values()))
    if len(means) == 0:
        return {}
    low, high = np.percentile(means, [10, 90])
    return {
        "users": float(len(means)),
        "user_slowdown_jain": jain_index(means),
        "user_slowdown_spread": float(high - low),
    }
