"""What a forecast knows and does not know, how it errs, and the table for compiled policies."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.errors import SignalError
from wattq.platforms.signals import FORECAST_MODELS, Forecaster, Signal, forecast_table
from wattq.platforms.signals.forecast import UPPER_BOUND, parse_model
from wattq.platforms.signals.forecast_error import CORRELATION_S, ErrorPath, error_scale
from wattq.units import DAY_S, HOUR_S

T0 = 1_609_459_200.0  # 2021-01-01T00:00:00Z


def hourly(values: Any, start_s: float = T0, quantity: str = "price", unit: str = "EUR/MWh") -> Signal:
    numbers = np.asarray(values, dtype=np.float64)
    starts = start_s + np.arange(numbers.size) * HOUR_S
    return Signal(starts, start_s + numbers.size * HOUR_S, numbers, quantity, unit)


def ragged(seed: int, days: int = 12) -> Signal:
    """Half-hours, hours and quarters in any order, over whole days and a bit."""
    rng = np.random.default_rng(seed)
    edges = T0 + np.concatenate(([0.0], np.cumsum(rng.choice([900.0, 1800.0, 3600.0], days * 40))))
    return Signal(edges[:-1], float(edges[-1]), rng.normal(50.0, 40.0, edges.size - 1), "price", "EUR/MWh")


def same(one: Signal, other: Signal) -> None:
    np.testing.assert_array_equal(one.edges_s, other.edges_s)
    np.testing.assert_array_equal(one.value, other.value)


# What is knowable


def test_perfect_is_the_future_and_says_that_it_is_an_upper_bound() -> None:
    signal = ragged(1)
    forecaster = Forecaster(signal, "perfect")
    forecast = forecaster.forecast(T0 + 5000.0, DAY_S)
    same(forecast, signal.slice(T0 + 5000.0, T0 + 5000.0 + DAY_S))
    assert forecaster.upper_bound
    assert forecast.notes == (UPPER_BOUND,)
    table = forecast_table(forecaster, T0, T0 + DAY_S)
    assert table.upper_bound
    assert UPPER_BOUND in table.notes
    for model in ("persistence", "noisy:26"):
        assert not Forecaster(signal, model).upper_bound
        assert UPPER_BOUND not in Forecaster(signal, model).forecast(T0 + 2 * DAY_S, DAY_S).notes


def test_persistence_repeats_the_last_24_hours() -> None:
    signal = hourly(np.arange(72.0))
    forecast = Forecaster(signal, "persistence").forecast(T0 + 30.5 * HOUR_S, 60 * HOUR_S)
    # Hour 30 holds now and is known to its end; then hours 7 to 30 again and again.
    known = [30.0] + [7.0 + n % 24 for n in range(60)]
    assert forecast.value.tolist() == known
    assert forecast.start_s[:3].tolist() == [T0 + 30.5 * HOUR_S, T0 + 31 * HOUR_S, T0 + 32 * HOUR_S]
    assert forecast.end_s == T0 + 90.5 * HOUR_S
    assert forecast.at(T0 + 54.5 * HOUR_S) == 30.0
    assert forecast.notes == ()


def test_persistence_of_several_days_is_their_mean() -> None:
    signal = hourly(np.arange(96.0))
    forecast = Forecaster(signal, "persistence:3").forecast(T0 + 80 * HOUR_S, 3 * HOUR_S)
    assert forecast.value.tolist() == [80.0, (57 + 33 + 9) / 3, (58 + 34 + 10) / 3]


def test_persistence_without_history_holds_the_value_and_says_so() -> None:
    forecaster = Forecaster(hourly([5.0, 7.0, 9.0]), "persistence")
    forecast = forecaster.forecast(T0 + HOUR_S, DAY_S)
    assert forecast.at(T0 + 2 * HOUR_S) == 7.0
    assert forecast.at(T0 + 24.5 * HOUR_S) == 5.0
    assert forecast.notes == ("the series begins 2021-01-01T00:00:00Z: days before it are left out of persistence",)
    seven = Forecaster(hourly(np.arange(48.0)), "persistence:7").forecast(T0 + 47 * HOUR_S, 2 * HOUR_S)
    assert seven.value.tolist() == [47.0, (24 + 0) / 2]
    assert len(seven.notes) == 1


def test_a_forecast_within_the_value_that_holds_is_that_value() -> None:
    for model in ("perfect", "persistence", "noisy:26"):
        forecast = Forecaster(hourly([5.0, 7.0]), model).forecast(T0 + 600.0, 60.0)
        assert (forecast.value.tolist(), forecast.end_s) == ([5.0], T0 + 660.0)


def changed_after(signal: Signal, now_s: float, seed: int) -> Signal:
    """The same up to the end of the value that holds at now; then other values at other times."""
    known = int(np.searchsorted(signal.start_s, now_s, side="right"))
    rng = np.random.default_rng(seed)
    edges = signal.edges_s[known] + np.concatenate(([0.0], np.cumsum(rng.choice([900.0, 3600.0], 400))))
    starts = np.concatenate((signal.start_s[:known], edges[:-1]))
    values = np.concatenate((signal.value[:known], rng.normal(0.0, 1e3, 400)))
    return replace(signal, start_s=starts, value=values, end_s=float(edges[-1]))


@given(st.integers(0, 50), st.floats(0.0, 10.0), st.sampled_from(["persistence", "persistence:2", "persistence:7"]))
@settings(deadline=None, max_examples=60)
def test_persistence_does_not_depend_on_the_future(seed: int, day: float, model: str) -> None:
    signal, now_s = ragged(seed), T0 + day * DAY_S
    other = changed_after(signal, now_s, seed)
    same(Forecaster(signal, model).forecast(now_s, 2 * DAY_S), Forecaster(other, model).forecast(now_s, 2 * DAY_S))


@given(st.integers(0, 50), st.integers(1, 200), st.floats(-30.0, 30.0))
@settings(deadline=None, max_examples=60)
def test_the_error_of_noisy_has_nothing_of_the_signal(seed: int, hour: int, shift: float) -> None:
    """A changed future moves the forecast by just that change: the error is added, and drawn from dates alone."""
    values = np.random.default_rng(seed).normal(50.0, 40.0, 300)
    later = np.where(np.arange(300) > hour, shift, 0.0)
    now_s = T0 + hour * HOUR_S + 600.0
    one = Forecaster(hourly(values), "noisy:26", seed).forecast(now_s, 2 * DAY_S)
    other = Forecaster(hourly(values + later), "noisy:26", seed).forecast(now_s, 2 * DAY_S)
    assert one.value[0] == other.value[0] == values[hour]
    np.testing.assert_allclose(other.value[1:] - one.value[1:], shift, rtol=0, atol=1e-9)


@pytest.mark.parametrize("model", ["perfect", "noisy:26"])
def test_beyond_the_end_of_the_series_comes_persistence(model: str) -> None:
    signal = hourly(np.arange(72.0))
    now_s = T0 + 60 * HOUR_S
    forecast = Forecaster(signal, model, 4).forecast(now_s, 2 * DAY_S)
    assert forecast.end_s == now_s + 2 * DAY_S
    plain = Forecaster(signal, "persistence").forecast(now_s, 2 * DAY_S)
    same(forecast.slice(signal.end_s, forecast.end_s), plain.slice(signal.end_s, plain.end_s))
    assert forecast.notes[-1] == "the series ends 2021-01-04T00:00:00Z: forecasts beyond repeat the last 24 h known"


# How noisy errs


def errors_at_midnight(days: int, seed: int) -> np.ndarray[Any, Any]:
    """The errors of `days` forecasts issued at midnight, by lead in hours; a level of 10,000 is never cut."""
    signal = hourly(np.full(days * 24 + 48, 1e4), quantity="carbon", unit="g/kWh")
    table = forecast_table(Forecaster(signal, "noisy:26", seed), T0, T0 + days * DAY_S, issue_step_s=DAY_S)
    return table.values - 1e4


@pytest.fixture(scope="module")
def errors() -> np.ndarray[Any, Any]:
    return errors_at_midnight(8000, 1)


def test_noisy_errs_by_what_was_asked_for(errors: np.ndarray[Any, Any]) -> None:
    assert np.abs(errors[:, :24]).mean() == pytest.approx(26.0, rel=0.03)
    assert abs(errors.mean()) < 1.0


def test_noisy_spreads_over_days_as_the_record_of_gb_does(errors: np.ndarray[Any, Any]) -> None:
    """The record has 76 days from 11 to 55, 5th and 95th percentiles 14.8 and 48.3, deviation of the logarithm 0.37."""
    of_day = np.abs(errors[:, :24]).mean(axis=1)
    assert np.log(of_day).std() == pytest.approx(0.37, abs=0.02)
    np.testing.assert_allclose(np.percentile(of_day, [5, 95]), [14.8, 48.3], rtol=0.1)
    blocks = of_day[: 76 * 105].reshape(105, 76)
    assert blocks.min(axis=1).mean() == pytest.approx(10.9, abs=0.5)
    assert blocks.max(axis=1).mean() == pytest.approx(55.1, abs=5.0)


def test_noisy_counted_as_the_record_counts_is_pessimistic() -> None:
    """The record counts, for each day, every half-hour of it in every forecast of the 48 h before."""
    hours = 1500 * 24
    path = ErrorPath(T0, T0 + hours * HOUR_S, 3)
    times = T0 + np.arange(48, hours) * HOUR_S
    x_later = path.error(T0 - 1e3 * DAY_S, times)  # so long before that it is X itself
    x_all = path.error(T0 - 1e3 * DAY_S, T0 + np.arange(hours) * HOUR_S)
    total = np.zeros(times.size)
    for lead in range(48):
        kept = math.exp(-lead * HOUR_S / CORRELATION_S)
        total += np.abs(x_later - kept * x_all[48 - lead : hours - lead]) * error_scale(26.0)
    of_day = (total / 48).reshape(-1, 24).mean(axis=1)
    assert np.log(of_day).std() == pytest.approx(0.34, abs=0.02)
    np.testing.assert_allclose(np.percentile(of_day, [5, 95]), [15.3, 46.5], rtol=0.06)
    assert of_day.mean() == pytest.approx(28.0, rel=0.03)


def test_noisy_grows_with_the_lead_by_its_formula(errors: np.ndarray[Any, Any]) -> None:
    assert (errors[:, 0] == 0.0).all()
    leads_s = np.arange(48) * HOUR_S
    stated = error_scale(26.0) * np.sqrt(1.0 - np.exp(-2.0 * leads_s / CORRELATION_S))
    np.testing.assert_allclose(errors.std(axis=0), stated, rtol=0.04)


def test_noisy_errs_alike_at_neighbouring_leads(errors: np.ndarray[Any, Any]) -> None:
    for lead in (6, 24):
        expected = math.exp(-HOUR_S / CORRELATION_S)
        assert np.corrcoef(errors[:, lead], errors[:, lead + 1])[0, 1] == pytest.approx(expected, abs=0.03)
    assert abs(np.corrcoef(errors[:, 1], errors[:, 47])[0, 1]) < 0.1


def test_a_later_issue_keeps_part_of_the_same_error() -> None:
    signal = hourly(np.full(24 * 2000, 1e4), quantity="carbon", unit="g/kWh")
    table = forecast_table(Forecaster(signal, "noisy:26", 2), T0, T0 + 1900 * DAY_S)
    early, late = table.values[:-1:4, 24] - 1e4, table.values[1::4, 18] - 1e4
    assert np.corrcoef(early, late)[0, 1] > 0.8
    assert np.abs(late).mean() < np.abs(early).mean()


def test_noisy_is_settled_by_the_seed_and_the_dates() -> None:
    signal = ragged(5, days=30)
    now_s = T0 + 9.3 * DAY_S
    one = Forecaster(signal, "noisy:26", 7)
    one.forecast(T0, DAY_S)
    first = one.forecast(now_s, DAY_S)
    same(first, Forecaster(signal, "noisy:26", 7).forecast(now_s, DAY_S))
    # A slice of the series begins elsewhere; the errors of a date stay the same.
    part = signal.slice(T0 + 8 * DAY_S, T0 + 12 * DAY_S)
    np.testing.assert_allclose(Forecaster(part, "noisy:26", 7).forecast(now_s, DAY_S).value, first.value, rtol=1e-12)
    assert not np.array_equal(Forecaster(signal, "noisy:26", 8).forecast(now_s, DAY_S).value, first.value)


def test_noise_of_no_size_is_perfect() -> None:
    signal = ragged(5)
    same(Forecaster(signal, "noisy:0").forecast(T0, DAY_S), Forecaster(signal).forecast(T0, DAY_S))


@pytest.mark.parametrize(
    ("quantity", "unit", "level", "floor"), [("carbon", "g/kWh", 3.0, 0.0), ("pue", "1", 1.1, 1.0)]
)
def test_noisy_keeps_within_physics(quantity: str, unit: str, level: float, floor: float) -> None:
    signal = hourly(np.full(200, level), quantity=quantity, unit=unit)
    values = Forecaster(signal, "noisy:50", 1).forecast(T0, 8 * DAY_S).value
    assert values.min() == floor
    assert values.max() > level


def test_quantities_of_one_seed_err_independently() -> None:
    level = np.full(2000, 1e3)
    one = Forecaster(hourly(level), "noisy:26", 1).forecast(T0, 80 * DAY_S).value
    other = Forecaster(hourly(level, quantity="carbon", unit="g/kWh"), "noisy:26", 1).forecast(T0, 80 * DAY_S).value
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.3


def test_a_million_hours_are_the_most() -> None:
    signal = Signal(np.array([0.0]), 1.1e6 * HOUR_S, np.array([1.0]), "price", "EUR/MWh")
    with pytest.raises(SignalError, match="slice the signal"):
        Forecaster(signal, "noisy:26")


# The words


def test_models_are_read() -> None:
    assert parse_model("perfect") == ("perfect", 0.0)
    assert parse_model("persistence") == ("persistence", 1.0)
    assert parse_model("persistence:7") == ("persistence", 7.0)
    assert parse_model(" noisy:2.5 ") == ("noisy", 2.5)
    assert {name.partition(":")[0] for name in FORECAST_MODELS} == {"perfect", "persistence", "noisy"}


@pytest.mark.parametrize(
    "text",
    [
        *("", "noisy", "noisy:", "noisy:-1", "noisy:nan", "noisy:x", "noisy:1e300", "oracle", "perfect:1"),
        *("persistence:", "persistence:0", "persistence:1.5", "persistence:367"),
    ],
)
def test_unknown_models_are_refused(text: str) -> None:
    with pytest.raises(SignalError, match="noisy:26"):
        Forecaster(hourly([1.0]), text)


def test_bad_dates_and_seeds_are_refused() -> None:
    signal = hourly(np.arange(48.0))
    with pytest.raises(SignalError, match="negative"):
        Forecaster(signal, "noisy:26", -1)
    for now_s in (T0 - 1.0, signal.end_s, math.nan):
        with pytest.raises(SignalError, match="does not cover"):
            Forecaster(signal).forecast(now_s, DAY_S)
    for horizon_s in (0.0, -1.0, math.nan, 400 * DAY_S):
        with pytest.raises(SignalError, match="horizon"):
            Forecaster(signal).forecast(T0, horizon_s)


# The table


@given(st.integers(0, 50), st.sampled_from(["perfect", "persistence", "persistence:3", "noisy:20"]))
@settings(deadline=None, max_examples=25)
def test_a_cell_is_the_mean_of_its_forecast(seed: int, model: str) -> None:
    forecaster = Forecaster(ragged(seed, days=6), model, seed)
    first, last = T0 + 1234.0, T0 + 4 * DAY_S
    table = forecast_table(forecaster, first, last, issue_step_s=20000.0, lead_step_s=2700.0, horizon_s=DAY_S)
    assert table.values.shape == (math.ceil((last - first) / 20000.0), 32)
    for row in (0, 5, table.values.shape[0] - 1):
        issue_s = first + row * 20000.0
        starts = issue_s + np.arange(32) * 2700.0
        forecast = forecaster.forecast(issue_s, 32 * 2700.0)
        np.testing.assert_allclose(table.values[row], forecast.mean(starts, starts + 2700.0), rtol=1e-9, atol=1e-9)


def test_cells_by_hand() -> None:
    signal = hourly(np.arange(100.0))
    table = forecast_table(Forecaster(signal), T0, T0 + 12 * HOUR_S, horizon_s=4 * HOUR_S)
    assert table.values.tolist() == [[0.0, 1.0, 2.0, 3.0], [6.0, 7.0, 8.0, 9.0]]
    assert (table.issue_s0, table.issue_step_s, table.lead_step_s, table.horizon_s) == (T0, 21600.0, 3600.0, 14400.0)
    assert (table.unit, table.model, table.seed) == ("EUR/MWh", "perfect", 0)
    assert (table.row(T0), table.row(T0 + 21599.0), table.row(T0 + 21600.0)) == (0, 0, 1)
    assert table.at(T0 + 7 * HOUR_S, T0 + 8.5 * HOUR_S) == 8.0
    for now_s, t_s in (
        (T0 - 1.0, T0),
        (T0 + 12 * HOUR_S, T0 + 12 * HOUR_S),
        (T0, T0 + 4 * HOUR_S),
        (T0 + 6 * HOUR_S, T0),
    ):
        with pytest.raises(SignalError):
            table.at(now_s, t_s)
    with pytest.raises(ValueError, match="read-only"):
        table.values[0, 0] = 1.0


def test_a_table_that_cannot_be_is_refused() -> None:
    forecaster = Forecaster(hourly(np.arange(48.0)))
    with pytest.raises(SignalError, match="does not cover"):
        forecast_table(forecaster, T0, T0 + 3 * DAY_S)
    with pytest.raises(SignalError, match="does not cover"):
        forecast_table(forecaster, T0 + DAY_S, T0 + DAY_S)
    for steps in ({"issue_step_s": 0.0}, {"lead_step_s": -1.0}, {"issue_step_s": math.nan}, {"horizon_s": 0.0}):
        with pytest.raises(SignalError):
            forecast_table(forecaster, T0, T0 + DAY_S, **steps)
    with pytest.raises(SignalError, match="20000000"):
        forecast_table(forecaster, T0, T0 + DAY_S, issue_step_s=0.01)
