"""Corrections of outlived estimates, by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.errors import SurrogateError
from wattq.surrogates.correction import CORRECTIONS, Late, correct, correction_of
from wattq.surrogates.model import LEVELS

QUANTILES = np.array([10.0 * place for place in range(1, len(LEVELS) + 1)])


def late(elapsed_s: float, estimate_s: float, request_s: float = 7200.0, count: int = 0) -> Late:
    return Late(elapsed_s, estimate_s, request_s, count, QUANTILES)


def corrected(rule: str, case: Late) -> tuple[float, int]:
    return correct(correction_of(rule), case)


def test_to_the_requested_time() -> None:
    assert corrected("request", late(50.0, 50.0)) == (7200.0, 1)


def test_steps_follow_each_other_until_beyond_the_time_elapsed() -> None:
    assert corrected("steps", late(50.0, 50.0)) == (110.0, 1)
    assert corrected("steps", late(110.0, 110.0, count=1)) == (410.0, 2)
    # 50 + 60 is not beyond 400, so the next step of 300 s is taken, too
    assert corrected("steps", late(400.0, 50.0)) == (410.0, 2)
    assert corrected("steps", late(410.0, 50.0)) == (1310.0, 3)


def test_doubling() -> None:
    assert corrected("double", late(100.0, 100.0)) == (200.0, 1)
    assert corrected("double", late(450.0, 100.0)) == (800.0, 3)


def test_the_next_quantile_then_the_requested_time() -> None:
    assert corrected("quantile", late(10.0, 10.0)) == (20.0, 1)
    assert corrected("quantile", late(109.0, 100.0)) == (110.0, 1)
    assert corrected("quantile", late(110.0, 110.0)) == (7200.0, 1)


def test_nothing_beyond_the_requested_time() -> None:
    for rule in CORRECTIONS:
        assert corrected(rule, late(90.0, 90.0, request_s=95.0))[0] == 95.0
        assert corrected(rule, late(95.0, 95.0, request_s=95.0))[0] == 95.0


def test_without_a_requested_time_what_is_not_known_is_doubled() -> None:
    assert corrected("request", late(50.0, 50.0, request_s=math.nan)) == (100.0, 1)
    assert corrected("quantile", late(200.0, 110.0, request_s=math.nan)) == (400.0, 1)
    assert corrected("request", late(0.0, 0.0, request_s=math.nan)) == (1.0, 1)


def test_an_unknown_rule_names_the_nearest() -> None:
    with pytest.raises(SurrogateError, match="did you mean 'quantile'"):
        correction_of("quantiles")
    with pytest.raises(SurrogateError, match="take one of request, steps, double, quantile"):
        correction_of("xyz")


@settings(deadline=None, max_examples=200)
@given(
    st.sampled_from(sorted(CORRECTIONS)),
    st.floats(1.0, 1e6),
    st.floats(0.0, 1e6),
    st.one_of(st.just(math.nan), st.floats(1.0, 1e6)),
    st.integers(0, 20),
)
def test_beyond_the_time_elapsed_and_not_beyond_the_request(
    rule: str, estimate_s: float, more_s: float, request_s: float, count: int
) -> None:
    case = late(estimate_s + more_s, estimate_s, request_s, count)
    found, corrections = corrected(rule, case)
    assert corrections > count
    assert found == request_s or found > case.elapsed_s
    assert not found > request_s
