"""Permutation importance: what is not read matters nothing, what is read alone matters most."""

from __future__ import annotations

import numpy as np
import pytest

from wattq.errors import SurrogateError
from wattq.surrogates.explain.importance import permutation_importance


def test_only_what_is_read_matters() -> None:
    draw = np.random.default_rng(3)
    x = draw.normal(0, 1, (500, 3)).astype(np.float32)
    real = 3.0 * x[:, 1].astype(np.float64) + x[:, 2]
    found = permutation_importance(lambda x: 3.0 * x[:, 1] + x[:, 2], ("a", "b", "c"), x, real, seed=5)
    assert found.loss == pytest.approx(0.0, abs=1e-6)
    assert found.rise[0] == 0.0
    assert found.rise[1] == pytest.approx(3.0 * 2.0 / np.sqrt(np.pi), rel=0.1)  # mean |difference of two normals|
    assert found.order().tolist() == [1, 2, 0]
    again = permutation_importance(lambda x: 3.0 * x[:, 1] + x[:, 2], ("a", "b", "c"), x, real, seed=5)
    np.testing.assert_array_equal(again.rise, found.rise)
    assert found.n_jobs == 500


def test_one_job_is_not_enough() -> None:
    with pytest.raises(SurrogateError, match="needs two jobs"):
        permutation_importance(lambda x: x[:, 0], ("a",), np.zeros((1, 1), "f4"), np.zeros(1))
