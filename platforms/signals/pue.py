"""Power usage effectiveness: what the whole site draws for one watt of its computers, by temperature and load.

The cooling follows the outside temperature T in degC as measured on an Emerson Liebert DSE system with outside air,
fitted by Xu, Feng and Li, "Temperature aware workload management in geo-distributed datacenters", ICAC 2013:

    p(T) = 1.0743 + 0.0041 T + 7.1705e-5 T^2

for -3.9 to 35 degC; outside that range the value at its end holds. The load u is the power of the computers as a share
of their rated power. Of the overhead at full load, a share f does not depend on u (no-load losses of transformers, UPS
and fans; N. Rasmussen, "Electrical efficiency modeling for data centers", white paper 113, describes losses so):

    PUE(T, u) = 1 + (p(T) - 1 + o) (f/u + 1 - f)

o is the overhead of all but cooling. f and o are the site's own; they are 0 unless given.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from wattq.errors import SignalError
from wattq.platforms.signals.rules import FloatArray
from wattq.platforms.signals.series import Signal

__all__ = ["PueModel", "check_pue", "constant_pue"]

_COLDEST_C, _WARMEST_C = -3.9, 35.0
_LARGEST = 1e6


def check_pue(value: float) -> float:
    """Return a PUE that is one.

    Raises:
        SignalError: for a number below 1, or not finite.
    """
    if not 1.0 <= value <= _LARGEST:
        raise SignalError(f"PUE {value}; it is a number of at least 1: the machine is part of the whole")
    return float(value)


def constant_pue(value: float, start_s: float, end_s: float, region: str = "") -> Signal:
    """Return the same PUE from `start_s` to `end_s`, Unix seconds.

    Raises:
        SignalError: for a number below 1, or an end that is not after the start.
    """
    source = f"constant PUE {check_pue(value):g}"
    return Signal(np.array([start_s]), end_s, np.array([value]), "pue", "1", region=region, source=source)


@dataclass(frozen=True)
class PueModel:
    """PUE as a function of outside temperature and load.

    Attributes:
        fixed_share: f, the share of the overhead at full load that does not fall with the load, 0 to 1.
        other_overhead: o, watts of all but cooling per watt of the computers at full load, from 0.

    Raises:
        SignalError: for a share outside 0 to 1, or a negative overhead.
    """

    fixed_share: float = 0.0
    other_overhead: float = 0.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.fixed_share <= 1.0:
            raise SignalError(f"fixed_share {self.fixed_share} of a PUE model; it must be from 0 to 1")
        if not 0.0 <= self.other_overhead < math.inf:
            raise SignalError(f"other_overhead {self.other_overhead} of a PUE model; it must not be negative")

    def pue(self, temperature_c: float | FloatArray, load: float | FloatArray = 1.0) -> FloatArray:
        """Return the PUE at outside temperatures in degC and loads in (0, 1]; arrays broadcast.

        Raises:
            SignalError: for a temperature that is not finite, or a load outside (0, 1].
        """
        loads = np.asarray(load, dtype=np.float64)
        if not np.all((loads > 0.0) & (loads <= 1.0)):
            raise SignalError("load of a PUE model; it is the share of the rated power, above 0 and at most 1")
        overhead = self._full_overhead(temperature_c)
        pue: FloatArray = 1.0 + overhead * (self.fixed_share / loads + 1.0 - self.fixed_share)
        return pue

    def site_w(self, it_w: float | FloatArray, rated_w: float, temperature_c: float | FloatArray) -> FloatArray:
        """Return the power of the whole site in watts; unlike the PUE it is defined for idle computers, too.

        Args:
            it_w: power of the computers, from 0 to `rated_w`.
            rated_w: their rated power.
            temperature_c: outside temperature in degC.

        Raises:
            SignalError: for a power outside 0 to `rated_w`, or a temperature that is not finite.
        """
        power = np.asarray(it_w, dtype=np.float64)
        if not np.all((power >= 0.0) & (power <= rated_w)):
            raise SignalError(f"power of the computers outside 0 to the rated {rated_w} W; give their rated power")
        paid = self.fixed_share * rated_w + (1.0 - self.fixed_share) * power
        site: FloatArray = power + self._full_overhead(temperature_c) * paid
        return site

    def signal(self, temperature: Signal, load: float | FloatArray = 1.0) -> Signal:
        """Return the PUE over time from a temperature signal and a load, constant or one for each of its values.

        Raises:
            SignalError: for a signal of another quantity, loads of another number, or a load outside (0, 1].
        """
        if temperature.quantity != "temperature":
            raise SignalError(f"a PUE model needs a signal of temperature, not {temperature!r}")
        if np.ndim(load) > 0 and np.shape(load) != temperature.value.shape:
            raise SignalError(f"{np.size(load)} loads for {temperature.value.size} temperatures; give one for each")
        outside = int(np.count_nonzero((temperature.value < _COLDEST_C) | (temperature.value > _WARMEST_C)))
        note = f"{outside} temperatures lie outside {_COLDEST_C} to {_WARMEST_C} degC, where the PUE of the end is held"
        return replace(
            temperature,
            value=self.pue(temperature.value, load),
            quantity="pue",
            unit="1",
            source=f"PUE by outside temperature (Xu, Feng and Li 2013), {self}, of {temperature.source or 'a signal'}",
            notes=temperature.notes + ((note,) if outside else ()),
        )

    def _full_overhead(self, temperature_c: float | FloatArray) -> Any:
        temperature = np.asarray(temperature_c, dtype=np.float64)
        if not np.all(np.isfinite(temperature)):
            raise SignalError("temperature of a PUE model is not finite; fill gaps by a named rule")
        held = np.clip(temperature, _COLDEST_C, _WARMEST_C)
        return 0.0743 + 0.0041 * held + 7.1705e-5 * held**2 + self.other_overhead
