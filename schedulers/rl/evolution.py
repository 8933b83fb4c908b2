"""Covariance matrix adaptation: a search that learns from ranks alone, hence fit for values with heavy tails.

N. Hansen, A. Ostermeier, Completely derandomized self-adaptation in evolution strategies, Evolutionary Computation 9
(2001); constants of N. Hansen, The CMA evolution strategy: a tutorial (2016).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Evolution"]

Floats = NDArray[np.float64]

_MOST_GROWTH = 0.3
_LEAST_VARIANCE = 1e-20
_FACTOR_EVERY = 3


@dataclass
class Evolution:
    """State of a search; `ask`, `tell`, and so on.

    Attributes:
        mean: centre, shape (n,).
        step: overall step size.
        population: candidates of a generation.
        generation: generations done.
        covariance: shape (n, n).
        path, step_path: evolution paths, shape (n,).
        basis, scales: axes and their lengths as of the last factorisation, shapes (n, n) and (n,).
    """

    mean: Floats
    step: float
    population: int
    generation: int
    covariance: Floats
    path: Floats
    step_path: Floats
    basis: Floats
    scales: Floats

    @classmethod
    def start(cls, mean: Floats, step: float, population: int) -> Evolution:
        """Return a search from a point, equally wide in all directions."""
        n = len(mean)
        return cls(mean.copy(), step, population, 0, np.eye(n), np.zeros(n), np.zeros(n), np.eye(n), np.ones(n))

    @classmethod
    def restore(cls, state: Mapping[str, NDArray[Any]]) -> Evolution:
        """Return the search that `state` told of."""
        plain: dict[str, Any] = {name: np.array(state[name], dtype=np.float64) for name in cls.__annotations__}
        plain["step"] = float(plain["step"])
        plain["population"], plain["generation"] = int(plain["population"]), int(plain["generation"])
        return cls(**plain)

    def state(self) -> dict[str, NDArray[Any]]:
        """Return all that changes, as arrays by name."""
        return {name: np.asarray(getattr(self, name)) for name in type(self).__annotations__}

    def ask(self, random: np.random.Generator) -> Floats:
        """Return candidates, shape (population, n)."""
        drawn = random.standard_normal((self.population, len(self.mean)))
        return self.mean + self.step * (drawn * self.scales) @ self.basis.T

    def tell(self, candidates: Floats, values: Floats) -> None:
        """Learn from the values of candidates; low ones are good."""
        n, weights = len(self.mean), self._weights()
        effective = 1.0 / float(np.sum(weights**2))
        best = np.argsort(values, kind="stable")[: len(weights)]
        moves = (candidates[best] - self.mean) / self.step
        move = weights @ moves
        self.mean = self.mean + self.step * move
        self.generation += 1
        rate, damping = _step_constants(n, effective)
        plain = self.basis @ ((self.basis.T @ move) / self.scales)
        self.step_path = (1 - rate) * self.step_path + np.sqrt(rate * (2 - rate) * effective) * plain
        length = float(np.linalg.norm(self.step_path)) / _expected_norm(n)
        self._adapt(moves, weights, move, effective, length / np.sqrt(1 - (1 - rate) ** (2 * self.generation)))
        self.step *= float(np.exp(min(_MOST_GROWTH, rate / damping * (length - 1))))
        if self.generation % _FACTOR_EVERY == 0:
            self._factor()

    def _weights(self) -> Floats:
        chosen = self.population // 2
        weights = np.log(chosen + 0.5) - np.log(np.arange(1, chosen + 1))
        found: Floats = weights / weights.sum()
        return found

    def _adapt(self, moves: Floats, weights: Floats, move: Floats, effective: float, length: float) -> None:
        n = len(self.mean)
        rate = (4 + effective / n) / (n + 4 + 2 * effective / n)
        one = 2 / ((n + 1.3) ** 2 + effective)
        many = min(1 - one, 2 * (effective - 2 + 1 / effective) / ((n + 2) ** 2 + effective))
        steady = float(length < 1.4 + 2 / (n + 1))
        self.path = (1 - rate) * self.path + steady * np.sqrt(rate * (2 - rate) * effective) * move
        lost = one * (1 - steady) * rate * (2 - rate)
        self.covariance = (
            (1 - one - many + lost) * self.covariance
            + one * np.outer(self.path, self.path)
            + many * (moves.T * weights) @ moves
        )

    def _factor(self) -> None:
        self.covariance = (self.covariance + self.covariance.T) / 2
        variances, self.basis = np.linalg.eigh(self.covariance)
        self.scales = np.sqrt(np.maximum(variances, _LEAST_VARIANCE))


def _step_constants(n: int, effective: float) -> tuple[float, float]:
    rate = (effective + 2) / (n + effective + 5)
    return rate, 1 + 2 * max(0.0, float(np.sqrt((effective - 1) / (n + 1))) - 1) + rate


def _expected_norm(n: int) -> float:
    return float(np.sqrt(n) * (1 - 1 / (4 * n) + 1 / (21 * n * n)))
