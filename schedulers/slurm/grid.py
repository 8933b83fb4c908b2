"""What is known now of the grid: carbon intensity and price from the present hour on, as forecast at this moment."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from wattq.errors import SignalError
from wattq.platforms.signals import Forecaster, Signal, read_signal, write_signal
from wattq.platforms.signals.rules import utc_text

__all__ = ["HOUR_S", "PUBLISHED", "Grid", "constant", "known_now", "read_grid", "read_published"]

HOUR_S = 3600.0
PUBLISHED = "published"
"""Forecast model: what the file says of times to come was published; beyond its end, its last 24 hours again."""
_LONGEST_S = 360 * 86400.0


@dataclass(frozen=True)
class Grid:
    """Carbon intensity and price from the hour of a date on, as known at that date.

    Attributes:
        carbon: g/kWh.
        price: currency per MWh.
        pue: facility over machine power.
        notes: what reports must say of them.
        given: which of ``carbon`` and ``price`` come from files; the others are constant.
    """

    carbon: Signal
    price: Signal
    pue: float
    notes: tuple[str, ...]
    given: tuple[str, ...]

    def write(self, folder: Path) -> dict[str, Path]:
        """Write those that come from files into a folder, for policies that take the path of a signal.

        Returns:
            ``carbon`` and ``price`` -> path of a CSV.
        """
        return {name: write_signal(getattr(self, name), folder / f"{name}.csv") for name in self.given}


def read_grid(
    carbon: str,
    price: str,
    *,
    now_s: float,
    horizon_s: float,
    model: str = PUBLISHED,
    seed: int = 0,
    pue: float = 1.0,
    carbon_kg_per_kwh: float = 0.5,
    price_per_kwh: float = 0.12,
    currency: str = "USD",
) -> Grid:
    """Return what is known of the grid now.

    Args:
        carbon: file of carbon intensities, or empty for a constant one.
        price: file of prices, likewise.
        now_s: date, Unix s.
        horizon_s: how far from now it is asked for, s.
        model: ``published``, or one of `wattq.platforms.signals.FORECAST_MODELS`.
        seed: of a noisy forecast.
        pue: facility over machine power.
        carbon_kg_per_kwh: the constant intensity, kg/kWh.
        price_per_kwh: the constant price, currency/kWh.
        currency: its currency.

    Raises:
        SignalError: a file cannot be read, holds something else, or does not cover now.
        MissingFileError: a file is not there.
    """
    notes: list[str] = []
    found: dict[str, Signal] = {}
    flat = {
        "carbon": (1000.0 * carbon_kg_per_kwh, "carbon", "g/kWh"),
        "price": (1000.0 * price_per_kwh, "price", f"{currency}/MWh"),
    }
    for name, path in (("carbon", carbon), ("price", price)):
        if path:
            found[name], said = known_now(read_published(path, name), now_s, horizon_s, model, seed)
            notes += [f"{name}, {Path(path).name}: {note}" for note in said]
        else:
            found[name] = constant(*flat[name], now_s, horizon_s)
            notes.append(f"{name}: no file is given, {flat[name][0]:g} {flat[name][2]} all the time")
    given = tuple(name for name, path in (("carbon", carbon), ("price", price)) if path)
    return Grid(found["carbon"], found["price"], pue, tuple(notes), given)


def read_published(path: str, quantity: str) -> Signal:
    """Return what a file says of the past, and, where it has forecasts beyond its last actual value, those.

    Raises:
        SignalError: the file holds neither.
        MissingFileError: it is not there.
    """
    try:
        actual = read_signal(path, quantity=quantity)
    except SignalError:
        return read_signal(path, quantity=quantity, values="forecast")
    try:
        issued = read_signal(path, quantity=quantity, values="forecast")
    except SignalError:
        return actual
    end_s = actual.end_s
    if not issued.covers(end_s, end_s + 1e-3):
        return actual
    later = issued.slice(end_s, issued.end_s)
    return replace(
        actual,
        start_s=np.concatenate((actual.start_s, later.start_s)),
        value=np.concatenate((actual.value, later.value)),
        end_s=later.end_s,
        notes=(*actual.notes, f"from {utc_text(end_s)} on its forecasts"),
    )


def known_now(
    signal: Signal, now_s: float, horizon_s: float, model: str = PUBLISHED, seed: int = 0, step_s: float = HOUR_S
) -> tuple[Signal, tuple[str, ...]]:
    """Return the forecast of a signal issued now, from the begin of the step before on, and what to say of it.

    Raises:
        SignalError: the signal does not cover now, or there is no such model.
    """
    if not signal.covers(now_s, now_s + 1e-3):
        raise SignalError(
            f"{signal!r}: does not cover the present ({utc_text(now_s)}); fetch it anew, for instance with `wattq "
            "telemetry carbon` or `price`"
        )
    forecaster = Forecaster(signal, "perfect" if model == PUBLISHED else model, seed)
    horizon_s = min(max(horizon_s, HOUR_S), _LONGEST_S)
    issued = forecaster.forecast(now_s, horizon_s)
    # Whole steps, so that hours of the clock are hours of the forecast; what is over stays as it is now. One more, for
    # simulations begin a second before now.
    starts = issued.start_s.copy()
    starts[0] = (math.floor(now_s / step_s) - 1) * step_s
    notes = forecaster.notes(now_s, horizon_s)
    if model == PUBLISHED:
        ends = signal.end_s
        notes = (
            () if ends >= now_s + horizon_s else (f"it ends {utc_text(ends)}; its last 24 h are repeated from there",)
        )
    return replace(issued, start_s=starts), notes


def constant(value: float, quantity: str, unit: str, now_s: float, horizon_s: float) -> Signal:
    """Return a signal that never changes, from the hour before on."""
    start_s = (math.floor(now_s / HOUR_S) - 1) * HOUR_S
    end_s = now_s + min(max(horizon_s, HOUR_S), _LONGEST_S)
    return Signal(
        start_s=np.array([start_s]), end_s=end_s, value=np.array([value]), quantity=quantity, unit=unit,
        source="constant",
    )  # fmt: skip
