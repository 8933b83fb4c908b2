"""Answers of Great Britain's carbon-intensity API: half hours with forecast and actual intensity, by their start."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wattq.errors import SignalError
from wattq.platforms.signals.clock import parse_date
from wattq.platforms.signals.points import Points, ReadOptions, number

__all__ = ["GB_SOURCE", "gb_intervals", "is_gb_api", "parse_gb_api"]

GB_SOURCE = "GB Carbon Intensity API (National Energy System Operator)"
"""What a signal of this service names as its source."""

_TIME = ("from", "to")
GbInterval = tuple[float, float, float, float]


def is_gb_api(document: Any) -> bool:
    """Return whether a JSON document is an answer of the service."""
    return isinstance(document, dict) and "data" in document


def gb_intervals(document: Any, path: str) -> tuple[list[GbInterval], str]:
    """Return (start, end, forecast, actual) of every interval of an answer, and the region.

    Times are Unix seconds, intensities g/kWh; the newest actual value is null in the service, NaN here. Regional
    answers have forecasts alone.

    Raises:
        SignalError: for an answer of another shape, an error of the service, or a bad date or number.
    """
    content, region = document.get("data") if isinstance(document, dict) else None, "GB"
    if isinstance(content, list) and len(content) == 1 and isinstance(content[0], dict) and "data" in content[0]:
        content = content[0]
    if isinstance(content, dict):
        region, content = str(content.get("shortname") or "GB")[:100], content.get("data")
    if not isinstance(content, list):
        raise SignalError(f"{path}: no list 'data' of half hours; not an answer of the GB carbon-intensity API")
    return [_interval(entry, f"{path}, entry {k}") for k, entry in enumerate(content, 1)], region


def _interval(entry: Any, place: str) -> GbInterval:
    intensity = entry.get("intensity") if isinstance(entry, Mapping) else None
    if not isinstance(intensity, Mapping):
        raise SignalError(f"{place}: an interval has 'from', 'to' and 'intensity' (forecast, actual)")
    start, end = (_time(entry.get(key), f"{place}, key '{key}'") for key in _TIME)
    forecast, actual = (number(intensity.get(key), f"{place}, key '{key}'") for key in ("forecast", "actual"))
    return start, end, forecast, actual


def _time(text: Any, place: str) -> float:
    date = parse_date(text) if isinstance(text, str) else None
    if date is None or date.tzinfo is None:
        raise SignalError(f"{place}: {str(text)[:60]!r} is no date in UTC such as 2018-01-20T12:00Z")
    return date.timestamp()


def parse_gb_api(document: Any, path: str, options: ReadOptions) -> Points:
    """Return the actual intensity (or the forecast, where `options.values` says so).

    Raises:
        SignalError: as `gb_intervals` does.
    """
    intervals, region = gb_intervals(document, path)
    forecast = options.values == "forecast"
    points = Points(
        start_s=[interval[0] for interval in intervals],
        end_s=[interval[1] for interval in intervals],
        value=[interval[2 if forecast else 3] for interval in intervals],
        line=list(range(1, len(intervals) + 1)),
        quantity="carbon",
        unit="g/kWh",
        region=region,
        kind="average",
        scope="direct",
        source=GB_SOURCE,
        time_zone="Europe/London",
        word="entry",
    )
    if forecast:
        points.notes.append("stored forecasts, as last revised: not what was known when a decision was made")
    return points
