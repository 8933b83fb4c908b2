"""Cost and CO2e of runs: their mean power times price and intensity, integrated over the time that they ran."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattq.platforms.signals.read import read_signal
from wattq.platforms.signals.series import Signal
from wattq.settings import SignalSettings
from wattq.telemetry.reports.schema import Grid, GridTerm
from wattq.units import GRAMS_PER_KG, HOUR_S, JOULES_PER_KWH

__all__ = ["GridTerms", "Shift", "grid_terms"]

Floats = NDArray[np.float64]

_SHIFT_H = 24


@dataclass(frozen=True)
class Shift:
    """What runs would have saved at the best begin within a day, were all of them free to wait and the machine empty.

    Attributes:
        hours: how long they may wait, h.
        jobs: runs that were looked at: those whose waiting the signal covers.
        energy_kwh: their energy, facility.
        now, best: cost or CO2e (in kg) as it was, and at the best begin of each.
    """

    hours: int
    jobs: int
    energy_kwh: float
    now: float
    best: float


@dataclass(frozen=True)
class GridTerms:
    """Price and intensity of the site.

    Attributes:
        carbon, price: signals; None where a constant holds.
        settings: constants, PUE and currency.
    """

    carbon: Signal | None
    price: Signal | None
    settings: SignalSettings

    @property
    def currency(self) -> str:
        """Currency of costs."""
        return self.price.currency if self.price is not None else self.settings.currency

    def cost(self, start_s: Floats, end_s: Floats, energy_j: Floats) -> Floats:
        """Return the cost of runs of constant power, in `currency`; NaN where the price does not cover one."""
        kwh = self._facility_kwh(energy_j)
        if self.price is None:
            return kwh * self.settings.price_per_kwh
        return kwh * _means(self.price, start_s, end_s) / 1000.0

    def co2e_kg(self, start_s: Floats, end_s: Floats, energy_j: Floats) -> Floats:
        """Return the CO2e of runs of constant power, kg; NaN where the intensity does not cover one."""
        kwh = self._facility_kwh(energy_j)
        if self.carbon is None:
            return kwh * self.settings.carbon_kg_per_kwh
        return kwh * _means(self.carbon, start_s, end_s) / GRAMS_PER_KG

    def _facility_kwh(self, energy_j: Floats) -> Floats:
        return energy_j / JOULES_PER_KWH * self.settings.pue

    def shift(self, start_s: Floats, end_s: Floats, energy_j: Floats, *, carbon: bool) -> Shift | None:
        """Return what waiting up to a day would have changed; None without a signal, or where it covers no run."""
        signal = self.carbon if carbon else self.price
        if signal is None:
            return None
        covered = (start_s >= signal.start_s[0]) & (end_s + _SHIFT_H * HOUR_S <= signal.end_s) & np.isfinite(energy_j)
        if not covered.any():
            return None
        start, end, kwh = start_s[covered], end_s[covered], self._facility_kwh(energy_j[covered]) / 1000.0
        waits = [signal.mean(start + h * HOUR_S, end + h * HOUR_S) for h in range(_SHIFT_H + 1)]
        now, best = float((kwh * waits[0]).sum()), float((kwh * np.min(waits, axis=0)).sum())
        return Shift(_SHIFT_H, int(covered.sum()), 1000.0 * float(kwh.sum()), now, best)

    def described(self) -> Grid:
        """Return where the numbers come from."""
        settings = self.settings
        return Grid(
            carbon=_term(self.carbon, settings.carbon_kg_per_kwh, "kg/kWh"),
            price=_term(self.price, settings.price_per_kwh, f"{settings.currency}/kWh"),
            currency=self.currency,
            pue=settings.pue,
        )


def grid_terms(settings: SignalSettings) -> GridTerms:
    """Return price and intensity of the settings: of files where they are named, else constants.

    Raises:
        MissingFileError: a file cannot be read.
        SignalError: a file is no signal of its quantity.
    """
    carbon = read_signal(settings.carbon, quantity="carbon") if settings.carbon else None
    price = read_signal(settings.price, quantity="price") if settings.price else None
    return GridTerms(carbon, price, settings)


def _means(signal: Signal, start_s: Floats, end_s: Floats) -> Floats:
    means = np.full(len(start_s), np.nan)
    covered = (start_s >= signal.start_s[0]) & (end_s <= signal.end_s) & (end_s >= start_s)
    if covered.any():
        means[covered] = signal.mean(start_s[covered], end_s[covered])
    return means


def _term(signal: Signal | None, value: float, unit: str) -> GridTerm:
    if signal is None:
        source = "a constant of the settings, not of this grid and time"
        return GridTerm(kind="constant", unit=unit, value=value, region="", source=source, synthetic=False, span="")
    return GridTerm(
        kind="signal",
        unit=signal.unit,
        value=None,
        region=signal.region,
        source=signal.source,
        synthetic=signal.synthetic,
        span=signal.span,
    )
