"""What feeds have in common: periods, pieces of a period, cached questions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from wattq.errors import InvalidInputError
from wattq.platforms.signals.clock import parse_date
from wattq.telemetry.answer_cache import AnswerCache
from wattq.telemetry.http_json import FeedError, Fetcher

__all__ = ["Interval", "Series", "Source", "parse_period", "pieces"]

Interval = tuple[float, float, float, float]
"""Start and end (Unix seconds), forecast and actual value (NaN where there is none)."""

_FIRST = datetime(2000, 1, 1, tzinfo=UTC)
_LONGEST = timedelta(days=366 * 30)


@dataclass
class Series:
    """What a feed returned.

    Attributes:
        intervals: in order, without doubles, within the period asked for.
        region: of the values.
        unit: of the values.
        source: the service.
        requests: how many questions went over the network.
        notes: what a reader should know, such as intervals that are not there.
    """

    intervals: list[Interval]
    region: str
    unit: str
    source: str
    requests: int = 0
    notes: list[str] = field(default_factory=list)


@dataclass
class Source:
    """A service behind a cache.

    Attributes:
        fetcher: asks over the network.
        cache: answers on disk.
        offline: never ask.
        requests: questions asked so far.
        stale: addresses whose old answer was used because the service did not answer.
    """

    fetcher: Fetcher
    cache: AnswerCache
    offline: bool = False
    requests: int = 0
    stale: list[str] = field(default_factory=list)

    def ask(self, url: str, is_final: Callable[[Any], bool]) -> Any:
        """Return an answer from the cache, else from the service; an old answer where the service does not answer.

        Raises:
            FeedError: when there is none.
        """
        kept = self.cache.get(url, any_age=self.offline)
        if kept is not None:
            return kept
        if self.offline:
            raise FeedError(f"{url}: not in the cache, and asking is off; run once without --offline")
        try:
            self.requests += 1
            answer = self.fetcher.json(url)
        except FeedError:
            old = self.cache.get(url, any_age=True)
            if old is None:
                raise
            self.stale.append(url)
            return old
        self.cache.put(url, answer, final=is_final(answer))
        return answer


def parse_period(start: str, end: str) -> tuple[datetime, datetime]:
    """Return a period in UTC from two texts: dates (the end's day is not part of it), or dates with time and offset.

    Raises:
        InvalidInputError: for texts that are no dates, and an end that is not after the start.
    """
    first, last = _date(start, "--from"), _date(end, "--to")
    if not _FIRST <= first < last or last - first > _LONGEST:
        raise InvalidInputError(
            f"--from {start} --to {end}: the end must be after the start, both from 2000 on, at most 30 years apart"
        )
    return first, last


def _date(text: str, option: str) -> datetime:
    full = f"{text}T00:00Z" if len(text) == 10 else text
    date = parse_date(full)
    if date is None:
        raise InvalidInputError(f"{option} {text[:60]!r}: no date; write 2021-01-31, or 2021-01-31T14:30Z")
    return (date if date.tzinfo else date.replace(tzinfo=UTC)).astimezone(UTC)


def pieces(start: datetime, end: datetime, longest: timedelta) -> Iterator[tuple[datetime, datetime]]:
    """Yield a period in pieces of at most `longest`."""
    while start < end:
        last = min(start + longest, end)
        yield start, last
        start = last
