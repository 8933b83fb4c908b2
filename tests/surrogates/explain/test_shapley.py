"""Shapley values by shap, where it is installed; what is said where it is not."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
import pytest

from wattq.errors import MissingDependencyError, SurrogateError
from wattq.surrogates.explain.contributions import sampled_contributions
from wattq.surrogates.explain.shapley import shap_contributions

HERE = importlib.util.find_spec("shap") is not None
NAMES = ("a", "b", "c")


def crooked(x: np.ndarray[Any, Any]) -> np.ndarray[Any, np.dtype[np.float64]]:
    known = np.nan_to_num(x.astype(np.float64), nan=-3.0)
    return np.fmin(100.0 * (known[:, 0] > 0) + known[:, 1] * known[:, 2], 60.0)


@pytest.mark.skipif(not HERE, reason="shap is not installed (extra 'explain')")
@pytest.mark.filterwarnings("default")
def test_they_add_up_and_agree_with_ours() -> None:
    draw = np.random.default_rng(1)
    x = draw.normal(0, 5, (31, 3)).astype(np.float32)
    x[draw.random(x.shape) < 0.2] = np.nan
    found = shap_contributions(crooked, NAMES, x[0], x[1:], seed=2)
    assert found.base + found.contribution.sum() == pytest.approx(crooked(x[:1])[0], rel=1e-9)
    assert found.base == pytest.approx(float(crooked(x[1:]).mean()))
    ours = sampled_contributions(crooked, NAMES, x[0], x[1:], orders=3000, seed=2)
    np.testing.assert_allclose(found.contribution, ours.contribution, atol=5.0 * ours.error.max() + 1.0)
    again = shap_contributions(crooked, NAMES, x[0], x[1:], seed=2)
    np.testing.assert_array_equal(again.contribution, found.contribution)


@pytest.mark.skipif(HERE, reason="shap is installed")
def test_without_shap_the_extra_is_named() -> None:
    with pytest.raises(MissingDependencyError, match=r"pip install 'wattq\[explain\]'"):
        shap_contributions(crooked, NAMES, np.zeros(3, "f4"), np.zeros((1, 3), "f4"))


def test_nothing_to_compare_with() -> None:
    with pytest.raises(SurrogateError, match="0 jobs to compare to"):
        shap_contributions(crooked, NAMES, np.zeros(3, "f4"), np.zeros((0, 3), "f4"))
