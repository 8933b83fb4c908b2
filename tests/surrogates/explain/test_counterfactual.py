"""The smallest change that moves a prediction: found where there is one, and 'none' where there is none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.errors import SurrogateError
from wattq.surrogates.explain.counterfactual import Aim, Lever, smallest_change

WALLTIME = Lever("request_s", "s", 3600.0, 450.0, 28_800.0)


def test_a_proportional_prediction_moves_with_the_request() -> None:
    found = smallest_change(WALLTIME, lambda v: v / 2.0, 1800.0, Aim(0.2))
    # 20 % less is further, as a factor, than 20 % more
    assert found.value == pytest.approx(4320.0, rel=0.006)
    assert found.value is not None
    assert found.value >= 4320.0
    assert found.after == found.value / 2.0
    assert found.relative == pytest.approx(0.2, abs=0.006)
    assert found.before == 1800.0


def test_nothing_within_the_bounds() -> None:
    found = smallest_change(WALLTIME, lambda v: 0.0 * v + 100.0, 100.0, Aim(0.2))
    assert (found.value, found.after, found.relative) == (None, None, None)
    assert found.tried == len(WALLTIME.candidates())


def test_below_a_value() -> None:
    found = smallest_change(WALLTIME, lambda v: np.minimum(v, 3000.0), 3000.0, Aim(below=1500.0))
    assert found.value == pytest.approx(1500.0, rel=0.006)
    assert found.after is not None
    assert found.after < 1500.0
    assert smallest_change(WALLTIME, lambda v: v, 1200.0, Aim(below=1500.0)).value == 3600.0


def test_whole_numbers_and_choices() -> None:
    hosts = Lever("hosts", "1", 4.0, 1.0, 16.0)
    assert hosts.candidates().tolist() == [1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15, 16]
    assert smallest_change(hosts, lambda v: 100.0 * v, 400.0, Aim(0.3)).value == 6.0
    clocks = Lever("frequency_ghz", "GHz", 2.25, 1.5, 2.25, whole=False, choices=(1.5, 2.0, 2.25))
    assert clocks.candidates().tolist() == [1.5, 2.0]
    found = smallest_change(clocks, lambda v: 100.0 * v, 225.0, Aim(0.1))
    assert (found.value, found.tried) == (2.0, 2)


@settings(deadline=None, max_examples=100)
@given(st.floats(460.0, 28_000.0), st.floats(0.05, 3.0))
def test_a_step_is_found_to_half_a_percent(step: float, move: float) -> None:
    found = smallest_change(
        WALLTIME, lambda v: np.where(v >= step, 10.0, 1.0), 10.0 if step <= 3600 else 1.0, Aim(move)
    )
    if move > 0.9 and step <= 3600.0:
        assert found.value is None
        return
    assert found.value is not None
    assert found.value == pytest.approx(step, rel=0.006, abs=1.0)


def test_aims_that_are_none() -> None:
    with pytest.raises(SurrogateError, match="give a number above 0"):
        Aim(0.0)
    with pytest.raises(SurrogateError, match="give a number above 0"):
        Aim(below=float("nan"))
