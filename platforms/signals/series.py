"""A grid signal: a piecewise-constant series with its unit, region and origin, and its exact integrals."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from wattq.errors import SignalError
from wattq.platforms.signals.rules import FloatArray, check_signal, number_row, utc_text

__all__ = ["Signal", "utc_text"]


_MANY = 64


@dataclass(frozen=True, eq=False)
class Signal:
    """A piecewise-constant series over [`start_s[0]`, `end_s`): what the grid or the weather was, second by second.

    Value i holds from `start_s[i]` until the next start, the last one until `end_s`; steps may differ. There are no
    gaps: readers refuse them or fill them by a named rule. The arrays are copied and cannot be written.

    Attributes:
        start_s: float64[n], Unix seconds (UTC) at which each value begins, strictly increasing.
        end_s: Unix second at which the last value ends.
        value: float64[n], finite, in `unit`.
        quantity: ``carbon``, ``price``, ``pue`` or ``temperature``.
        unit: ``g/kWh`` for carbon, a currency code and ``/MWh`` for a price, ``1`` for PUE, ``degC``.
        region: zone or country, as the source names it.
        kind: ``average``, ``marginal``, or empty where it is not known.
        scope: ``direct``, ``life-cycle``, or empty where it is not known.
        source: where the values come from, in words.
        time_zone: IANA name of the site's time zone, for people; all dates are UTC.
        sha256: hash of the file that was read, empty if there was none.
        synthetic: whether the values were made up by a formula.
        notes: what was repaired or assumed, for reports.

    Raises:
        SignalError: for no value, unsorted or double starts, values that are not finite, an unknown quantity, unit,
            kind, scope or time zone, a PUE below 1, or a negative intensity that is not marginal.
    """

    start_s: FloatArray
    end_s: float
    value: FloatArray
    quantity: str
    unit: str
    region: str = ""
    kind: str = ""
    scope: str = ""
    source: str = ""
    time_zone: str = "UTC"
    sha256: str = ""
    synthetic: bool = False
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "start_s", number_row(self.start_s, "start_s"))
        object.__setattr__(self, "value", number_row(self.value, "value"))
        object.__setattr__(self, "end_s", float(number_row([self.end_s], "end_s")[0]))
        object.__setattr__(self, "notes", tuple(self.notes))
        check_signal(self)

    def __repr__(self) -> str:
        """Name the series, not its values."""
        words = " ".join(word for word in (self.quantity, self.region, self.kind, self.scope) if word)
        return f"<Signal {words} in {self.unit}, {self.start_s.size} values, {self.span}>"

    @property
    def span(self) -> str:
        """The time that is covered, in words."""
        return f"from {utc_text(self.start_s[0])} to {utc_text(self.end_s)}"

    @property
    def currency(self) -> str:
        """Currency code of a price, empty for anything else."""
        return self.unit.partition("/")[0] if self.quantity == "price" else ""

    @cached_property
    def edges_s(self) -> FloatArray:
        """float64[n + 1]: the starts and the end, Unix seconds."""
        return np.append(self.start_s, self.end_s)

    @cached_property
    def _sums(self) -> NDArray[Any]:
        # Extended precision: the difference of two sums over years must be good to 1e-12 of a single hour.
        pieces = self.value * np.diff(self.edges_s)
        return np.concatenate(([0.0], np.cumsum(pieces, dtype=np.longdouble)))

    @overload
    def at(self, t_s: float) -> float: ...
    @overload
    def at(self, t_s: FloatArray) -> FloatArray: ...
    def at(self, t_s: float | FloatArray) -> float | FloatArray:
        """Return the value at one Unix time, or at each of an array of them.

        Raises:
            SignalError: for a time before the first value, or not before `end_s`.
        """
        times = np.asarray(t_s, dtype=np.float64)
        self._check_covered(times, times < self.end_s)
        return _plain(self.value[self._piece(times)])

    @overload
    def integral(self, t0_s: float, t1_s: float) -> float: ...
    @overload
    def integral(self, t0_s: FloatArray, t1_s: float | FloatArray) -> FloatArray: ...
    @overload
    def integral(self, t0_s: float, t1_s: FloatArray) -> FloatArray: ...
    def integral(self, t0_s: float | FloatArray, t1_s: float | FloatArray) -> float | FloatArray:
        """Return the exact integral over [t0, t1), in `unit` times seconds; arrays broadcast.

        Raises:
            SignalError: for a time outside the series, or an interval that ends before it begins.
        """
        starts, ends = self._intervals(t0_s, t1_s)
        return _plain(self._between(starts, ends))

    @overload
    def mean(self, t0_s: float, t1_s: float) -> float: ...
    @overload
    def mean(self, t0_s: FloatArray, t1_s: float | FloatArray) -> FloatArray: ...
    @overload
    def mean(self, t0_s: float, t1_s: FloatArray) -> FloatArray: ...
    def mean(self, t0_s: float | FloatArray, t1_s: float | FloatArray) -> float | FloatArray:
        """Return the mean over [t0, t1), in `unit`; over an empty interval, the value there. Arrays broadcast.

        Raises:
            SignalError: for a time outside the series, or an interval that ends before it begins.
        """
        starts, ends = self._intervals(t0_s, t1_s)
        empty = ends == starts
        means = self._between(starts, ends) / np.where(empty, 1.0, ends - starts)
        return _plain(np.where(empty, self.value[self._piece(starts)], means))

    def covers(self, t0_s: float, t1_s: float) -> bool:
        """Return whether the whole of [t0, t1) lies within the series."""
        return bool(self.start_s[0] <= t0_s <= t1_s <= self.end_s)

    def slice(self, t0_s: float, t1_s: float) -> Signal:
        """Return the part of the series in [t0, t1), with the same description.

        Raises:
            SignalError: for a time outside the series, or t1 not after t0.
        """
        self._intervals(t0_s, t1_s)
        if t0_s == t1_s:
            raise SignalError(f"{self!r}: the slice at {utc_text(t0_s)} is empty; it must end after it begins")
        first = int(self._piece(np.float64(t0_s)))
        last = int(np.searchsorted(self.start_s, t1_s, side="left"))
        starts = np.maximum(self.start_s[first:last], t0_s)
        return replace(self, start_s=starts, end_s=t1_s, value=self.value[first:last])

    @cached_property
    def _step_s(self) -> float:
        """The step of a regular series, 0 of any other."""
        steps = np.diff(self.edges_s)
        return float(steps[0]) if (steps == steps[0]).all() else 0.0

    def _piece(self, times: Any) -> Any:
        """Return the index of the value that holds at each time; at `end_s`, the last."""
        last = self.start_s.size - 1
        if np.size(times) < _MANY or not self._step_s:
            return np.clip(np.searchsorted(self.start_s, times, side="right") - 1, 0, last)
        # Ten times faster than a search; the division may miss by one next to an edge.
        guess = np.clip(((times - self.start_s[0]) / self._step_s).astype(np.int64), 0, last)
        guess -= (times < self.start_s[guess]) & (guess > 0)
        guess += (times >= self.edges_s[guess + 1]) & (guess < last)
        return guess

    def _between(self, starts: FloatArray, ends: FloatArray) -> Any:
        """Return the integral as head, whole pieces and tail, so that short intervals lose no digits."""
        first, last = self._piece(starts), self._piece(ends)
        head = self.value[first] * (np.minimum(self.edges_s[first + 1], ends) - starts)
        whole = (self._sums[last] - self._sums[np.minimum(first + 1, last)]).astype(np.float64)
        tail = np.where(last > first, self.value[last] * (ends - self.start_s[last]), 0.0)
        return head + whole + tail

    def _intervals(self, t0_s: Any, t1_s: Any) -> tuple[FloatArray, FloatArray]:
        starts, ends = np.asarray(t0_s, dtype=np.float64), np.asarray(t1_s, dtype=np.float64)
        self._check_covered(starts, starts <= self.end_s)
        self._check_covered(ends, ends <= self.end_s)
        reversed_ = starts > ends
        if reversed_.any():
            t0, t1 = (side[reversed_][0] for side in np.broadcast_arrays(starts, ends))
            raise SignalError(f"{self!r}: interval {utc_text(t0)} to {utc_text(t1)} ends before it begins; swap them")
        return starts, ends

    def _check_covered(self, times: FloatArray, early_enough: Any) -> None:
        inside = (times >= self.start_s[0]) & early_enough
        if not np.all(inside):
            found = times[~inside].flat[0]
            raise SignalError(
                f"{self!r}: asked for {utc_text(found)}; nothing is known outside the span: "
                "take a series that covers it, or move the run's date of origin"
            )


def _plain(numbers: Any) -> float | FloatArray:
    if np.ndim(numbers) == 0:
        return float(numbers)
    array: FloatArray = numbers
    return array
