"""What a feed returned, as wattq's CSV of intervals."""

from __future__ import annotations

from math import isnan

from wattq.errors import SignalError
from wattq.platforms.signals.clock import iso_text
from wattq.platforms.signals.interval_csv import interval_text
from wattq.telemetry.feed import Series

__all__ = ["series_csv"]


def series_csv(series: Series) -> str:
    """Return the CSV ``from,to,forecast,actual,region`` (and ``unit`` for prices) of a feed's intervals.

    Raises:
        SignalError: when there is none.
    """
    if not series.intervals:
        raise SignalError(f"{series.source}: nothing for {series.region} in this period; ask for another one")
    rows = [
        (iso_text(start), iso_text(end), _text(forecast), _text(actual), series.region)
        for start, end, forecast, actual in series.intervals
    ]
    return interval_text(rows, unit=series.unit)


def _text(value: float) -> str | None:
    return None if isnan(value) else str(int(value)) if value.is_integer() else repr(value)
