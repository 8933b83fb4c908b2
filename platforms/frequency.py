"""Power and run time of a host as functions of its clock: P(f), T(f), the clock under a cap, the cheapest clock.

    P(f) = idle + (full - idle) f^exponent            f relative to the highest clock, in [lowest, 1]
    T(f) = T(1) (beta / f + 1 - beta)                 beta = share of the run time that scales with the clock

Dynamic power of CMOS is activity x capacity x voltage^2 x clock (A. P. Chandrakasan, S. Sheng, R. W. Brodersen,
Low-power CMOS digital design, IEEE JSSC 27(4), 1992); where the voltage follows the clock, the exponent is 3.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from wattq.errors import PlatformError
from wattq.platforms.make import ComputeState

__all__ = ["FrequencyModel"]


@dataclass(frozen=True)
class FrequencyModel:
    """A host whose clock can be lowered.

    Attributes:
        idle_w: power without load, W, at any clock.
        full_w: power under full load at the highest clock, W.
        exponent: of the dynamic power in the clock, at least 1.
        lowest: lowest clock, relative to the highest.
    """

    idle_w: float
    full_w: float
    exponent: float = 3.0
    lowest: float = 0.4

    def __post_init__(self) -> None:
        """Refuse what is no such host."""
        numbers = (self.idle_w, self.full_w, self.exponent, self.lowest)
        if not all(map(math.isfinite, numbers)) or not 0 <= self.idle_w < self.full_w:
            raise PlatformError(f"clock model: idle {self.idle_w} W, full {self.full_w} W; need 0 <= idle < full")
        if not (1 <= self.exponent <= 10 and 0 < self.lowest <= 1):
            raise PlatformError(
                f"clock model: exponent {self.exponent}, lowest clock {self.lowest}; need 1 to 10, and above 0 up to 1"
            )

    @classmethod
    def fit(cls, clocks: Sequence[float], watts: Sequence[float], idle_w: float, full_w: float) -> FrequencyModel:
        """Return the model whose exponent fits powers under full load best (least squares of logarithms).

        Args:
            clocks: relative to the highest, each above 0 and below 1.
            watts: power under full load at these clocks, W, above the idle power.
            idle_w: power without load, W.
            full_w: power under full load at the highest clock, W.

        Raises:
            PlatformError: when a number is out of range, or the fitted exponent is not in 1 to 10.
        """
        f, p = np.asarray(clocks, float), np.asarray(watts, float)
        if not (f.size == p.size >= 1 and ((f > 0) & (f < 1)).all() and (p > idle_w).all() and full_w > idle_w):
            raise PlatformError("clock model: give clocks in (0, 1), and for each a power above the idle power")
        x, y = np.log(f), np.log((p - idle_w) / (full_w - idle_w))
        return cls(idle_w, full_w, float(x @ y / (x @ x)), float(f.min()))

    def power_w(self, clock: float) -> float:
        """Return the power under full load, W."""
        self._check(clock)
        return self.idle_w + (self.full_w - self.idle_w) * math.pow(clock, self.exponent)

    def runtime(self, clock: float, beta: float = 1.0) -> float:
        """Return the run time relative to that at the highest clock."""
        self._check(clock, beta)
        return beta / clock + 1.0 - beta

    def energy_j(self, clock: float, runtime_s: float, beta: float = 1.0) -> float:
        """Return the energy of work that takes `runtime_s` at the highest clock, J, on a fully loaded host."""
        return self.power_w(clock) * self.runtime(clock, beta) * runtime_s

    def clock_under(self, cap_w: float) -> float:
        """Return the highest clock whose power never exceeds the cap.

        Raises:
            PlatformError: when the lowest clock draws more than the cap.
        """
        if not cap_w >= self.power_w(self.lowest):
            raise PlatformError(
                f"clock model: cap of {cap_w} W; the lowest clock draws {self.power_w(self.lowest):g} W under full load"
            )
        if cap_w >= self.full_w:
            return 1.0
        clock = math.pow((cap_w - self.idle_w) / (self.full_w - self.idle_w), 1.0 / self.exponent)
        clock = min(max(clock, self.lowest), 1.0)
        # Rounding must not lift the power above the cap; one part in 10^12 of speed is a price nobody sees.
        while self.power_w(clock) > cap_w:
            clock = max(clock * (1.0 - 1e-12), self.lowest)
        return clock

    def cheapest_clock(self, beta: float = 1.0) -> float:
        """Return the clock of least energy per work.

        The derivative of P(f) T(f), times f^2, grows with f: it has one zero, found by bisection.
        """
        self._check(1.0, beta)
        dynamic, a = self.full_w - self.idle_w, self.exponent

        def slope(f: float) -> float:
            scaling = (a - 1) * beta * math.pow(f, a) + a * (1 - beta) * math.pow(f, a + 1)
            return dynamic * scaling - beta * self.idle_w

        low, high = self.lowest, 1.0
        if slope(low) >= 0:
            return low
        if slope(high) <= 0:
            return high
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (low, middle) if slope(middle) > 0 else (middle, high)
        return (low + high) / 2

    def states(
        self, clocks: Sequence[float], *, beta: float = 1.0, speed_flops: float = 1e9
    ) -> tuple[ComputeState, ...]:
        """Return a computing state per clock, with the effective speed of work of the given sensitivity."""
        return tuple(
            ComputeState(speed_flops / self.runtime(clock, beta), self.idle_w, self.power_w(clock)) for clock in clocks
        )

    def _check(self, clock: float, beta: float = 1.0) -> None:
        if not self.lowest <= clock <= 1.0:
            raise PlatformError(f"clock model: clock {clock}; use {self.lowest:g} to 1, relative to the highest")
        if not 0.0 <= beta <= 1.0:
            raise PlatformError(f"clock model: sensitivity beta {beta}; use 0 to 1")
