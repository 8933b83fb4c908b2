"""Covariance matrix adaptation finds minima, and goes on exactly where it was."""

from __future__ import annotations

import numpy as np
import pytest

from wattq.schedulers.rl.evolution import Evolution


def cost(x: np.ndarray) -> np.ndarray:
    """Return an ellipsoid whose axes differ by a factor of a hundred, 0 at (1, 1, ...)."""
    return ((x - 1.0) ** 2 @ np.array([1.0, 10.0, 100.0])) if x.ndim > 1 else cost(x[None])[0]


def run(search: Evolution, random: np.random.Generator, generations: int) -> Evolution:
    for _ in range(generations):
        candidates = search.ask(random)
        search.tell(candidates, cost(candidates))
    return search


def test_it_finds_the_bottom() -> None:
    search = run(Evolution.start(np.zeros(3), 0.5, 8), np.random.default_rng(0), 120)
    assert search.mean == pytest.approx(np.ones(3), abs=1e-4)
    assert search.generation == 120


def test_it_goes_on_from_a_state() -> None:
    random = np.random.default_rng(1)
    one = run(Evolution.start(np.zeros(3), 0.5, 6), random, 5)
    two, again = Evolution.restore(one.state()), np.random.default_rng()
    again.bit_generator.state = random.bit_generator.state
    assert (run(one, random, 3).mean == run(two, again, 3).mean).all()
    assert one.step == two.step
