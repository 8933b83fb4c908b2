"""Made-up price signals in closed form, marked as synthetic: a daily sinusoid, two levels, and noisy levels."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from wattq.errors import SignalError
from wattq.platforms.signals.rules import FloatArray
from wattq.platforms.signals.series import Signal
from wattq.units import DAY_S, HOUR_S

__all__ = ["SYNTHETIC", "daily_sinusoid", "noisy_two_level", "synthetic_signal", "two_level"]

SYNTHETIC = {
    "sinusoid": "20 (1 + 0.2 sin(2 pi h/24)) at the hour h of the day",
    "two-level": "250 in the first 12 hours of the day, 10 in the others",
    "noisy-two-level": "the two levels, each hour times 1 + 0.1 z with z standard normal by seed",
}
"""Synthetic prices, one line about each."""
_LONGEST_DAYS = 36_600


def daily_sinusoid(
    start_s: float,
    days: float,
    *,
    base: float = 20.0,
    swing: float = 0.2,
    step_s: float = HOUR_S,
    unit: str = "EUR/MWh",
    quantity: str = "price",
    region: str = "",
) -> Signal:
    """Return `base` (1 + `swing` sin(2 pi h/24)), h the hour of the day in UTC at which each step begins.

    Args:
        start_s: Unix second of the first step.
        days: length in days of 24 h.
        base: mean of the day.
        swing: amplitude as a share of the base.
        step_s: seconds for which a value holds.
        unit: of the values.
        quantity: what they are.
        region: name of the place.

    Raises:
        SignalError: for a length or a step that is not positive, more than 36,600 days, or what `Signal` refuses.
    """
    starts = _starts(start_s, days, step_s)
    values = base * (1.0 + swing * np.sin(2.0 * math.pi * _hour(starts) / 24.0))
    source = f"synthetic: {base:g} (1 + {swing:g} sin(2 pi h/24)), h the hour of the day in UTC"
    return _signal(starts, step_s, values, quantity, unit, region, source)


def two_level(
    start_s: float,
    days: float,
    *,
    first: float = 250.0,
    second: float = 10.0,
    first_hours: float = 12.0,
    step_s: float = HOUR_S,
    unit: str = "EUR/MWh",
    quantity: str = "price",
    region: str = "",
) -> Signal:
    """Return `first` in the first `first_hours` of each day (UTC), `second` in the others.

    Args:
        start_s: Unix second of the first step.
        days: length in days of 24 h.
        first: level from midnight on.
        second: level of the rest of the day.
        first_hours: hours of the first level.
        step_s: seconds for which a value holds.
        unit: of the values.
        quantity: what they are.
        region: name of the place.

    Raises:
        SignalError: as `daily_sinusoid`.
    """
    starts = _starts(start_s, days, step_s)
    values = np.where(_hour(starts) < first_hours, first, second)
    source = f"synthetic: {first:g} in the first {first_hours:g} h of the day (UTC), then {second:g}"
    return _signal(starts, step_s, values, quantity, unit, region, source)


def noisy_two_level(
    start_s: float,
    days: float,
    *,
    seed: int,
    noise: float = 0.1,
    first: float = 250.0,
    second: float = 10.0,
    first_hours: float = 12.0,
    step_s: float = HOUR_S,
    unit: str = "EUR/MWh",
    quantity: str = "price",
    region: str = "",
) -> Signal:
    """Return `two_level` with every step times 1 + `noise` z, z standard normal and independent, fixed by the seed.

    Args:
        start_s: Unix second of the first step.
        days: length in days of 24 h.
        seed: an integer from 0.
        noise: standard deviation as a share of the level.
        first: level from midnight on.
        second: level of the rest of the day.
        first_hours: hours of the first level.
        step_s: seconds for which a value holds.
        unit: of the values.
        quantity: what they are.
        region: name of the place.

    Raises:
        SignalError: as `daily_sinusoid`, and for a negative seed.
    """
    if seed < 0:
        raise SignalError(f"seed {seed} of a synthetic signal is negative; give an integer from 0")
    levels = two_level(
        start_s,
        days,
        first=first,
        second=second,
        first_hours=first_hours,
        step_s=step_s,
        unit=unit,
        quantity=quantity,
        region=region,
    )
    normals = np.random.Generator(np.random.PCG64(seed)).standard_normal(levels.value.size)
    source = f"{levels.source}; each step times 1 + {noise:g} z, z standard normal, seed {seed}"
    values = levels.value * (1.0 + noise * normals)
    return _signal(levels.start_s, step_s, values, quantity, unit, region, source)


def synthetic_signal(name: str, start_s: float, days: float, *, seed: int = 0) -> Signal:
    """Return one of `SYNTHETIC` with its standard numbers, as a price in EUR/MWh.

    Raises:
        SignalError: for an unknown name, and as `daily_sinusoid`.
    """
    makers: dict[str, Callable[[], Signal]] = {
        "sinusoid": lambda: daily_sinusoid(start_s, days),
        "two-level": lambda: two_level(start_s, days),
        "noisy-two-level": lambda: noisy_two_level(start_s, days, seed=seed),
    }
    if name not in makers:
        raise SignalError(f"synthetic signal {name!r} is unknown; it is one of {', '.join(makers)}")
    return makers[name]()


def _starts(start_s: float, days: float, step_s: float) -> FloatArray:
    if not 0.0 < days <= _LONGEST_DAYS:
        raise SignalError(f"{days} days of a synthetic signal; give more than 0 and at most {_LONGEST_DAYS}")
    if not (math.isfinite(start_s) and 1.0 <= step_s <= days * DAY_S):
        raise SignalError(f"start {start_s}, step {step_s} s of a synthetic signal; steps are 1 s to the whole length")
    count = math.ceil(days * DAY_S / step_s - 1e-9)
    if count > _LONGEST_DAYS * 96:
        raise SignalError(f"{count} steps of a synthetic signal are too many; take a longer step than {step_s} s")
    return start_s + np.arange(count, dtype=np.float64) * step_s


def _hour(starts: FloatArray) -> FloatArray:
    hour: FloatArray = np.mod(starts, DAY_S) / HOUR_S
    return hour


def _signal(
    starts: FloatArray, step_s: float, values: FloatArray, quantity: str, unit: str, region: str, source: str
) -> Signal:
    end_s = float(starts[-1]) + step_s
    return Signal(starts, end_s, values, quantity, unit, region=region, source=source, synthetic=True)
