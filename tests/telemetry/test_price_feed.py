"""The feed of day-ahead prices: pieces by days, steps that change, negative prices."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from wattq.errors import InvalidInputError, SignalError
from wattq.telemetry import AnswerCache, Fetcher, PriceFeed
from wattq.telemetry.feed import parse_period

QUARTERS = datetime(2025, 10, 1, tzinfo=UTC)


def answer(path: str) -> dict[str, Any]:
    """Hours before October 2025, quarters of an hour from then on; the last day counts."""
    words = parse_qs(urlsplit(path).query)
    at = datetime.fromisoformat(words["start"][0]).replace(tzinfo=UTC)
    end = datetime.fromisoformat(words["end"][0]).replace(tzinfo=UTC) + timedelta(days=1)
    seconds = []
    while at < end:
        seconds.append(int(at.timestamp()))
        at += timedelta(minutes=15 if at >= QUARTERS else 60)
    return {"unix_seconds": seconds, "price": [second // 900 % 200 - 100 for second in seconds], "unit": "EUR / MWh"}


def fetch(service: Any, start: str, end: str, zone: str = "DE-LU", **words: Any) -> Any:
    feed = PriceFeed(zone, service.url, Fetcher(sleep=lambda seconds: None), **words)
    return feed.fetch(*parse_period(start, end))


def test_a_year_in_pieces(service: Any) -> None:
    service.says(answer)
    series = fetch(service, "2023-01-01", "2024-01-01")
    assert service.paths[0] == "/price?bzn=DE-LU&start=2022-12-31&end=2023-03-31"
    assert series.requests == len(service.paths) == 5
    start = datetime(2023, 1, 1, tzinfo=UTC).timestamp()
    assert [interval[:2] for interval in series.intervals] == [
        (start + 3600 * k, start + 3600 * (k + 1)) for k in range(8760)
    ]
    assert [interval[3] for interval in series.intervals] == [
        (start + 3600 * k) // 900 % 200 - 100 for k in range(8760)
    ]
    assert min(interval[3] for interval in series.intervals) == -100
    assert (series.region, series.unit) == ("DE-LU", "EUR/MWh")


def test_steps_change(service: Any) -> None:
    service.says(answer)
    series = fetch(service, "2025-09-30", "2025-10-02")
    assert [end - start for start, end, *_ in series.intervals] == [3600.0] * 24 + [900.0] * 96


def test_prices_are_kept(service: Any, tmp_path: Any) -> None:
    service.says(answer)
    cache = AnswerCache(tmp_path, now=datetime(2024, 1, 1, tzinfo=UTC).timestamp)
    first = fetch(service, "2023-01-01", "2023-02-01", cache=cache)
    assert fetch(service, "2023-01-01", "2023-02-01", cache=cache).intervals == first.intervals
    assert len(service.paths) == 1


def test_missing_prices_and_other_answers(service: Any) -> None:
    service.says(lambda path: {**answer(path), "price": [None, *answer(path)["price"][1:-54], *[None] * 54]})
    assert fetch(service, "2023-01-01", "2023-01-02").notes == ["6 prices are not there"]
    service.says(lambda path: {"detail": "no such zone"})
    with pytest.raises(SignalError, match="no 'unix_seconds' in the answer"):
        fetch(service, "2023-01-01", "2023-01-02")
    units = iter(("EUR/MWh", "GBP/MWh"))
    service.says(lambda path: {**answer(path), "unit": next(units)})
    with pytest.raises(SignalError, match="the unit changes within the period"):
        fetch(service, "2023-01-01", "2023-05-02")
    with pytest.raises(InvalidInputError, match="a bidding zone is a word"):
        PriceFeed("DE&LU")
