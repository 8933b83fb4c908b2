"""Replies that hold nothing but EXECUTE_JOB are read by a short cut; it reads what the long way reads."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.simulator.profile_nodes import ProfileNodes
from wattq.simulator.protocol import ProtocolOptions
from wattq.simulator.registration import Registrations
from wattq.simulator.replies import _DECODER, Reply, ReplyReader

IDS = ["w0!0", "w0!1", "w0!\u00e9 x", "w1!0"]


def reader() -> ReplyReader:
    return ReplyReader(IDS, [], Registrations([], ProfileNodes(), ProtocolOptions()))


def long_way(text: str) -> Reply:
    """Read the same reply as an object, which the short cut leaves alone."""
    return reader().read(_DECODER.decode(text), 7)


def executes(*rows: tuple[Any, str, str]) -> list[dict[str, Any]]:
    return [
        {"timestamp": date, "type": "EXECUTE_JOB", "data": {"job_id": job_id, "alloc": alloc}}
        for date, job_id, alloc in rows
    ]


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
@pytest.mark.parametrize(
    "message",
    [
        {"now": 0, "events": []},
        {"now": 12.5, "events": []},
        {"now": 3, "events": executes((1.25, "w0!0", "0"), (3, "w1!0", "1-2"))},
        {"now": 3.0, "events": executes((3.0, "w0!\u00e9 x", "5 3-4 7 6"))},
        {"now": 999999999.123456, "events": executes((0.000125, "w0!1", "00012"))},
    ],
)
def test_plain_replies(message: dict[str, Any], separators: tuple[str, str]) -> None:
    text = json.dumps(message, separators=separators, ensure_ascii=False)
    assert reader()._plain(text) is not None
    assert reader().read(text, 7) == long_way(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        '{"now":1e3,"events":[]}',
        '{"now":-1,"events":[]}',
        '{"now":00,"events":[]}',
        '{"now":1.,"events":[]}',
        '{"now":1234567890,"events":[]}',
        '{"now":1.1234567,"events":[]}',
        '{"now":1,"events":[ ]}',
        '{"now":1,"events":[]}x',
        '{"events":[],"now":1}',
        json.dumps({"now": 1, "events": executes((2, "w0!0", "0"))}),
        json.dumps({"now": 1, "events": executes((1, "w0!9", "0"))}),
        json.dumps({"now": 1, "events": executes((1, "w0!0", "2-1"))}),
        json.dumps({"now": 1, "events": executes((1, "w0!0", "0,1"))}),
        json.dumps({"now": 1, "events": executes((1, "w0!0", ""))}),
        json.dumps({"now": 1, "events": executes((1, "w0!\u00e9 x", "0"))}),
        json.dumps({"now": 1, "events": executes((1, "w0!0", "0"))}).replace("]}", ",]}"),
        json.dumps({"now": 1, "events": executes((1, "w0!0", "0"), (1, "w0!1", "1"))}).replace("}, {", "} {"),
        json.dumps({"now": 1, "events": executes((1, "w0!0", "0"))}).replace('"0"}', '"0", "mapping": {"0": 0}}'),
        json.dumps({"now": 1, "events": [{"timestamp": 1, "type": "REJECT_JOB", "data": {"job_id": "w0!0"}}]}),
    ],
)
def test_anything_else_is_left_to_the_long_way(text: str) -> None:
    assert reader()._plain(text) is None


DATES = st.integers(0, 2_000_000_000) | st.floats(0, 1e10) | st.decimals(0, 10**9, places=6).map(float)
ALLOCS = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 3)), max_size=4).map(
    lambda pairs: " ".join(f"{low}" if not more else f"{low}-{low + more}" for low, more in pairs)
)


@settings(deadline=None, max_examples=200)
@given(DATES, st.lists(st.tuples(DATES, st.sampled_from([*IDS, "w0!9"]), ALLOCS), max_size=4), st.booleans())
def test_both_ways_read_the_same(now: Any, rows: list[tuple[Any, str, str]], compact: bool) -> None:
    separators = (",", ":") if compact else (", ", ": ")
    text = json.dumps({"now": now, "events": executes(*rows)}, separators=separators, ensure_ascii=False)
    assert reader().read(text, 7) == long_way(text)


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_a_changed_reply_is_read_as_the_long_way_reads_it(data: st.DataObject) -> None:
    """A short cut that takes what is no JSON would be found here."""
    text = json.dumps({"now": 5, "events": executes((5, "w0!0", "0-1"), (4.5, "w0!1", "2"))})
    at = data.draw(st.integers(0, len(text) - 1))
    changed = (
        text[:at] + data.draw(st.sampled_from(["", "0", " ", ",", '"', "\\", "}", "]", "-", "\n"])) + text[at + 1 :]
    )
    if reader()._plain(changed) is not None:
        assert reader().read(changed, 7) == long_way(changed)
