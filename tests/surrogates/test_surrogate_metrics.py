"""Figures of predictions: exact on arrays made by hand, and what must hold for any."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from wattq.errors import SurrogateError
from wattq.surrogates.metrics import MEASURES, TERMS, calibration, from_sums, job_terms, pinball_name, score
from wattq.surrogates.model import LEVELS

Floats = NDArray[np.float64]


def flat(values: Floats) -> Floats:
    """Quantiles that are all the same."""
    return np.repeat(values[:, None], len(LEVELS), axis=1)


def by_hand() -> tuple[Floats, Floats, Floats, Floats]:
    real = np.array([100.0, 200.0, 400.0, 1000.0])
    point = np.array([200.0, 200.0, 100.0, 500.0])
    quantile = flat(point)
    quantile[:, 0] = [50.0, 200.0, 80.0, 100.0]  # the 0.05 quantile
    quantile[:, -2] = [250.0, 200.0, 300.0, 900.0]  # the 0.9 quantile
    quantile[:, -1] = [300.0, 200.0, 300.0, 1000.0]  # the 0.95 quantile
    return real, point, quantile, np.array([1000.0, 200.0, np.nan, 2000.0])


def test_figures_of_points_by_hand() -> None:
    found = score(*by_hand())
    assert list(found) == list(MEASURES)
    assert found["accuracy"] == (0.5 + 1.0 + 0.25 + 0.5) / 4
    assert found["mae_s"] == (100 + 0 + 300 + 500) / 4
    assert found["rmse_s"] == math.sqrt((100**2 + 300**2 + 500**2) / 4)
    assert found["mape"] == (1.0 + 0.0 + 0.75 + 0.5) / 4
    mean = 425.0
    total = sum((value - mean) ** 2 for value in (100, 200, 400, 1000))
    assert found["r2"] == pytest.approx(1 - (100**2 + 300**2 + 500**2) / total, rel=1e-15)
    assert found["under_rate"] == 0.5


def test_figures_of_intervals_by_hand() -> None:
    found = score(*by_hand())
    assert found["upper_under_rate"] == 0.5
    assert found["upper_of_request"] == (250 + 200 + 900) / (1000 + 200 + 2000)
    assert found["upper_share_mean"] == pytest.approx((0.25 + 1.0 + 0.45) / 3, rel=1e-15)
    assert found["coverage"] == 0.75
    assert found["width_mean_s"] == (250 + 0 + 220 + 900) / 4
    assert found["width_median_s"] == (220 + 250) / 2


def test_pinball_by_hand() -> None:
    found = score(*by_hand())
    # the 0.05 quantiles miss by 50, 0, 320 and 900 s, all too short
    assert found[pinball_name(0.05)] == pytest.approx(0.05 * (50 + 0 + 320 + 900) / 4, rel=1e-12)
    # the 0.9 quantiles: 150 s too long, exact, 100 s too short twice
    assert found[pinball_name(0.9)] == pytest.approx((0.1 * 150 + 0.9 * 100 + 0.9 * 100) / 4, rel=1e-12)
    assert found["pinball_s"] == pytest.approx(np.mean([found[pinball_name(level)] for level in LEVELS]), rel=1e-12)


def test_a_perfect_prediction() -> None:
    real = np.array([10.0, 20.0, 0.0])
    found = score(real, real, flat(real), real)
    assert (found["accuracy"], found["mae_s"], found["r2"], found["coverage"]) == (1.0, 0.0, 1.0, 1.0)
    assert (found["under_rate"], found["upper_under_rate"], found["pinball_s"]) == (0.0, 0.0, 0.0)
    assert found["mape"] == 0.0  # the job of 0 s is left out


def test_what_is_not_defined_is_nan() -> None:
    none = np.empty(0)
    assert all(math.isnan(value) for value in score(none, none, np.empty((0, len(LEVELS))), none).values())
    assert np.isnan(calibration(none, np.empty((0, len(LEVELS))))).all()
    same = np.array([5.0, 5.0])
    found = score(same, same, flat(same), np.full(2, np.nan))
    assert math.isnan(found["r2"])
    assert math.isnan(found["upper_of_request"])
    assert math.isnan(found["upper_share_mean"])


def test_calibration_by_hand() -> None:
    real = np.array([1.0, 2.0, 3.0, 4.0])
    quantile = np.tile(np.linspace(0.0, 4.0, len(LEVELS)), (4, 1))
    assert calibration(real, quantile).tolist() == [0.0, 0.0, 0.0, 0.25, 0.25, 0.5, 0.5, 0.5, 0.75, 0.75, 1.0]


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [(0, np.nan, "real run time nan"), (1, -1.0, "prediction -1.0"), (2, np.inf, "quantile"), (2, 1e9, "decrease")],
)
def test_numbers_that_cannot_be_are_refused(place: int, value: float, words: str) -> None:
    arrays = [array.copy() for array in by_hand()]
    arrays[place][(1, 3) if place == 2 else 1] = value
    with pytest.raises(SurrogateError, match=words):
        score(*arrays)


def test_shapes_that_do_not_fit_are_refused() -> None:
    real, point, quantile, request = by_hand()
    with pytest.raises(SurrogateError, match="4 real run times"):
        score(real, point[:3], quantile, request)
    with pytest.raises(SurrogateError, match="4 real run times"):
        score(real, point, quantile[:, :5], request)


times = st.lists(
    st.tuples(
        st.floats(0, 1e6), st.floats(0, 1e6), st.lists(st.floats(0, 1e6), min_size=len(LEVELS), max_size=len(LEVELS))
    ),
    min_size=1,
    max_size=30,
)


def arrays_of(rows: list[tuple[float, float, list[float]]]) -> tuple[Floats, Floats, Floats, Floats]:
    real = np.array([row[0] for row in rows])
    quantile = np.sort(np.array([row[2] for row in rows]), axis=1)
    return real, np.array([row[1] for row in rows]), quantile, np.full(len(rows), 1e6)


@settings(deadline=None, max_examples=100)
@given(rows=times)
def test_what_holds_for_any_prediction(rows: list[tuple[float, float, list[float]]]) -> None:
    real, point, quantile, request = arrays_of(rows)
    found = score(real, point, quantile, request)
    for name in ("accuracy", "under_rate", "upper_under_rate", "coverage", "upper_of_request"):
        assert 0.0 <= found[name] <= 1.0
    assert found["mae_s"] <= found["rmse_s"] * (1 + 1e-9) + 1e-9
    assert all(found[pinball_name(level)] >= 0.0 for level in LEVELS)
    median = quantile[:, LEVELS.index(0.5)]
    assert found[pinball_name(0.5)] == pytest.approx(np.abs(median - real).mean() / 2, rel=1e-9, abs=1e-9)
    shares = calibration(real, quantile)
    assert (np.diff(shares) >= 0).all()
    assert shares[LEVELS.index(0.9)] == pytest.approx(1.0 - found["upper_under_rate"], abs=1e-12)


@settings(deadline=None, max_examples=50)
@given(rows=times)
def test_accuracy_does_not_care_which_of_the_two_is_real(rows: list[tuple[float, float, list[float]]]) -> None:
    real, point, quantile, request = arrays_of(rows)
    assert score(real, point, quantile, request)["accuracy"] == score(point, real, quantile, request)["accuracy"]


@settings(deadline=None, max_examples=50)
@given(rows=times, cut=st.integers(0, 30))
def test_sums_of_parts_are_the_sums_of_the_whole(rows: list[tuple[float, float, list[float]]], cut: int) -> None:
    arrays = arrays_of(rows)
    terms = job_terms(*arrays)
    assert terms.shape == (len(rows), len(TERMS))
    whole = from_sums(terms.sum(axis=0))
    parts = from_sums(terms[:cut].sum(axis=0) + terms[cut:].sum(axis=0))
    for name, value in whole.items():
        if name != "r2":  # a difference of large sums
            assert parts[name] == pytest.approx(value, rel=1e-9, abs=1e-9, nan_ok=True)
