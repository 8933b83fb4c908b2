"""The value and the quantiles that are taken from a distribution, trees, losses and quantiles that adapt."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.errors import SurrogateError
from wattq.surrogates.binning import bin_edges, codes_of
from wattq.surrogates.boosted import Growth, boost
from wattq.surrogates.conformal import Conformal
from wattq.surrogates.losses import Loss, pinball
from wattq.surrogates.model import LEVELS, Prediction
from wattq.surrogates.point import STEP, Leaves, bin_of, decide_points
from wattq.surrogates.spread import at_levels
from wattq.surrogates.trees import Trees, join_trees, leaves_of


def one_leaf(runs: list[float]) -> Leaves:
    """Return a forest of a single leaf that holds these runs, s."""
    whole = {"feature": [-1], "left": [0], "root": [0], "begin": [0], "end": [len(runs)]}
    parts = {name: np.array(values, dtype=np.int32) for name, values in whole.items()}
    bins = bin_of(np.array(runs)).astype(np.int16)
    return Leaves(threshold=np.zeros(1, dtype=np.float32), bins=bins, **parts)


def decided(
    runs: list[float], request: float = np.nan, middle: float = np.nan, price: float = 0.0
) -> tuple[float, Any]:
    quantile = np.empty((1, len(LEVELS)))
    point = decide_points(
        np.zeros((1, 1), dtype=np.float32),
        one_leaf(runs),
        np.empty((1, 0)),
        np.empty(0),
        np.array([request]),
        np.array([middle]),
        price,
        100.0,
        np.array(LEVELS),
        quantile,
    )
    return float(point[0]), quantile[0]


def test_the_value_agrees_best() -> None:
    # 10 s twice and 1,000 s three times: 1,000 agrees by 3/5 + 2/5/100, 10 by 2/5 + 3/5/100.
    point, quantile = decided([10.0, 10.0, 1000.0, 1000.0, 1000.0])
    assert point == pytest.approx(1000.0, rel=STEP)
    assert quantile[: LEVELS.index(0.4) + 1] == pytest.approx(10.0, rel=STEP)
    assert quantile[LEVELS.index(0.5) :] == pytest.approx(1000.0, rel=STEP)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.floats(1.0, 1e6), min_size=1, max_size=12))
def test_no_past_run_agrees_better(runs: list[float]) -> None:
    point, _ = decided(runs)
    x = np.exp(STEP * bin_of(np.array(runs)))
    agreement = [np.mean(np.minimum(v, x) / np.maximum(v, x)) for v in (point, *x)]
    assert agreement[0] >= max(agreement) - 1e-9


def test_what_lies_beyond_the_request_counts_as_the_request() -> None:
    point, quantile = decided([50.0, 5000.0, 6000.0], request=777.0)
    assert point == 777.0
    assert quantile[-1] == 777.0
    assert quantile[0] == pytest.approx(50.0, rel=STEP)


def test_a_price_draws_towards_the_second_opinion() -> None:
    free, _ = decided([10.0, 10.0, 1000.0, 1000.0, 1000.0], middle=10.0)
    dear, _ = decided([10.0, 10.0, 1000.0, 1000.0, 1000.0], middle=10.0, price=1.0)
    assert free == pytest.approx(1000.0, rel=STEP)
    assert dear == pytest.approx(10.0, rel=STEP)


def test_codes_and_thresholds_agree() -> None:
    x = np.array([[1.0], [2.0], [np.nan], [2.0], [9.0]], dtype=np.float32)
    edges = bin_edges(x)
    assert edges[0].tolist() == [1.0, 2.0]
    assert codes_of(x, edges).tolist() == [[1, 2, 0, 2, 3]]


def test_rows_reach_their_leaves() -> None:
    tree = Trees(
        np.array([0, -1, -1], dtype=np.int32),
        np.array([5.0, 0.0, 0.0], dtype=np.float32),
        np.array([1, 0, 0], dtype=np.int32),
        np.array([0.0, 10.0, 20.0]),
        np.array([0], dtype=np.int32),
    )
    both = join_trees([tree, tree])
    x = np.array([[5.0], [5.1], [np.nan]], dtype=np.float32)
    assert leaves_of(x, both.feature, both.threshold, both.left, both.root).tolist() == [[1, 4], [2, 5], [1, 4]]
    with pytest.raises(SurrogateError):
        Trees(tree.feature, tree.threshold, np.array([0, 0, 0], dtype=np.int32), tree.value, tree.root)


def test_losses_by_hand() -> None:
    residual = np.array([-2.0, -1.0, 0.0, 1.0, 10.0])
    assert Loss().best(residual, 1.0) == 0.0
    assert pinball(0.9).best(residual, 1.0) == 10.0
    assert Loss(under_power=2, over_power=2).best(residual, 1.0) == pytest.approx(residual.mean())
    assert pinball(0.9).pull(residual, 1.0) == pytest.approx([-0.1, -0.1, 0.0, 0.9, 0.9])
    # Linear below the truth and quadratic above it: 1 pull up per row below against 2 r down.
    assert Loss(over_power=2).best(np.array([-1.0, 1.0]), 1.0) == pytest.approx(-0.5)
    for wrong in ({"under": 0.0}, {"over": np.nan}, {"under_power": 3}):
        with pytest.raises(SurrogateError):
            Loss(**wrong)
    with pytest.raises(SurrogateError):
        pinball(1.0)


def test_boosting_learns_a_step() -> None:
    x = np.arange(100, dtype=np.float32)[:, None]
    y = np.where(x[:, 0] < 40, 5.0, 50.0)
    found = boost(x, y, Loss(), Growth(60, 4, 0.3, 5, 1.0, 1.0), 0).predict(x)
    assert found == pytest.approx(y, abs=1e-3)


def test_levels_are_straight_in_the_log() -> None:
    found = at_levels((0.1, 0.5, 0.9), np.array([[10.0, 100.0, 1000.0]]))
    assert found[0, [1, 5, 9]] == pytest.approx([10.0, 100.0, 1000.0])
    assert (np.diff(found) > 0.0).all()
    assert found[0, 0] < 10.0


def test_intervals_find_their_coverage_again() -> None:
    rng = np.random.default_rng(0)
    ends = Conformal()
    fixed = Prediction(np.array([100.0]), np.array([[60.0, 70, 80, 85, 90, 100, 110, 120, 130, 140, 150]]))
    none = np.array([np.nan])
    inside = []
    # Runs spread three times as far, in the logarithm, as the quantiles say.
    for run in 100.0 * np.exp(rng.normal(0.0, 0.9, 4000)):
        found = ends.adapt(fixed, none)
        assert (np.diff(found.quantile_s) >= 0.0).all()
        inside.append(found.low_s()[0] <= run <= found.high_s()[0])
        ends.ended(found.quantile_s[0], run)
    assert 0.88 <= np.mean(inside[1000:]) <= 0.92


def test_adapted_quantiles_stay_below_the_request() -> None:
    ends = Conformal()
    fixed = Prediction(np.array([100.0]), np.full((1, len(LEVELS)), 100.0))
    for _ in range(50):
        ends.ended(np.full(len(LEVELS), 100.0), 1000.0)
    found = ends.adapt(fixed, np.array([102.0]))
    assert found.high_s()[0] == 102.0
    assert found.point_s[0] == 100.0
