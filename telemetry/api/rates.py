"""Price and carbon intensity over the time in which a job runs, from what is knowable before it does."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattq.errors import SignalError
from wattq.platforms.signals import Forecaster, Signal, read_signal
from wattq.settings import Settings
from wattq.units import DAY_S

__all__ = ["Grid", "Rate", "load_grid"]

Floats = NDArray[np.float64]

_BUCKET_S = 60.0
_DAYS = 8
_MOST_DAYS = 366
_KEPT = 16


@dataclass(frozen=True)
class Rate:
    """Means over windows.

    Attributes:
        per_kwh: price in currency, or intensity in kg, per kWh, one for each window.
        source: where it comes from, in words.
        known: whether a signal gave it, not a default.
    """

    per_kwh: Floats
    source: str
    known: bool


class Grid:
    """Prices and carbon intensities of the site.

    A signal is seen through its forecast: what was published when the forecast was issued, and nothing later. Where
    there is no signal, or it does not cover the date, the defaults of the settings hold, and the source says so.

    Args:
        settings: defaults, PUE and model of forecast.
        carbon: carbon intensity.
        price: price.

    Raises:
        SignalError: when there is no such model of forecast.
    """

    def __init__(self, settings: Settings, carbon: Signal | None = None, price: Signal | None = None) -> None:
        grid = settings.signals
        self.pue = grid.pue
        self.currency = price.currency if price is not None else grid.currency
        self._model = settings.api.forecast
        self._carbon = Forecaster(carbon, self._model) if carbon is not None else None
        self._price = Forecaster(price, self._model) if price is not None else None
        self._defaults = {"price": grid.price_per_kwh, "carbon": grid.carbon_kg_per_kwh}
        self._default_currency = grid.currency
        self._kept: OrderedDict[tuple[str, float, int], Signal] = OrderedDict()
        self._lock = threading.Lock()

    def price(self, issued_s: float, start_s: Floats, end_s: Floats) -> Rate:
        """Return mean prices over windows, per kWh, as forecast at a date (Unix s)."""
        default = f"default of {self._defaults['price']:g} {self._default_currency}/kWh"
        return self._rate("price", self._price, default, issued_s, start_s, end_s)

    def carbon(self, issued_s: float, start_s: Floats, end_s: Floats) -> Rate:
        """Return mean carbon intensities over windows, kg/kWh, as forecast at a date (Unix s)."""
        default = f"default of {self._defaults['carbon']:g} kg/kWh"
        return self._rate("carbon", self._carbon, default, issued_s, start_s, end_s)

    def currency_of(self, price: Rate) -> str:
        """Return the currency of a price."""
        return self.currency if price.known else self._default_currency

    @property
    def digests(self) -> list[str]:
        """sha256 of the files of price and carbon intensity, empty where there is none."""
        return [each.signal.sha256 if each is not None else "" for each in (self._price, self._carbon)]

    def describe(self) -> dict[str, object]:
        """Return the signals in use, in words."""
        return {
            "price": repr(self._price.signal) if self._price else "default",
            "carbon": repr(self._carbon.signal) if self._carbon else "default",
            "currency": self.currency,
            "pue": self.pue,
            "forecast": self._model,
        }

    def _rate(
        self, name: str, made: Forecaster | None, default: str, issued_s: float, start_s: Floats, end_s: Floats
    ) -> Rate:
        value = np.full(len(start_s), self._defaults[name])
        if made is None:
            return Rate(value, f"{default}: no {name} signal is set", False)
        seen = self._forecast(name, made, issued_s, float(end_s.max()))
        if isinstance(seen, str):
            return Rate(value, f"{default}: {seen}", False)
        # Prices are per MWh; intensities in g/kWh; either is a thousandth per kWh, in currency and kg.
        note = "an upper bound, no forecast is that good" if made.upper_bound else "of what is published"
        return Rate(seen.mean(start_s, end_s) / 1000.0, f"{made.model} forecast {note}: {_named(made.signal)}", True)

    def _forecast(self, name: str, made: Forecaster, issued_s: float, until_s: float) -> Signal | str:
        """Return a forecast up to a date, or why there is none."""
        signal = made.signal
        issue_s = max(math.floor(issued_s / _BUCKET_S) * _BUCKET_S, float(signal.start_s[0]))
        if not signal.start_s[0] <= issued_s < signal.end_s:
            return f"the {name} signal ({signal.span}) does not cover the date"
        if until_s - issue_s > _MOST_DAYS * DAY_S:
            return f"no forecast of the {name} reaches further than {_MOST_DAYS} days"
        days = max(math.ceil((until_s - issue_s) / DAY_S), _DAYS)
        key = (name, issue_s, days)
        found = self._kept.get(key)
        if found is None:
            found = made.forecast(issue_s, days * DAY_S)
            # Several threads predict; one of them may have dropped what another looks for.
            with self._lock:
                self._kept[key] = found
                while len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
        return found


def _named(signal: Signal) -> str:
    made_up = ", synthetic" if signal.synthetic else ""
    return f"{signal.quantity} of {signal.region or 'the site'} in {signal.unit}{made_up}"


def load_grid(settings: Settings) -> Grid:
    """Return the grid that the settings describe.

    Raises:
        MissingFileError: when a file cannot be read.
        SignalError: when a file is no such signal, or the model of forecast is unknown.
    """
    grid = settings.signals
    carbon = read_signal(grid.carbon, quantity="carbon") if grid.carbon else None
    price = read_signal(grid.price, quantity="price") if grid.price else None
    if price is not None and not price.unit.endswith("/MWh"):
        raise SignalError(f"{grid.price}: prices in {price.unit}; the API reads prices per MWh")
    return Grid(settings, carbon, price)
