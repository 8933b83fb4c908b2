"""Synthetic prices equal their closed forms and say that they are made up."""

from __future__ import annotations

import math

import numpy as np
import pytest

from wattq.errors import SignalError
from wattq.platforms.signals import SYNTHETIC, daily_sinusoid, noisy_two_level, synthetic_signal, two_level
from wattq.units import DAY_S, HOUR_S

MIDNIGHT = 1_609_459_200.0  # 2021-01-01T00:00:00Z


def test_the_sinusoid_is_its_formula_at_the_hours_0_to_24() -> None:
    signal = daily_sinusoid(MIDNIGHT, 2)
    for hour in range(25):
        stated = 20.0 * (1.0 + 0.2 * math.sin(2.0 * math.pi * (hour % 24) / 24.0))
        assert signal.at(MIDNIGHT + hour * HOUR_S) == pytest.approx(stated, rel=1e-15)
    assert [signal.at(MIDNIGHT + hour * HOUR_S) for hour in (0, 6, 24)] == [20.0, 24.0, 20.0]
    assert signal.at(MIDNIGHT + 18 * HOUR_S) == pytest.approx(16.0, rel=1e-15)
    assert signal.mean(MIDNIGHT, MIDNIGHT + DAY_S) == pytest.approx(20.0, rel=1e-14)


def test_two_levels_at_the_hours_0_to_24() -> None:
    signal = two_level(MIDNIGHT, 2)
    values = [signal.at(MIDNIGHT + hour * HOUR_S) for hour in range(25)]
    assert values == [250.0] * 12 + [10.0] * 12 + [250.0]
    assert signal.mean(MIDNIGHT, MIDNIGHT + 2 * DAY_S) == 130.0


def test_noise_is_fixed_by_the_seed() -> None:
    one, again, other = (noisy_two_level(MIDNIGHT, 30, seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one.value, again.value)
    assert not np.array_equal(one.value, other.value)
    plain = two_level(MIDNIGHT, 30)
    noise = one.value / plain.value - 1.0
    np.testing.assert_allclose(one.value, plain.value * (1.0 + noise), rtol=1e-15)
    assert noise.std() == pytest.approx(0.1, rel=0.1)
    np.testing.assert_array_equal(noisy_two_level(MIDNIGHT, 30, seed=3, noise=0.0).value, plain.value)


@pytest.mark.parametrize("name", SYNTHETIC)
def test_made_up_signals_say_so(name: str) -> None:
    signal = synthetic_signal(name, MIDNIGHT, 1)
    assert signal.synthetic
    assert signal.source.startswith("synthetic: ")
    assert (signal.quantity, signal.unit, signal.value.size, signal.end_s) == ("price", "EUR/MWh", 24, MIDNIGHT + DAY_S)


def test_the_hour_is_that_of_the_day_wherever_the_series_begins() -> None:
    signal = two_level(MIDNIGHT + 11.5 * HOUR_S, 0.5, step_s=1800.0, first=3.0, second=1.0, first_hours=13.0)
    assert signal.value.tolist() == [3.0] * 3 + [1.0] * 21
    intensity = daily_sinusoid(MIDNIGHT, 1, base=200.0, unit="g/kWh", quantity="carbon", region="GB")
    assert (intensity.unit, intensity.region, intensity.at(MIDNIGHT)) == ("g/kWh", "GB", 200.0)


@pytest.mark.parametrize(
    ("days", "step_s"), [(0, 3600.0), (math.nan, 3600.0), (1e9, 3600.0), (1, 0.0), (1, 1e9), (36_600, 1.0)]
)
def test_lengths_and_steps_that_cannot_be(days: float, step_s: float) -> None:
    with pytest.raises(SignalError, match="of a synthetic signal"):
        daily_sinusoid(MIDNIGHT, days, step_s=step_s)


def test_unknown_names_and_seeds() -> None:
    with pytest.raises(SignalError, match="sinusoid, two-level, noisy-two-level"):
        synthetic_signal("sawtooth", MIDNIGHT, 1)
    with pytest.raises(SignalError, match="negative"):
        noisy_two_level(MIDNIGHT, 1, seed=-1)
    with pytest.raises(SignalError, match="never negative"):
        daily_sinusoid(MIDNIGHT, 1, swing=2.0, unit="g/kWh", quantity="carbon")
