"""A fixed cadence: the k-th tick is due at start + k x interval, whatever the work of the others takes."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from typing import Protocol

from wattq.errors import TelemetryError

__all__ = ["LONGEST_S", "SHORTEST_S", "Cadence", "Waits"]

SHORTEST_S, LONGEST_S = 0.01, 86_400.0


class Waits(Protocol):
    """Waits, and says whether to stop."""

    def wait(self, timeout_s: float) -> bool:
        """Wait for `timeout_s`, or until it is asked to stop; return whether it was."""
        ...


class Cadence:
    """Ticks on a grid of time that does not drift.

    A tick whose time passed while another was at work is missed: it is counted and never made up for, so that ticks
    do not bunch. One that comes late, because the machine was busy, is taken at once, and the next is on the grid.

    Args:
        interval_s: between two ticks, s.
        count: ends after so many ticks were taken.
        duration_s: ends after so many seconds; a tick at its very end is not taken.
        clock: seconds that never go back.

    Attributes:
        taken: ticks so far.
        missed: ticks that were due and not taken.

    Raises:
        TelemetryError: when the interval is not within 0.01 s and a day, or there is nothing to take.
    """

    def __init__(
        self,
        interval_s: float,
        *,
        count: int | None = None,
        duration_s: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not SHORTEST_S <= interval_s <= LONGEST_S:
            raise TelemetryError(f"interval {interval_s:g} s: use {SHORTEST_S:g} to {LONGEST_S:g} s")
        if count is not None and count < 1:
            raise TelemetryError(f"count {count}: take 1 sample or more")
        if duration_s is not None and not 0.0 < duration_s < math.inf:
            raise TelemetryError(f"duration {duration_s:g} s: it is above 0")
        self.interval_s, self._count, self._clock = interval_s, count, clock
        # A duration of n intervals has n ticks, even where their product misses it by a rounding error.
        self._end = math.inf if duration_s is None else math.ceil(duration_s / interval_s * (1.0 - 1e-9))
        self.taken = self.missed = 0

    def ticks(self, stop: Waits) -> Iterator[int]:
        """Yield the number of each tick when it is due, until the end, or until `stop` says so."""
        start_s = self._clock()
        due = 0
        while due < self._end:
            if stop.wait(max(start_s + due * self.interval_s - self._clock(), 0.0)):
                return
            tick = max(due, math.floor((self._clock() - start_s) / self.interval_s + 1e-9))
            if tick >= self._end:
                self.missed += int(self._end) - due
                return
            self.missed += tick - due
            self.taken += 1
            yield tick
            if self.taken == self._count:
                return
            due = max(tick + 1, math.ceil((self._clock() - start_s) / self.interval_s - 1e-9))
            self.missed += int(min(due, self._end)) - tick - 1
