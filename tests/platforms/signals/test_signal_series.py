"""Values, integrals and means of a signal, to the last digit, and what it refuses."""

from __future__ import annotations

from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.errors import SignalError
from wattq.platforms.signals import Signal
from wattq.units import HOUR_S, JOULES_PER_KWH, JOULES_PER_MWH

ORIGIN_S = 1_609_459_200.0  # 2021-01-01T00:00:00Z


def hourly(values: Any, start_s: float = 0.0, quantity: str = "price", unit: str = "EUR/MWh", **about: Any) -> Signal:
    numbers = np.asarray(values, dtype=np.float64)
    starts = start_s + np.arange(numbers.size) * HOUR_S
    return Signal(starts, start_s + numbers.size * HOUR_S, numbers, quantity, unit, **about)


def exact(signal: Signal, t0_s: float, t1_s: float) -> Fraction:
    """The integral in rational numbers."""
    edges = [Fraction(edge) for edge in signal.edges_s.tolist()]
    total = Fraction(0)
    for low, high, value in zip(edges, edges[1:], signal.value.tolist(), strict=False):
        length = min(high, Fraction(t1_s)) - max(low, Fraction(t0_s))
        total += Fraction(value) * max(length, Fraction(0))
    return total


def test_a_value_holds_from_its_start_to_the_next() -> None:
    signal = hourly([10.0, 20.0, 30.0])
    assert [signal.at(t) for t in (0.0, 3599.999, 3600.0, 10799.0)] == [10.0, 10.0, 20.0, 30.0]
    np.testing.assert_array_equal(signal.at(np.array([[0.0, 3600.0], [7200.0, 1.0]])), [[10.0, 20.0], [30.0, 10.0]])


def test_two_hours_by_hand() -> None:
    """1 kW for two hours at 100 and 300 g/kWh emits 400 g; 2 kW for the middle hour, 400 g."""
    signal = hourly([100.0, 300.0], quantity="carbon", unit="g/kWh")
    assert signal.integral(0.0, 7200.0) * 1e3 / JOULES_PER_KWH == 400.0
    assert signal.integral(1800.0, 5400.0) * 2e3 / JOULES_PER_KWH == 400.0
    assert signal.mean(0.0, 7200.0) == 200.0
    assert signal.mean(1800.0, 4500.0) == (1800 * 100 + 900 * 300) / 2700


def test_a_negative_price_is_revenue() -> None:
    """1 MWh at -50 EUR/MWh costs -50 EUR."""
    signal = hourly([-50.0])
    assert signal.integral(0.0, HOUR_S) * 1e6 / JOULES_PER_MWH == -50.0
    assert signal.currency == "EUR"


def test_one_megawatt_over_a_year_costs_the_mean() -> None:
    prices = np.random.default_rng(1).normal(50.0, 60.0, 8760).round(2)
    signal = hourly(prices, ORIGIN_S, time_zone="Europe/London")
    cost = signal.integral(ORIGIN_S, ORIGIN_S + 8760 * HOUR_S) * 1e6 / JOULES_PER_MWH
    mean = sum(Fraction(price) for price in prices.tolist()) / 8760
    assert cost / 8760 == pytest.approx(float(mean), rel=1e-14)
    assert signal.mean(ORIGIN_S, signal.end_s) == pytest.approx(float(mean), rel=1e-14)


def test_one_megawatt_over_a_year_of_local_days_counts_23_and_25_hours() -> None:
    """One price for each day of the clock in Berlin: two days are not 24 h long, and weigh what they last."""
    zone = ZoneInfo("Europe/Berlin")
    midnights = [(datetime(2020, 1, 1) + timedelta(days=n)).replace(tzinfo=zone).timestamp() for n in range(367)]
    hours = np.diff(midnights) / HOUR_S
    assert sorted(set(hours.tolist())) == [23.0, 24.0, 25.0]
    prices = np.arange(366.0) - 20.0
    signal = Signal(np.array(midnights[:-1]), midnights[-1], prices, "price", "EUR/MWh", time_zone="Europe/Berlin")
    cost = signal.integral(midnights[0], midnights[-1]) * 1e6 / JOULES_PER_MWH
    assert cost == float((prices * hours).sum())
    assert cost / 8784 == signal.mean(midnights[0], midnights[-1])


def test_arrays_broadcast() -> None:
    signal = hourly([1.0, 2.0, 4.0])
    ends = np.array([3600.0, 7200.0, 10800.0])
    np.testing.assert_array_equal(signal.integral(0.0, ends), [3600.0, 10800.0, 25200.0])
    np.testing.assert_array_equal(signal.mean(np.array([[0.0], [3600.0]]), ends[1:]), [[1.5, 7 / 3], [2.0, 3.0]])


def test_an_empty_interval_has_the_value_of_its_place() -> None:
    signal = hourly([1.0, 2.0])
    assert signal.integral(3600.0, 3600.0) == 0.0
    assert signal.mean(3600.0, 3600.0) == 2.0
    assert signal.mean(7200.0, 7200.0) == 2.0


def test_the_whole_series_is_covered_and_nothing_else() -> None:
    signal = hourly([1.0, 2.0], ORIGIN_S)
    assert signal.covers(ORIGIN_S, ORIGIN_S + 7200.0)
    assert not signal.covers(ORIGIN_S - 1.0, ORIGIN_S)
    assert not signal.covers(ORIGIN_S, ORIGIN_S + 7201.0)
    for ask in (
        lambda: signal.at(ORIGIN_S + 7200.0),
        lambda: signal.at(np.array([ORIGIN_S, ORIGIN_S - 1.0])),
        lambda: signal.at(float("nan")),
        lambda: signal.integral(ORIGIN_S, ORIGIN_S + 7201.0),
        lambda: signal.mean(ORIGIN_S - 1.0, ORIGIN_S),
        lambda: signal.slice(ORIGIN_S, ORIGIN_S + 8000.0),
    ):
        with pytest.raises(SignalError, match="from 2021-01-01T00:00:00Z to 2021-01-01T02:00:00Z"):
            ask()


def test_an_interval_that_ends_before_it_begins_is_refused() -> None:
    signal = hourly([1.0, 2.0])
    with pytest.raises(SignalError, match="ends before it begins"):
        signal.integral(3600.0, 0.0)
    with pytest.raises(SignalError, match="ends before it begins"):
        signal.mean(np.array([0.0, 3600.0]), 1800.0)
    with pytest.raises(SignalError, match="is empty"):
        signal.slice(0.0, 0.0)


def test_a_slice_keeps_values_and_description() -> None:
    signal = hourly([1.0, 2.0, 3.0], region="DE", notes=("one gap held",))
    part = signal.slice(1800.0, 7200.0)
    assert (part.start_s.tolist(), part.end_s, part.value.tolist()) == ([1800.0, 3600.0], 7200.0, [1.0, 2.0])
    assert (part.region, part.notes) == ("DE", ("one gap held",))
    assert part.integral(2000.0, 7000.0) == signal.integral(2000.0, 7000.0)


def test_arrays_are_copies_that_cannot_be_written() -> None:
    values = np.array([1.0, 2.0])
    signal = hourly(values)
    values[0] = 9.0
    assert signal.at(0.0) == 1.0
    with pytest.raises(ValueError, match="read-only"):
        signal.value[0] = 9.0


def test_many_times_are_found_as_single_ones_are() -> None:
    """Regular series have a short cut; at their edges it must find what a search finds."""
    signal = hourly(np.arange(500.0), 0.1, quantity="carbon", unit="g/kWh")
    times = np.sort(np.concatenate([signal.edges_s[:-1], np.nextafter(signal.edges_s[1:], 0.0)]))
    np.testing.assert_array_equal(signal.at(times), [signal.at(t) for t in times.tolist()])
    np.testing.assert_array_equal(signal.at(times), np.repeat(np.arange(500.0), 2))


def test_a_short_interval_late_in_a_long_series_loses_no_digits() -> None:
    signal = hourly(np.random.default_rng(2).uniform(0.0, 500.0, 50 * 8760), ORIGIN_S)
    for t0_s, length_s in ((ORIGIN_S + 1.5e9, 1.0), (ORIGIN_S + 1.5e9 + 3599.0, 2.0), (ORIGIN_S + 1.4e9, 9000.0)):
        one = float(exact(signal.slice(t0_s, t0_s + length_s), t0_s, t0_s + length_s))
        assert signal.integral(t0_s, t0_s + length_s) == pytest.approx(one, rel=1e-14)


@st.composite
def signals(draw: st.DrawFn) -> Signal:
    steps = draw(st.lists(st.sampled_from([1.0, 900.0, 1800.0, 3600.0]), min_size=1, max_size=12))
    values = [draw(st.floats(-1e3, 1e3, allow_subnormal=False)) for _ in steps]
    starts = ORIGIN_S + np.concatenate(([0.0], np.cumsum(steps)))
    return Signal(starts[:-1], float(starts[-1]), np.array(values), "price", "EUR/MWh")


@given(signals(), st.lists(st.floats(0.0, 1.0), min_size=3, max_size=3))
@settings(deadline=None, max_examples=150)
def test_integrals_add_up(signal: Signal, shares: list[float]) -> None:
    first, last = float(signal.start_s[0]), signal.end_s
    t0, t1, t2 = sorted(min(first + share * (last - first), last) for share in shares)
    whole, parts = signal.integral(t0, t2), signal.integral(t0, t1) + signal.integral(t1, t2)
    size = float(np.abs(signal.value).max()) * (last - first)
    assert parts == pytest.approx(whole, rel=1e-12, abs=1e-12 * size)
    assert whole == pytest.approx(float(exact(signal, t0, t2)), rel=1e-12, abs=1e-13 * size)


@given(signals(), st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=50)
def test_many_intervals_are_the_single_ones(signal: Signal, seed: int) -> None:
    times = np.random.default_rng(seed).uniform(signal.start_s[0], signal.end_s, (100, 2))
    times.sort(axis=1)
    many = signal.integral(times[:, 0], times[:, 1])
    np.testing.assert_array_equal(many, [signal.integral(t0, t1) for t0, t1 in times.tolist()])


BAD = {
    "unsorted": ({"start_s": [0.0, 7200.0, 3600.0]}, r"row 3 .*begins not after row 2 .*in order, without overlap"),
    "double": ({"start_s": [0.0, 3600.0, 3600.0]}, "row 3 .*without overlap"),
    "end before the last start": ({"end_s": 7200.0}, "the last value ends not after row 3"),
    "end unknown": ({"end_s": float("nan")}, "row 4 .*Unix seconds"),
    "milliseconds": ({"start_s": [0.0, 1.6e12, 1.7e12]}, "row 2 .*not milliseconds"),
    "missing": ({"value": [1.0, float("nan"), 2.0]}, r"row 2 \(1970-01-01T01:00:00Z\): nan.*named rule"),
    "infinite": ({"value": [1.0, 2.0, float("inf")]}, "row 3 .*finite"),
    "huge": ({"value": [1.0, 2.0, 1e12]}, "row 3 .*look at the unit"),
    "text": ({"value": ["a", "b", "c"]}, "could not convert"),
    "beyond floats": ({"value": [1, 2, 10**400]}, "too large"),
    "end as text": ({"end_s": "noon"}, "end_s .*could not convert"),
    "nothing": ({"value": []}, "at least one number"),
    "two-dimensional": ({"value": [[1.0], [2.0], [3.0]]}, r"shape \(3, 1\)"),
    "lengths": ({"value": [1.0, 2.0]}, "3 starts and 2 values"),
    "quantity": ({"quantity": "water"}, "quantity 'water' .*carbon, price, pue, temperature"),
    "unit of carbon": ({"quantity": "carbon"}, "unit 'EUR/MWh' of carbon .*g/kWh"),
    "unit of price": ({"unit": "EUR/kWh"}, "unit 'EUR/kWh' of price .*currency code"),
    "kind": ({"kind": "mean"}, "kind 'mean' .*average or marginal"),
    "scope": ({"scope": "LCA"}, "scope 'LCA' .*direct or life-cycle"),
    "time zone": ({"time_zone": "Berlin"}, "time zone 'Berlin' .*Europe/London"),
    "time zone as a path": ({"time_zone": "../UTC"}, "no IANA name"),
    "PUE below 1": ({"quantity": "pue", "unit": "1", "value": [1.0, 1.2, 0.9]}, "row 3 .*0.9: a PUE is at least 1"),
    "negative intensity": (
        {"quantity": "carbon", "unit": "g/kWh", "value": [1.0, -2.0, 0.0]},
        "row 2 .*never negative",
    ),
    "too cold": ({"quantity": "temperature", "unit": "degC", "value": [1.0, -300.0, 0.0]}, "colder than -273.15"),
}


@pytest.mark.parametrize(("change", "message"), BAD.values(), ids=BAD.keys())
def test_bad_input_names_row_and_rule(change: dict[str, Any], message: str) -> None:
    good: dict[str, Any] = {
        "start_s": [0.0, 3600.0, 7200.0],
        "end_s": 10800.0,
        "value": [1.0, 2.0, 3.0],
        "quantity": "price",
        "unit": "EUR/MWh",
    }
    Signal(**good)
    with pytest.raises(SignalError, match=message):
        Signal(**{**good, **change})


def test_a_marginal_intensity_may_be_negative() -> None:
    signal = hourly([-5.0], quantity="carbon", unit="g/kWh", kind="marginal")
    assert signal.at(0.0) == -5.0
    assert (
        repr(signal) == "<Signal carbon marginal in g/kWh, 1 values, from 1970-01-01T00:00:00Z to 1970-01-01T01:00:00Z>"
    )
