"""When a worker works: a window that comes again in each period."""

from __future__ import annotations

from dataclasses import dataclass

from wattq.telemetry.benchmarks.options import CpuOptions, IoOptions, MixedOptions, Options

__all__ = ["Duty", "duties"]

_SHORT_S, _TURN_S, _BURST_S = 0.1, 2.0, 4.0


@dataclass(frozen=True)
class Duty:
    """A worker works from `begin_s` on for `busy_s` of each period.

    Attributes:
        period_s: length of a period, s.
        begin_s: begin of the window within it, s.
        busy_s: length of the window, s; at most to the end of the period.
    """

    period_s: float = _SHORT_S
    begin_s: float = 0.0
    busy_s: float = _SHORT_S

    def wait_s(self, time_s: float) -> float:
        """Return how long to wait from a date (s since the begin) until work; 0 where it is time to work."""
        if self.busy_s >= self.period_s:
            return 0.0
        place_s = time_s % self.period_s
        if self.begin_s <= place_s < self.begin_s + self.busy_s:
            return 0.0
        return (self.begin_s - place_s) % self.period_s or self.period_s


def duties(options: Options) -> tuple[Duty | None, Duty | None]:
    """Return the duties of CPU and of I/O workers; None where there are none.

    Of the mixed benchmark with weight r of the CPU: ``alternating`` gives it the share r of every two seconds and I/O
    the rest; ``concurrent`` lets both work at once, the CPU min(1, 2 r) and I/O min(1, 2 - 2 r) of the time; ``burst``
    does the same for two seconds, then rests for two.
    """
    match options:
        case CpuOptions():
            return Duty(busy_s=_SHORT_S * options.intensity), None
        case IoOptions():
            return None, Duty()
        case MixedOptions():
            return _mixed(options.pattern, options.cpu_io_ratio)


def _mixed(pattern: str, ratio: float) -> tuple[Duty, Duty]:
    if pattern == "alternating":
        turn_s = _TURN_S * ratio
        return Duty(_TURN_S, 0.0, turn_s), Duty(_TURN_S, turn_s, _TURN_S - turn_s)
    cpu, io = min(1.0, 2 * ratio), min(1.0, 2 - 2 * ratio)
    if pattern == "concurrent":
        return Duty(busy_s=_SHORT_S * cpu), Duty(busy_s=_SHORT_S * io)
    return Duty(_BURST_S, 0.0, _BURST_S / 2 * cpu), Duty(_BURST_S, 0.0, _BURST_S / 2 * io)
