"""Covariance matrix adaptation finds minima, and goes on exactly where it was."""

from __future__ import annotations

import numpy as np
import pytest

from wattq.errors import LearningError
from wattq.schedulers.rl.evolution import Evolution


def cost(x: np.ndarray) -> np.ndarray:
    """Return an ellipsoid whose axes differ by a factor of a hundred, 0 at (1, 1, ...)."""
    return ((x - 1.0) ** 2 @ np.array([1.0, 10.0, 100.0])) if x.ndim > 1 else cost(x[None])[0]


def test_it_finds_the_bottom() -> None:
    search = Evolution(np.zeros(3), 0.5, seed=0)
    for _ in range(120):
        search.tell(cost(search.ask()))
    assert search.mean == pytest.approx(np.ones(3), abs=1e-4)
    assert search.generation == 120


def test_it_goes_on_from_a_state() -> None:
    one = Evolution(np.zeros(3), 0.5, seed=1, population=6)
    for _ in range(5):
        one.tell(cost(one.ask()))
    two = Evolution(np.zeros(3), 0.5, seed=9, population=6)
    two.restore(one.state())
    for search in (one, two):
        for _ in range(3):
            search.tell(cost(search.ask()))
    assert (one.mean == two.mean).all()
    assert one.sigma == two.sigma


@pytest.mark.parametrize(("n", "sigma", "population"), [(0, 0.1, 8), (3, 0.0, 8), (3, 0.1, 3)])
def test_wrong_settings(n: int, sigma: float, population: int) -> None:
    with pytest.raises(LearningError, match="step size"):
        Evolution(np.zeros(n), sigma, 0, population)
