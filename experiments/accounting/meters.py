"""What a joule costs at each date: integrals over time of price, carbon intensity and PUE, and of their products."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattq.errors import InvalidInputError, SignalError
from wattq.platforms.signals import Signal
from wattq.units import JOULES_PER_KWH, JOULES_PER_MWH

__all__ = ["MEASURES", "Meter", "Tariff"]

MEASURES = ("energy_j", "facility_j", "carbon_g", "cost")
"""What an account states: energy of the machine, of the facility (times PUE), and carbon and cost of the latter."""


@dataclass(frozen=True)
class Meter:
    """The integral over time of what one watt of the machine adds to a measure.

    Attributes:
        edge_s: dates from the run's date 0 on, s.
        total: integral from the first edge to each edge; linear in between.
    """

    edge_s: NDArray[np.float64]
    total: NDArray[np.float64]

    def __call__(self, date_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the integral up to each date; dates beyond the edges count as the nearest edge."""
        return np.asarray(np.interp(date_s, self.edge_s, self.total), dtype=np.float64)

    def between(self, start_s: NDArray[np.float64], end_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the integral over each interval."""
        return self(end_s) - self(start_s)


@dataclass(frozen=True)
class Tariff:
    """Signals and PUE, placed on the calendar of a run.

    Attributes:
        carbon: carbon intensity, or None.
        price: price, or None.
        pue: power usage effectiveness, a number of at least 1 or a signal.
        origin_s: Unix seconds of the run's date 0.

    Raises:
        SignalError: a signal is of another quantity, or the PUE below 1.
    """

    carbon: Signal | None = None
    price: Signal | None = None
    pue: Signal | float = 1.0
    origin_s: float = 0.0

    def __post_init__(self) -> None:
        for name in ("carbon", "price", "pue"):
            signal = getattr(self, name)
            if isinstance(signal, Signal) and signal.quantity != name:
                raise SignalError(f"{signal!r}: a series of {signal.quantity} is given as {name}; give one of {name}")
        if not isinstance(self.pue, Signal) and not 1.0 <= self.pue < np.inf:
            raise SignalError(f"PUE {self.pue!r}: is below 1; a facility draws at least what its machine draws")
        if not np.isfinite(self.origin_s):
            raise InvalidInputError(f"origin {self.origin_s!r}: is no date; give Unix seconds")

    @property
    def currency(self) -> str:
        """Currency code of the price; empty without one."""
        return self.price.currency if self.price is not None else ""

    def meters(self, start_s: float, end_s: float) -> dict[str, Meter]:
        """Return the meters that hold on [start, end] of the run's time, by measure.

        Raises:
            SignalError: a signal does not cover the interval.
        """
        factor = 1.0 if isinstance(self.pue, Signal) else float(self.pue)
        shared = [self.pue] if isinstance(self.pue, Signal) else []
        found = {
            "energy_j": self._meter([], 1.0, start_s, end_s),
            "facility_j": self._meter(shared, factor, start_s, end_s),
        }
        if self.carbon is not None:
            found["carbon_g"] = self._meter([*shared, self.carbon], factor / JOULES_PER_KWH, start_s, end_s)
        if self.price is not None:
            found["cost"] = self._meter([*shared, self.price], factor / JOULES_PER_MWH, start_s, end_s)
        return found

    def _meter(self, signals: Sequence[Signal], factor: float, start_s: float, end_s: float) -> Meter:
        """Integrate a product of signals: constant between the dates at which any of them changes."""
        steps = [self._steps(signal, start_s, end_s) for signal in signals]
        edges = np.unique(np.concatenate([[start_s, end_s], *steps]))
        values = np.full(max(len(edges) - 1, 0), factor)
        for signal in signals:
            row = np.searchsorted(signal.start_s - self.origin_s, edges[:-1], side="right") - 1
            values *= signal.value[row]
        return Meter(edges, np.concatenate([[0.0], np.cumsum(values * np.diff(edges))]))

    def _steps(self, signal: Signal, start_s: float, end_s: float) -> NDArray[np.float64]:
        if end_s > start_s:
            signal.integral(self.origin_s + start_s, self.origin_s + end_s)  # raises where it does not cover
        steps = np.asarray(signal.start_s - self.origin_s, dtype=np.float64)
        return steps[(steps > start_s) & (steps < end_s)]
