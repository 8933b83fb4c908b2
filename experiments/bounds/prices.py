"""What a host that works adds to a measure, and what one that rests costs, over a time grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattq.errors import InvalidInputError
from wattq.experiments.accounting.meters import MEASURES, Meter, Tariff
from wattq.experiments.bounds.machine import Machine

__all__ = ["Prices", "prices_of"]

_MOST_STEPS = 200_000


@dataclass(frozen=True)
class Prices:
    """A measure over time, for one watt and for a host that rests.

    Attributes:
        meter: integral of what one watt adds.
        rest: integral of what one resting host adds: at its least power, or at its greatest while that costs less.
        edge_s: edges of the grid, s.
    """

    meter: Meter
    rest: Meter
    edge_s: NDArray[np.float64]

    def of_power(self, power_w: float, start_s: NDArray[np.float64], end_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what a host of a power adds over intervals, above one that rests."""
        return np.asarray(power_w * self.meter.between(start_s, end_s) - self.rest.between(start_s, end_s))

    def least(self, power_w: float) -> NDArray[np.float64]:
        """Return the least that a second of a host at a power adds above one that rests, by step of the grid."""
        inside = (self.meter.edge_s > self.edge_s[0]) & (self.meter.edge_s < self.edge_s[-1])
        edges = np.unique(np.concatenate([self.edge_s, self.meter.edge_s[inside]]))
        rate = self.of_power(power_w, edges[:-1], edges[1:]) / np.diff(edges)
        return np.asarray(np.minimum.reduceat(rate, np.searchsorted(edges, self.edge_s[:-1])))


def prices_of(
    tariff: Tariff, measure: str, machine: Machine, start_s: float, horizon_s: float, step_s: float
) -> Prices:
    """Return the prices of a measure on a grid of multiples of a step.

    Raises:
        InvalidInputError: no such measure, a measure without its signal, an empty interval, or a step out of range.
        SignalError: a signal does not cover the interval.
    """
    if measure not in MEASURES:
        raise InvalidInputError(f"measure {measure!r}: there are {', '.join(MEASURES)}")
    if not (np.isfinite(start_s) and np.isfinite(horizon_s) and horizon_s > start_s):
        raise InvalidInputError(f"interval from {start_s:g} to {horizon_s:g} s: the horizon must come after the start")
    if not (np.isfinite(step_s) and step_s > 0.0) or (horizon_s - start_s) / step_s > _MOST_STEPS:
        raise InvalidInputError(
            f"step {step_s:g} s: give a step that divides the interval into at most {_MOST_STEPS:,}"
        )
    meters = tariff.meters(start_s, horizon_s)
    if measure not in meters:
        raise InvalidInputError(f"measure {measure}: needs a signal; give one of {measure.partition('_')[0]}")
    meter = meters[measure]
    rate = np.diff(meter.total) / np.diff(meter.edge_s)
    power = np.where(rate >= 0.0, machine.rest_w, machine.rest_most_w)
    total = np.concatenate([[0.0], np.cumsum(power * np.diff(meter.total))])
    inner = np.arange(np.ceil(start_s / step_s), np.floor(horizon_s / step_s) + 1) * step_s
    edges = np.unique(np.concatenate([[start_s, horizon_s], inner[(inner > start_s) & (inner < horizon_s)]]))
    return Prices(meter, Meter(meter.edge_s, total), edges)
