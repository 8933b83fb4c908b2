"""The feed of Great Britain's carbon intensity: pieces, clipping, cache, tries."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import isnan
from pathlib import Path
from typing import Any

import pytest

from wattq.errors import InvalidInputError, SignalError
from wattq.telemetry import AnswerCache, CarbonFeed, FeedError, Fetcher
from wattq.telemetry.feed import parse_period

HALF = timedelta(minutes=30)


def intensity(start: datetime) -> int:
    """A value that tells the half hour it belongs to."""
    return int(start.timestamp() // 1800) % 400


def answer(path: str, unknown_from: datetime | None = None) -> dict[str, Any]:
    """Answer as the service does: the half hour before the period comes too."""
    _, _, first, last = path.split("/")
    start, end = (datetime.fromisoformat(text) for text in (first, last))
    assert timedelta() < end - start <= timedelta(days=14)
    rows = []
    at = start - HALF
    while at < end:
        actual = None if unknown_from is not None and at >= unknown_from else intensity(at)
        stamps = (moment.strftime("%Y-%m-%dT%H:%MZ") for moment in (at, at + HALF))
        words = {"forecast": intensity(at) + 3, "actual": actual, "index": "low"}
        rows.append({**dict(zip(("from", "to"), stamps, strict=True)), "intensity": words})
        at += HALF
    return {"data": rows}


def feed(service: Any, cache: Path | None = None, **words: Any) -> tuple[CarbonFeed, list[float]]:
    pauses: list[float] = []
    now = words.pop("now", datetime(2024, 1, 1, tzinfo=UTC))
    kept = AnswerCache(cache, now=now.timestamp)
    return CarbonFeed(service.url, Fetcher(pause_s=1.0, sleep=pauses.append, **words), kept), pauses


def test_thirty_days_take_three_requests(service: Any) -> None:
    service.says(answer)
    series = feed(service)[0].fetch(*parse_period("2023-01-01", "2023-01-31"))
    assert service.paths == [
        "/intensity/2023-01-01T00:00Z/2023-01-15T00:00Z",
        "/intensity/2023-01-15T00:00Z/2023-01-29T00:00Z",
        "/intensity/2023-01-29T00:00Z/2023-01-31T00:00Z",
    ]
    assert series.requests == 3
    start = datetime(2023, 1, 1, tzinfo=UTC)
    half_hours = [start + k * HALF for k in range(30 * 48)]
    assert series.intervals == [
        (at.timestamp(), at.timestamp() + 1800, intensity(at) + 3, intensity(at)) for at in half_hours
    ]
    assert (series.region, series.unit, series.notes) == ("GB", "g/kWh", [])


def test_answers_are_asked_for_once(service: Any, tmp_path: Path) -> None:
    service.says(answer)
    period = parse_period("2023-01-01", "2023-01-31")
    first = feed(service, tmp_path)[0].fetch(*period)
    again = feed(service, tmp_path)[0].fetch(*period)
    assert len(service.paths) == 3
    assert again.intervals == first.intervals
    assert again.requests == 0
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json"] * 3


def test_the_newest_values_are_asked_for_again(service: Any, tmp_path: Path) -> None:
    now = datetime(2023, 1, 2, 10, 10, tzinfo=UTC)
    period = parse_period("2023-01-01", "2023-01-03")
    service.says(lambda path: answer(path, unknown_from=now - HALF))
    series = feed(service, tmp_path, now=now)[0].fetch(*period)
    assert [isnan(interval[3]) for interval in series.intervals] == [False] * 68 + [True] * 28
    assert series.notes == ["28 half hours have no actual value (yet)"]
    feed(service, tmp_path, now=now + timedelta(minutes=20))[0].fetch(*period)
    assert len(service.paths) == 1  # young enough
    service.says(answer)
    later = feed(service, tmp_path, now=now + timedelta(hours=1))[0].fetch(*period)
    assert len(service.paths) == 2
    assert not any(isnan(interval[3]) for interval in later.intervals)


def test_an_old_answer_serves_when_the_service_does_not(service: Any, tmp_path: Path) -> None:
    now = datetime(2023, 1, 2, 10, 10, tzinfo=UTC)
    period = parse_period("2023-01-01", "2023-01-03")
    service.says(answer)
    feed(service, tmp_path, now=now)[0].fetch(*period)
    service.answer = lambda path: (503, b"", {})
    asked, pauses = feed(service, tmp_path, now=now + timedelta(hours=5))
    series = asked.fetch(*period)
    assert pauses == [1.0, 2.0, 4.0, 8.0]
    assert series.notes == ["1 answers come from the cache and may be old: the service did not answer"]


def test_offline_uses_the_cache_alone(service: Any, tmp_path: Path) -> None:
    service.says(answer)
    period = parse_period("2023-01-01", "2023-01-03")
    cache = AnswerCache(tmp_path)
    with pytest.raises(FeedError, match="not in the cache, and asking is off"):
        CarbonFeed(service.url, cache=cache, offline=True).fetch(*period)
    feed(service, tmp_path)[0].fetch(*period)
    assert CarbonFeed(service.url, cache=cache, offline=True).fetch(*period).requests == 0
    assert len(service.paths) == 1


def test_a_damaged_cache_is_asked_for_again(service: Any, tmp_path: Path) -> None:
    service.says(answer)
    period = parse_period("2023-01-01", "2023-01-03")
    for content in ("", "[]", '{"url": "x"}', "{" * 9):
        for path in tmp_path.iterdir():
            path.write_text(content)
        assert feed(service, tmp_path)[0].fetch(*period).requests == 1


def test_pauses_grow_and_obey_the_service(service: Any) -> None:
    answers = [(500, b"", {}), (429, b"", {"Retry-After": "7"}), (200, b"{", {}), (200, b"abc", {"X-Length": "10"})]

    def next_answer(path: str) -> Any:
        if answers:
            return answers.pop(0)
        service.says(answer)
        return service.answer(path)

    service.answer = next_answer
    asked, pauses = feed(service)
    assert len(asked.fetch(*parse_period("2023-01-01", "2023-01-02")).intervals) == 48
    assert pauses == [1.0, 7.0, 4.0, 8.0]


def test_refusals_are_not_repeated(service: Any) -> None:
    service.answer = lambda path: (400, b'{"error": "Bad Request"}', {})
    asked, pauses = feed(service)
    with pytest.raises(FeedError, match=r"refused with HTTP 400 .*Bad Request"):
        asked.fetch(*parse_period("2023-01-01", "2023-01-02"))
    assert (len(service.paths), pauses) == (1, [])


def test_a_service_that_is_not_there() -> None:
    pauses: list[float] = []
    asked = CarbonFeed("http://127.0.0.1:9", Fetcher(tries=2, sleep=pauses.append))
    with pytest.raises(FeedError, match="no usable answer in 2 tries"):
        asked.fetch(*parse_period("2023-01-01", "2023-01-02"))
    assert pauses == [1.0]
    with pytest.raises(InvalidInputError, match="no HTTP address"):
        CarbonFeed("file:///etc").fetch(*parse_period("2023-01-01", "2023-01-02"))


def test_answers_of_another_shape(service: Any) -> None:
    service.says(lambda path: {"data": "no"})
    with pytest.raises(SignalError, match="no list 'data'"):
        feed(service)[0].fetch(*parse_period("2023-01-01", "2023-01-02"))
    service.says(lambda path: [1])
    with pytest.raises(SignalError, match="not an answer"):
        feed(service)[0].fetch(*parse_period("2023-01-01", "2023-01-02"))


def test_holes_are_named(service: Any) -> None:
    def holey(path: str) -> object:
        return {"data": [row for k, row in enumerate(answer(path)["data"]) if k not in (1, 5, 6, 48)]}

    service.says(holey)
    series = feed(service)[0].fetch(*parse_period("2023-01-01", "2023-01-02"))
    assert series.notes == ["3 stretches, 2 h in all, are not there, the first from 2023-01-01T00:00:00Z"]


@pytest.mark.parametrize(
    ("start", "end", "message"),
    [
        ("2023-01-02", "2023-01-02", "the end must be after the start"),
        ("2023-01-02", "2023-01-01", "the end must be after the start"),
        ("1990-01-02", "2023-01-01", "both from 2000 on"),
        ("yesterday", "2023-01-01", "--from 'yesterday': no date"),
        ("2023-01-01", "2023-02-30", "--to '2023-02-30': no date"),
    ],
)
def test_periods_that_are_wrong(start: str, end: str, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        parse_period(start, end)


def test_periods_with_offsets() -> None:
    start, end = parse_period("2023-01-01T02:00+02:00", "2023-01-01T14:30Z")
    assert (start.isoformat(), end.isoformat()) == ("2023-01-01T00:00:00+00:00", "2023-01-01T14:30:00+00:00")
