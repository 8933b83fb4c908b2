"""Contributions add up to the prediction, and are Shapley's where these are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.errors import SurrogateError
from wattq.surrogates.explain.contributions import Contributions, sampled_contributions

Floats = np.ndarray[Any, np.dtype[np.float64]]
Rows = np.ndarray[Any, np.dtype[np.float32]]
NAMES = ("a", "b", "c", "d")


def crooked(x: Rows) -> Floats:
    """A function with steps, products and unknowns."""
    known = np.nan_to_num(x.astype(np.float64), nan=-3.0)
    a, b, c, d = known.T
    return np.fmin(100.0 * (a > 0) + a * b - c, 500.0 + 0.0 * d)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10**6), st.integers(1, 9), st.integers(1, 30))
def test_they_add_up(seed: int, orders: int, size: int) -> None:
    draw = np.random.default_rng(seed)
    x = draw.normal(0, 10, (size + 1, 4)).astype(np.float32)
    x[draw.random(x.shape) < 0.2] = np.nan
    found = sampled_contributions(crooked, NAMES, x[0], x[1:], orders=orders, seed=seed)
    assert found.base + found.contribution.sum() == pytest.approx(crooked(x[:1])[0], rel=1e-9, abs=1e-9)
    assert abs(found.residual) < 1e-6
    again = sampled_contributions(crooked, NAMES, x[0], x[1:], orders=orders, seed=seed)
    np.testing.assert_array_equal(again.contribution, found.contribution)
    assert found.contribution[3] == 0.0, "what is not read adds nothing"


def test_a_sum_gives_each_its_difference() -> None:
    weights = np.array([1.0, -2.0, 0.5, 0.0])
    background = np.array([[1, 1, 1, 1], [3, 5, 7, 9]], dtype=np.float32)
    row = np.array([10, 20, 30, 40], dtype=np.float32)
    found = sampled_contributions(lambda x: x @ weights, NAMES, row, background, orders=10)
    assert found.contribution == pytest.approx(weights * (row - background.mean(axis=0)))
    assert found.base == pytest.approx(float((background @ weights).mean()))
    assert found.n_background == 2


def test_a_product_is_shared_equally() -> None:
    """Shapley values of a b at (1, 1) against (0, 0) are 1/2 and 1/2; orders there and back give exactly that."""
    found = sampled_contributions(
        lambda x: (x[:, 0] * x[:, 1]).astype(np.float64), ("a", "b"), np.ones(2, "f4"), np.zeros((1, 2), "f4"), orders=3
    )
    assert found.contribution.tolist() == [0.5, 0.5]
    assert found.error.tolist() == [0.0, 0.0]


def test_the_largest_come_first_and_groups_are_sums() -> None:
    found = Contributions(NAMES, np.zeros(4), 1.0, 4.0, np.array([1.0, -3.0, 4.0, 1.0]), np.zeros(4), "sampled", 1)
    assert [NAMES[place] for place in found.order()] == ["c", "b", "a", "d"]
    assert found.by_group(lambda name: "x" if name in "ab" else "y") == {"y": 5.0, "x": -2.0}


def test_what_does_not_add_up_is_refused() -> None:
    with pytest.raises(SurrogateError, match="by 'shap' miss the prediction 5 by 1"):
        Contributions(NAMES, np.zeros(4), 1.0, 5.0, np.array([1.0, -3.0, 4.0, 1.0]), np.zeros(4), "shap", 1)


def test_nothing_to_compare_with() -> None:
    with pytest.raises(SurrogateError, match="0 jobs to compare to"):
        sampled_contributions(crooked, NAMES, np.zeros(4, "f4"), np.zeros((0, 4), "f4"))
    with pytest.raises(SurrogateError, match="no number"):
        sampled_contributions(lambda x: x[:, 0] * np.nan, NAMES, np.zeros(4, "f4"), np.zeros((1, 4), "f4"))
