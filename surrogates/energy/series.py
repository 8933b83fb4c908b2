"""Power over time of one device, integrated exactly over any span, with the share of the span that was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattq.errors import SurrogateError

__all__ = ["HOLDS", "PowerSeries"]

Floats = NDArray[np.float64]

HOLDS = {
    "next": "a sample holds until the next one",
    "last": "a sample is the mean since the one before (counters, averaging sensors)",
    "linear": "power moves in a straight line from sample to sample",
}
"""What a sample says of the time between samples."""


@dataclass(frozen=True)
class PowerSeries:
    """The integral of power over time, and the time that was measured; both grow from 0 at the first sample.

    Attributes:
        time_s: times of the samples, s, strictly growing.
        energy_j: energy since the first sample, J, without what lies in gaps.
        measured_s: time since the first sample, s, without gaps.
        start_w: power at the beginning of each segment between samples, W.
        slope_w_s: its slope within the segment, W/s; 0 where power is constant.
    """

    time_s: Floats
    energy_j: Floats
    measured_s: Floats
    start_w: Floats
    slope_w_s: Floats

    @classmethod
    def of_samples(
        cls, time_s: Sequence[float] | Floats, power_w: Sequence[float] | Floats, *, hold: str = "linear", gap_s: float
    ) -> PowerSeries:
        """Return the series of samples of power.

        Args:
            time_s: times, s, strictly growing.
            power_w: power, W.
            hold: a key of `HOLDS`.
            gap_s: two samples further apart than this leave a gap that counts as not measured, s.

        Raises:
            SurrogateError: when there are fewer than two samples, times do not grow, a value is not finite or below 0,
                or `hold` is unknown.
        """
        time, power = _checked(time_s, power_w, "power_w", gap_s)
        if hold not in HOLDS:
            raise SurrogateError(f"hold '{hold}': it is one of {', '.join(HOLDS)}")
        span = np.diff(time)
        first = power[1:] if hold == "last" else power[:-1]
        slope = (power[1:] - power[:-1]) / span if hold == "linear" else np.zeros(len(span))
        return cls._built(time, first, slope, span <= gap_s)

    @classmethod
    def of_counter(
        cls,
        time_s: Sequence[float] | Floats,
        energy_j: Sequence[float] | Floats,
        *,
        wrap_j: float | None = None,
        gap_s: float,
    ) -> PowerSeries:
        """Return the series of readings of a counter of energy; power is constant between them.

        Args:
            time_s: times, s, strictly growing.
            energy_j: readings, J, that grow, and start again at `wrap_j`.
            wrap_j: where the counter starts again (RAPL: max_energy_range_uj), J; a step back is a gap without it.
            gap_s: two readings further apart than this leave a gap, s: a counter may have gone round in it.

        Raises:
            SurrogateError: as `of_samples`; also when a reading is not below `wrap_j`.
        """
        time, energy = _checked(time_s, energy_j, "energy_j", gap_s)
        if wrap_j is not None and (energy >= wrap_j).any():
            raise SurrogateError(
                f"counter of energy: a reading of {energy.max():g} J; readings lie below the wrap at {wrap_j:g} J"
            )
        span, step = np.diff(time), np.diff(energy)
        known = (step >= 0.0) | (wrap_j is not None)
        step = np.where(step < 0.0, step + (wrap_j or 0.0), step)
        return cls._built(time, np.where(known, step, 0.0) / span, np.zeros(len(span)), known & (span <= gap_s))

    @classmethod
    def of_readings(
        cls,
        time_s: Sequence[float] | Floats,
        power_w: Sequence[float] | Floats,
        spent_j: Sequence[float] | Floats,
        *,
        hold: str = "linear",
        gap_s: float,
    ) -> PowerSeries:
        """Return the series of readings of power, of energy since the reading before, or of both.

        Between two readings the energy counts where it is known: a counter sees what lies between samples of power.

        Args:
            time_s: times, s, strictly growing.
            power_w: power, W; NaN where it was not read.
            spent_j: energy since the reading before, J; NaN where it is not known (the first, a counter that began
                again).
            hold: a key of `HOLDS`, for power.
            gap_s: two readings further apart than this leave a gap that counts as not measured, s.

        Raises:
            SurrogateError: as `of_samples`, for fewer than two readings that hold anything
                or that the next one counts from.
        """
        power, spent = np.asarray(power_w, dtype=np.float64), np.asarray(spent_j, dtype=np.float64)
        # The first row of a counter holds nothing yet, but is where the energy of the second begins.
        begins = np.concatenate((np.isfinite(spent[1:]), [False]))[: len(spent)]
        kept = np.isfinite(power) | np.isfinite(spent) | begins
        time, power, spent = np.asarray(time_s, dtype=np.float64)[kept], power[kept], spent[kept]
        for values, name in ((power, "power_w"), (spent, "energy_j")):
            _checked(time, np.where(np.isnan(values), 0.0, values), name, gap_s)
        if hold not in HOLDS:
            raise SurrogateError(f"hold '{hold}': it is one of {', '.join(HOLDS)}")
        span, counted = np.diff(time), np.isfinite(spent[1:])
        first = power[1:] if hold == "last" else power[:-1]
        slope = (power[1:] - power[:-1]) / span if hold == "linear" else np.zeros(len(span))
        known = counted | np.isfinite(first + slope)
        first, slope = np.where(counted, spent[1:] / span, first), np.where(counted, 0.0, slope)
        return cls._built(time, first, slope, known & (span <= gap_s))

    @classmethod
    def together(cls, parts: Sequence[PowerSeries]) -> PowerSeries:
        """Return the sum of the parts of a device (sockets, memory, GPUs), measured while all of them are.

        Raises:
            SurrogateError: when there is no part.
        """
        if not parts:
            raise SurrogateError("power of no parts; give one or more")
        if len(parts) == 1:
            return parts[0]
        time = np.unique(np.concatenate([part.time_s for part in parts]))
        middle = 0.5 * (time[1:] + time[:-1])
        first, slope, measured = np.zeros(len(middle)), np.zeros(len(middle)), np.ones(len(middle), dtype=bool)
        for part in parts:
            inside = (middle > part.time_s[0]) & (middle < part.time_s[-1])
            segment, _ = part._segment(middle)
            first += part.start_w[segment] + part.slope_w_s[segment] * (time[:-1] - part.time_s[segment])
            slope += part.slope_w_s[segment]
            measured &= inside & (np.diff(part.measured_s)[segment] > 0.0)
        return cls._built(time, first, slope, measured)

    @property
    def gaps(self) -> Floats:
        """Begin and end of each unmeasured stretch between the first and the last sample, s, shape (n, 2)."""
        blind = np.concatenate(([False], ~(np.diff(self.measured_s) > 0.0), [False]))
        edges = np.flatnonzero(blind[1:] != blind[:-1])
        found: Floats = self.time_s[edges].reshape(-1, 2)
        return found

    @classmethod
    def _built(cls, time: Floats, first: Floats, slope: Floats, measured: NDArray[np.bool_]) -> PowerSeries:
        span = np.where(measured, np.diff(time), 0.0)
        first, slope = np.where(measured, first, 0.0), np.where(measured, slope, 0.0)
        energy = np.concatenate(([0.0], np.cumsum(first * span + 0.5 * slope * span**2)))
        return cls(time, energy, np.concatenate(([0.0], np.cumsum(span))), first, slope)

    def _segment(self, at_s: Floats) -> tuple[NDArray[np.int64], Floats]:
        inside = np.clip(at_s, self.time_s[0], self.time_s[-1])
        segment = np.clip(np.searchsorted(self.time_s, inside, side="right") - 1, 0, len(self.time_s) - 2)
        return segment.astype(np.int64), inside - self.time_s[segment]

    def energy_until(self, at_s: Floats) -> Floats:
        """Return the measured energy from the first sample to these dates, J; outside the series it stands still."""
        segment, into = self._segment(np.asarray(at_s, dtype=np.float64))
        energy: Floats = self.energy_j[segment] + self.start_w[segment] * into + 0.5 * self.slope_w_s[segment] * into**2
        return energy

    def measured_until(self, at_s: Floats) -> Floats:
        """Return the measured time from the first sample to these dates, s."""
        segment, into = self._segment(np.asarray(at_s, dtype=np.float64))
        length = np.diff(self.measured_s)[segment]
        time: Floats = self.measured_s[segment] + np.where(length > 0.0, into, 0.0)
        return time

    def energy(self, start_s: Floats, end_s: Floats) -> Floats:
        """Return the measured energy of spans, J."""
        spent: Floats = self.energy_until(end_s) - self.energy_until(start_s)
        return spent

    def measured(self, start_s: Floats, end_s: Floats) -> Floats:
        """Return how much of spans was measured, s."""
        time: Floats = self.measured_until(end_s) - self.measured_until(start_s)
        return time


def _checked(
    time_s: Sequence[float] | Floats, value: Sequence[float] | Floats, name: str, gap_s: float
) -> tuple[Floats, Floats]:
    time, values = np.asarray(time_s, dtype=np.float64), np.asarray(value, dtype=np.float64)
    if len(time) != len(values) or len(time) < 2:
        raise SurrogateError(f"samples of power: {len(time)} times and {len(values)} values; give two or more of each")
    if not gap_s > 0.0:
        raise SurrogateError(f"samples of power: a gap of {gap_s:g} s; it must be above 0")
    wrong = np.flatnonzero(~(np.isfinite(values) & (values >= 0.0)))
    if wrong.size:
        raise SurrogateError(
            f"samples of power: {name} of sample {wrong[0]} is {values[wrong[0]]:g}; it must be 0 or more"
        )
    wrong = np.flatnonzero(~(np.diff(time) > 0.0))
    if wrong.size or not np.isfinite(time).all():
        raise SurrogateError(
            f"samples of power: time of sample {int(wrong[0]) + 1 if wrong.size else 0} is not after the one before; "
            "sort the samples, one per time"
        )
    return time, values
