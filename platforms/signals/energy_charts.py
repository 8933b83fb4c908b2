"""Energy-Charts' JSON of day-ahead prices: Unix seconds and prices, null where there is none."""

from __future__ import annotations

from typing import Any

from wattq.errors import SignalError
from wattq.platforms.signals.points import Points, ReadOptions, number, unit_of

__all__ = ["ENERGY_CHARTS_SOURCE", "is_energy_charts", "parse_energy_charts"]

ENERGY_CHARTS_SOURCE = "Energy-Charts (Fraunhofer ISE)"
"""What a signal of this service names as its source."""


def is_energy_charts(document: Any) -> bool:
    """Return whether a JSON document is an answer of the service."""
    return isinstance(document, dict) and "unix_seconds" in document


def parse_energy_charts(document: Any, path: str, options: ReadOptions) -> Points:
    """Return the prices of an answer; negative ones keep their sign.

    Raises:
        SignalError: for an answer of another shape, lists of different lengths, or bad times, numbers and units.
    """
    times, prices = document.get("unix_seconds"), document.get("price")
    if not isinstance(times, list) or not isinstance(prices, list) or len(times) != len(prices):
        raise SignalError(f"{path}: 'unix_seconds' and 'price' must be lists of one length; not an answer with prices")
    quantity, unit = unit_of(str(document.get("unit") or options.unit or "EUR/MWh"), path)
    starts = []
    for k, time in enumerate(times, 1):
        if isinstance(time, bool) or not isinstance(time, int) or not 0 <= time < 10**10:
            raise SignalError(f"{path}, entry {k}, key 'unix_seconds': {str(time)[:60]!r} is no Unix time in seconds")
        starts.append(float(time))
    return Points(
        start_s=starts,
        value=[number(price, f"{path}, entry {k}, key 'price'") for k, price in enumerate(prices, 1)],
        line=list(range(1, len(times) + 1)),
        quantity=quantity,
        unit=unit,
        source=ENERGY_CHARTS_SOURCE,
        time_zone="Europe/Berlin",
        word="entry",
    )
