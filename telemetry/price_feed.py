"""Day-ahead prices of a European bidding zone from Energy-Charts."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import isnan, nan
from typing import Any

from wattq.errors import InvalidInputError, SignalError
from wattq.platforms.signals.energy_charts import ENERGY_CHARTS_SOURCE, is_energy_charts, parse_energy_charts
from wattq.platforms.signals.gaps import durations
from wattq.platforms.signals.points import Points, ReadOptions
from wattq.telemetry.answer_cache import AnswerCache
from wattq.telemetry.carbon_feed import clip
from wattq.telemetry.feed import Interval, Series, Source, pieces
from wattq.telemetry.http_json import Fetcher

__all__ = ["PRICE_URL", "PriceFeed"]

PRICE_URL = "https://api.energy-charts.info"
"""Base address of the service; no key is needed."""

_LONGEST = timedelta(days=90)
_DAY = timedelta(days=1)
_SETTLED_S = 2 * 86_400.0
_ZONE = re.compile(r"[A-Za-z0-9-]{2,20}", re.ASCII)


@dataclass(frozen=True)
class PriceFeed:
    """The service, asked in pieces of at most 90 days.

    Attributes:
        zone: bidding zone, such as DE-LU or FR.
        base_url: of the service.
        fetcher: tries, pauses and time-outs.
        cache: answers kept on disk. One is final when its period ended two days ago and no price is missing.
        offline: use the cache alone.

    Raises:
        InvalidInputError: for a zone that is no word.
    """

    zone: str = "DE-LU"
    base_url: str = PRICE_URL
    fetcher: Fetcher = field(default_factory=Fetcher)
    cache: AnswerCache = field(default_factory=lambda: AnswerCache(None))
    offline: bool = False

    def __post_init__(self) -> None:
        if not _ZONE.fullmatch(self.zone):
            raise InvalidInputError(f"zone {self.zone[:60]!r}: a bidding zone is a word such as DE-LU, FR or NO2")

    def fetch(self, start: datetime, end: datetime) -> Series:
        """Return the prices that begin in [start, end), both with a UTC offset; negative ones keep their sign.

        The service is asked by days of local time: one more day at either end is asked for, and clipped.

        Raises:
            FeedError: when the service does not answer.
            SignalError: when an answer has another shape, or the unit changes.
        """
        source = Source(self.fetcher, self.cache, self.offline)
        found: dict[float, float] = {}
        units: set[str] = set()
        for first, last in pieces(start - _DAY, end + _DAY, _LONGEST):
            url = f"{self.base_url.rstrip('/')}/price?bzn={self.zone}&start={first:%Y-%m-%d}&end={last:%Y-%m-%d}"
            points = _points(source.ask(url, self._is_final(last)), url)
            units.add(points.unit)
            found.update(zip(points.start_s, points.value, strict=True))
        if len(units) > 1:
            raise SignalError(f"{self.base_url}: the unit changes within the period ({', '.join(sorted(units))})")
        intervals = clip(_intervals(found), start, end)
        series = Series(intervals, self.zone, units.pop(), ENERGY_CHARTS_SOURCE, source.requests)
        missing = sum(isnan(interval[3]) for interval in intervals)
        series.notes += [f"{missing} prices are not there"] if missing else []
        series.notes += [f"{len(source.stale)} answers come from the cache and may be old"] if source.stale else []
        return series

    def _is_final(self, last: datetime) -> Any:
        def final(answer: Any) -> bool:
            points = _points(answer, self.base_url)
            settled = last.timestamp() + _SETTLED_S < self.cache.now()
            return settled and bool(points.value) and not any(isnan(value) for value in points.value)

        return final


def _points(answer: Any, url: str) -> Points:
    if not is_energy_charts(answer):
        raise SignalError(f"{url}: no 'unix_seconds' in the answer; the service has changed, or the zone has no prices")
    return parse_energy_charts(answer, url, ReadOptions())


def _intervals(found: dict[float, float]) -> list[Interval]:
    starts = sorted(found)
    lasts = durations(starts)
    return [(start, start + last, nan, found[start]) for start, last in zip(starts, lasts, strict=True)]
