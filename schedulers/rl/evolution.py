"""Covariance matrix adaptation: search for the numbers of a small policy by comparing candidates.

Source: N. Hansen, The CMA evolution strategy: a tutorial, arXiv:1604.00772, 2016 (rank-one and rank-mu update, step
size by the length of the evolution path).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattq.errors import LearningError

__all__ = ["Evolution"]

Floats = NDArray[np.float64]

_LEAST = 1e-20
_MOST_GROWTH = 0.3


class Evolution:
    """A search by generations: `ask` for candidates, `tell` how costly each is.

    Args:
        start: first mean of the candidates, shape (n,).
        sigma: first step size, above 0.
        seed: of the draws.
        population: candidates of a generation; ``4 + 3 ln n`` when None.

    Raises:
        LearningError: no number to search for, a step size of 0, or fewer than four candidates.
    """

    def __init__(self, start: Floats, sigma: float, seed: int, population: int | None = None) -> None:
        n = len(start)
        self.population = population or 4 + int(3 * np.log(max(n, 1)))
        if n < 1 or not sigma > 0 or self.population < 4:
            raise LearningError(
                f"evolution: {n} numbers, step size {sigma:g}, {self.population} candidates; give numbers, a step size "
                "above 0 and four candidates or more"
            )
        self._draw = np.random.default_rng(seed)
        self.mean, self.sigma, self.generation = np.array(start, dtype=np.float64), float(sigma), 0
        self._path_c, self._path_s, self._covariance = np.zeros(n), np.zeros(n), np.eye(n)
        self._set_rates(n)
        self._decompose()

    def _set_rates(self, n: int) -> None:
        kept = self.population // 2
        weights = np.log(kept + 0.5) - np.log(np.arange(1, kept + 1))
        self._weights = weights / weights.sum()
        mass = 1.0 / float(np.sum(self._weights**2))
        self._cc = (4 + mass / n) / (n + 4 + 2 * mass / n)
        self._cs = (mass + 2) / (n + mass + 5)
        self._c1 = 2 / ((n + 1.3) ** 2 + mass)
        self._cmu = min(1 - self._c1, 2 * (mass - 2 + 1 / mass) / ((n + 2) ** 2 + mass))
        self._damping = 1 + 2 * max(0.0, float(np.sqrt((mass - 1) / (n + 1))) - 1) + self._cs
        self._mass, self._length = mass, float(np.sqrt(n) * (1 - 1 / (4 * n) + 1 / (21 * n * n)))

    def _decompose(self) -> None:
        self._covariance = (self._covariance + self._covariance.T) / 2
        values, self._axes = np.linalg.eigh(self._covariance)
        self._scales = np.sqrt(np.maximum(values, _LEAST))

    def ask(self) -> Floats:
        """Return the candidates of the next generation, shape (population, n)."""
        drawn = self._draw.standard_normal((self.population, len(self.mean)))
        self._steps = (drawn * self._scales) @ self._axes.T
        candidates: Floats = self.mean + self.sigma * self._steps
        return candidates

    def tell(self, costs: Floats) -> None:
        """Move the search towards the cheapest candidates.

        Args:
            costs: of the candidates that `ask` returned last, in their order; an infinite one is worst.
        """
        best = self._steps[np.argsort(costs, kind="stable")[: len(self._weights)]]
        step = self._weights @ best
        self.mean = self.mean + self.sigma * step
        self.generation += 1
        whitened = self._axes @ ((self._axes.T @ step) / self._scales)
        self._path_s = (1 - self._cs) * self._path_s + np.sqrt(self._cs * (2 - self._cs) * self._mass) * whitened
        length = float(np.linalg.norm(self._path_s))
        expected = np.sqrt(1 - (1 - self._cs) ** (2 * self.generation)) * self._length
        moving = float(length / expected < 1.4 + 2 / (len(self.mean) + 1))
        self._path_c = (1 - self._cc) * self._path_c + moving * np.sqrt(self._cc * (2 - self._cc) * self._mass) * step
        self._covariance = (
            (1 - self._c1 - self._cmu) * self._covariance
            + self._c1
            * (np.outer(self._path_c, self._path_c) + (1 - moving) * self._cc * (2 - self._cc) * self._covariance)
            + self._cmu * (best.T * self._weights) @ best
        )
        self.sigma *= float(np.exp(min(_MOST_GROWTH, (self._cs / self._damping) * (length / self._length - 1))))
        self._decompose()

    def state(self) -> dict[str, Any]:
        """Return all that changes, as arrays and JSON values, so that `restore` goes on from here exactly."""
        return {
            "mean": self.mean,
            "path_c": self._path_c,
            "path_s": self._path_s,
            "covariance": self._covariance,
            "sigma": self.sigma,
            "generation": self.generation,
            "draw": self._draw.bit_generator.state,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` returned."""
        self.mean, self._covariance = np.array(state["mean"]), np.array(state["covariance"])
        self._path_c, self._path_s = np.array(state["path_c"]), np.array(state["path_s"])
        self.sigma, self.generation = float(state["sigma"]), int(state["generation"])
        self._draw.bit_generator.state = state["draw"]
        self._decompose()
