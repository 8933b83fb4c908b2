"""Great Britain's carbon intensity from its public service, half hour by half hour, forecast and actual."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from math import isnan
from typing import Any

from wattq.platforms.signals.clock import iso_text
from wattq.platforms.signals.gb_api import GB_SOURCE, gb_intervals
from wattq.telemetry.answer_cache import AnswerCache
from wattq.telemetry.feed import Interval, Series, Source, pieces
from wattq.telemetry.http_json import Fetcher

__all__ = ["CARBON_URL", "CarbonFeed", "clip"]

CARBON_URL = "https://api.carbonintensity.org.uk"
"""Base address of the service; no key is needed."""

_LONGEST = timedelta(days=14)
_SETTLED_S = 2 * 86_400.0


@dataclass(frozen=True)
class CarbonFeed:
    """The service, asked in pieces of at most 14 days.

    Attributes:
        base_url: of the service.
        fetcher: tries, pauses and time-outs.
        cache: answers kept on disk. One is final when its period ended two days ago and no actual value is missing.
        offline: use the cache alone.
    """

    base_url: str = CARBON_URL
    fetcher: Fetcher = field(default_factory=Fetcher)
    cache: AnswerCache = field(default_factory=lambda: AnswerCache(None))
    offline: bool = False

    def fetch(self, start: datetime, end: datetime) -> Series:
        """Return the half hours that begin in [start, end), both with a UTC offset.

        The service returns half hours around the ends of each piece too: they are clipped, and of doubles the later
        answer counts.

        Raises:
            FeedError: when the service does not answer.
            SignalError: when an answer has another shape.
        """
        source = Source(self.fetcher, self.cache, self.offline)
        found: dict[float, Interval] = {}
        region = "GB"
        for first, last in pieces(start, end, _LONGEST):
            url = f"{self.base_url.rstrip('/')}/intensity/{_stamp(first)}/{_stamp(last)}"
            intervals, region = gb_intervals(source.ask(url, self._is_final(last)), url)
            found.update((interval[0], interval) for interval in intervals)
        intervals = clip(found.values(), start, end)
        series = Series(intervals, region, "g/kWh", GB_SOURCE, source.requests)
        series.notes += _notes(intervals, start, end, source.stale)
        return series

    def _is_final(self, last: datetime) -> Any:
        def final(answer: Any) -> bool:
            intervals, _ = gb_intervals(answer, self.base_url)
            settled = last.timestamp() + _SETTLED_S < self.cache.now()
            return settled and bool(intervals) and not any(isnan(interval[3]) for interval in intervals)

        return final


def _stamp(date: datetime) -> str:
    return date.strftime("%Y-%m-%dT%H:%MZ")


def clip(intervals: Any, start: datetime, end: datetime) -> list[Interval]:
    """Return the intervals that begin in [start, end), in order."""
    first, last = start.timestamp(), end.timestamp()
    return sorted(interval for interval in intervals if first <= interval[0] < last)


def _notes(intervals: Sequence[Interval], start: datetime, end: datetime, stale: Sequence[str]) -> list[str]:
    notes = []
    missing = sum(isnan(interval[3]) for interval in intervals)
    if missing:
        notes.append(f"{missing} half hours have no actual value (yet)")
    holes = [(one[1], other[0]) for one, other in pairwise(intervals) if other[0] > one[1]]
    edges = [start.timestamp(), *(intervals[0][0], intervals[-1][1]), end.timestamp()] if intervals else []
    if edges and edges[1] > edges[0]:
        holes.insert(0, (edges[0], edges[1]))
    if edges and edges[3] > edges[2]:
        holes.append((edges[2], edges[3]))
    if holes:
        hours = sum(after - before for before, after in holes) / 3600
        notes.append(
            f"{len(holes)} stretches, {hours:g} h in all, are not there, the first from {iso_text(holes[0][0])}"
        )
    if stale:
        notes.append(f"{len(stale)} answers come from the cache and may be old: the service did not answer")
    return notes
