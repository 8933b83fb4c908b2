"""Means on a regular step: exact, whole steps alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.errors import SignalError
from wattq.platforms.signals import Signal, regular_signal


def signal(starts: list[float], end: float, values: list[float]) -> Signal:
    return Signal(np.array(starts), end, np.array(values), "price", "EUR/MWh", notes=("n",))


def test_half_hours_and_quarters_to_hours() -> None:
    found = regular_signal(signal([0, 1800, 3600, 4500, 5400, 6300], 7200, [10, 20, 1, 2, 3, 6]), 3600)
    assert found.edges_s.tolist() == [0, 3600, 7200]
    assert found.value.tolist() == [15, 3]
    assert found.notes == ("n", "means over steps of 60 min")


def test_ends_that_fill_no_step_are_left_out() -> None:
    found = regular_signal(signal([1800, 3600, 7200], 9000, [1, 2, 3]), 3600)
    assert (found.edges_s.tolist(), found.value.tolist()) == ([3600, 7200], [2])
    assert found.notes[-1] == "60 min at the ends that fill no whole step left out"


@pytest.mark.parametrize(
    ("step", "message"),
    [(0.5, "at least 1"), (float("nan"), "at least 1"), (float("inf"), "at least 1"), (86_400, "covers no whole step")],
)
def test_steps_that_are_wrong(step: float, message: str) -> None:
    with pytest.raises(SignalError, match=message):
        regular_signal(signal([0, 1800], 3600, [1, 2]), step)
    with pytest.raises(SignalError, match="more than 5000000 steps"):
        regular_signal(signal([0, 1800], 1e9, [1, 2]), 1)


@settings(deadline=None, max_examples=50)
@given(steps=st.lists(st.sampled_from([300, 900, 1800, 3600]), min_size=4, max_size=40), data=st.data())
def test_the_integral_stays(steps: list[int], data: st.DataObject) -> None:
    values = data.draw(st.lists(st.floats(-500, 500), min_size=len(steps), max_size=len(steps)))
    edges = np.cumsum([7200, *steps]).tolist()
    series = signal(edges[:-1], edges[-1], values)
    try:
        found = regular_signal(series, 1800)
    except SignalError:
        assert edges[-1] - edges[0] < 3600
        return
    first, last = float(found.start_s[0]), found.end_s
    assert found.integral(first, last) == pytest.approx(series.integral(first, last), rel=1e-12, abs=1e-6)
    assert edges[-1] - edges[0] - (last - first) < 3600
