"""Thermal events: throttling, overheating and cooling down, counted once each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from wattq.telemetry.exporters.book import Book
from wattq.telemetry.meters import Throttling

__all__ = ["OVERHEAT_C", "ThermalEvents"]

OVERHEAT_C: Mapping[str, tuple[float, float]] = {"cpu": (75.0, 85.0), "gpu": (80.0, 90.0)}
"""Temperatures below which a device has cooled down again, and from which on it overheats, degrees Celsius."""

_METRIC = "wattq_thermal_events_total"


class ThermalEvents:
    """Counts events in a book.

    A device overheats when it reaches the upper temperature of `OVERHEAT_C`, and has cooled when it falls below the
    lower one: between them nothing is counted, so that a temperature that trembles is one event.
    """

    def __init__(self, book: Book) -> None:
        self._book = book
        self._hot: set[str] = set()
        self._throttled: dict[str, int] = {}

    def temperatures(self, kind: str, celsius: Iterable[tuple[str, float]]) -> None:
        """Look at the temperatures of devices.

        Args:
            kind: a key of `OVERHEAT_C`.
            celsius: name and temperature of each.
        """
        low, high = OVERHEAT_C[kind]
        for name, value in celsius:
            device = f"{kind} {name}"
            heated = value >= high and device not in self._hot
            cooled = value < low and device in self._hot
            if heated:
                self._hot.add(device)
            if cooled:
                self._hot.discard(device)
            self._book.add(_METRIC, float(heated), ("overheat",))
            self._book.add(_METRIC, float(cooled), ("cooling",))

    def throttling(self, counts: Iterable[Throttling]) -> None:
        """Look at the kernel's counts of throttling; what was counted before the first look is left out."""
        for count in counts:
            before = self._throttled.get(count.core, count.events)
            self._throttled[count.core] = count.events
            self._book.add(_METRIC, float(max(count.events - before, 0)), ("throttling",))
