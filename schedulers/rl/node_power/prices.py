"""Hourly prices of the node-power task, and what could be known of them in advance."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from wattq.errors import LearningError
from wattq.platforms.signals import (
    SYNTHETIC,
    Forecaster,
    Signal,
    forecast_table,
    read_signal,
    regular_signal,
    synthetic_signal,
)
from wattq.platforms.signals.forecast import parse_model
from wattq.schedulers.rl.node_power.config import FORECAST_H
from wattq.units import HOUR_S

__all__ = ["DAY_AHEAD", "Prices", "named_prices", "prices_of"]

DAY_AHEAD = "day-ahead"
"""The default forecast: prices of a day are published by noon of the day before."""
_ALIASES = {"sinus": "sinusoid", "logic": "two-level", "noisy-logic": "noisy-two-level"}
_START_S = 1672531200.0

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Prices:
    """Prices hour by hour; after the last hour the first one follows again.

    Attributes:
        value: float64[n], in `unit`; never shifted, hours below 0 pay for energy.
        forecast: float64[n, 24]: row h is what is known or expected at the start of hour h of the hours h, h + 1, ...
        clock: int64[n], hour of the week (0 is Monday, 0:00) on the clock of the site at the start of each hour.
        low: 1st percentile, the lower bound of normalised prices.
        high: 99th percentile.
        unit: such as ``EUR/MWh``, or ``g/kWh`` where carbon takes the place of the price: then costs are in kg.
        start_s: Unix second at which hour 0 begins.
        source: in words.
        synthetic: whether they were made up by a formula.
        model: the forecast: ``day-ahead``, or one of `wattq.platforms.signals.FORECAST_MODELS`.
    """

    value: Floats = field(repr=False)
    forecast: Floats = field(repr=False)
    clock: NDArray[np.int64] = field(repr=False)
    low: float
    high: float
    unit: str
    start_s: float
    source: str
    synthetic: bool
    model: str

    @property
    def n_hours(self) -> int:
        """Number of hours."""
        return self.value.size

    @property
    def cost_unit(self) -> str:
        """Unit of a cost: what price x MWh is in."""
        return "kg" if self.unit == "g/kWh" else self.unit.partition("/")[0]


def prices_of(signal: Signal, *, forecast: str = DAY_AHEAD, publish_hour: int = 12, seed: int = 0) -> Prices:
    """Return the hourly prices of a signal.

    Args:
        signal: a price, or a carbon intensity in its place; other steps than an hour become means of the hour.
        forecast: ``day-ahead``: at `publish_hour` of a day, on the clock of the signal's time zone, all prices of the
            next day are known; beyond what is known, the same hour of the day before stands in. Or a forecast model of
            signals: ``perfect``, ``persistence``, ``noisy:E``.
        publish_hour: hour of the day from which the next day is known, 0 to 24.
        seed: of ``noisy``.

    Raises:
        LearningError: when the signal is neither a price nor a carbon intensity, or covers less than 48 h.
        SignalError: for an unknown forecast model.
    """
    if signal.quantity not in ("price", "carbon"):
        raise LearningError(f"{signal!r}: the node-power task needs a price or a carbon intensity")
    if not 0 <= publish_hour <= 24:
        raise LearningError(f"publish_hour {publish_hour}: it must be an hour of the day, 0 to 24")
    hourly = regular_signal(signal, HOUR_S)
    if hourly.value.size < 2 * FORECAST_H:
        raise LearningError(f"{signal!r}: covers {hourly.value.size} h; prices of two days or more are needed")
    value = np.ascontiguousarray(hourly.value, dtype=np.float64)
    clock, day = _site_clock(hourly)
    if forecast == DAY_AHEAD:
        table = _day_ahead(value, day + (clock % 24 >= publish_hour), day)
    elif parse_model(forecast).name == "perfect":
        table = _ahead(value)
    else:
        span = float(hourly.start_s[0]), hourly.end_s
        table = np.array(
            forecast_table(Forecaster(hourly, forecast, seed), *span, HOUR_S, HOUR_S, FORECAST_H * HOUR_S).values
        )
    low, high = (float(bound) for bound in np.percentile(value, (1.0, 99.0)))
    return Prices(
        value,
        np.ascontiguousarray(table),
        clock,
        low,
        high,
        hourly.unit,
        float(hourly.start_s[0]),
        signal.source,
        signal.synthetic,
        forecast,
    )


def named_prices(
    name: str | Path,
    *,
    days: float = 364.0,
    forecast: str = DAY_AHEAD,
    seed: int = 0,
    region: str | None = None,
    time_zone: str | None = None,
) -> Prices:
    """Return prices by name: ``sinus``, ``logic``, ``noisy-logic`` (all synthetic), or the file of a signal.

    Args:
        name: of the prices, or path.
        days: of synthetic prices, from 1 January 2023 on (UTC).
        forecast: see `prices_of`.
        seed: of ``noisy-logic``, and of the forecast ``noisy``.
        region: which series of a file of several.
        time_zone: of a file whose dates have no offset.

    Raises:
        LearningError: as `prices_of`.
        MissingFileError: when there is no such file.
        SignalError: when the file cannot be read as a signal.
    """
    key = _ALIASES.get(str(name), str(name))
    if key in SYNTHETIC:
        return prices_of(synthetic_signal(key, _START_S, days, seed=seed), forecast=forecast, seed=seed)
    signal = read_signal(Path(name), region=region, time_zone=time_zone)
    return prices_of(signal, forecast=forecast, seed=seed)


def _site_clock(signal: Signal) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the hour of the week and the number of the day of each hour, on the clock of the site."""
    zone = ZoneInfo(signal.time_zone)
    dates = [datetime.fromtimestamp(second, UTC).astimezone(zone) for second in signal.start_s.tolist()]
    clock = np.array([24 * date.weekday() + date.hour for date in dates], dtype=np.int64)
    return clock, np.array([date.toordinal() for date in dates], dtype=np.int64)


def _ahead(value: Floats) -> Floats:
    """Return the hours that follow each hour, itself first."""
    return value[(np.arange(value.size)[:, None] + np.arange(FORECAST_H)) % value.size]


def _day_ahead(value: Floats, published: NDArray[np.int64], day: NDArray[np.int64]) -> Floats:
    """Return what is published of the next hours, up to the end of a day; beyond that, the same hour a day before."""
    hours, leads = np.arange(value.size)[:, None], np.arange(FORECAST_H)
    known = np.searchsorted(day, published, side="right")[:, None]
    # Nothing was published before the series begins: its first day must not borrow from its last one.
    before = np.where(hours + leads < 24, value[0], value[(hours + leads - 24) % value.size])
    return np.where(hours + leads < known, _ahead(value), before)
