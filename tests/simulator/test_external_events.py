"""Files of external events."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.errors import InvalidInputError, MissingFileError, WattqError
from wattq.simulator import layout as c
from wattq.simulator.external import ExternalEvents, parse_events, read_events


def line(date: object, kind: str = "machine_unavailable", resources: object = "0") -> str:
    return json.dumps({"timestamp": date, "type": kind, "resources": resources})


def listed(events: ExternalEvents) -> list[tuple[float, int, list[list[int]]]]:
    """Return (date, kind, intervals) of each event."""
    n = sum(events.sizes)
    return [
        (float(r["time_s"]), int(r["kind"]), events.intervals[r["iv"] : r["iv"] + r["n_iv"]].tolist())
        for r in events.records[:n]
    ]


def test_events_are_sorted_by_date_then_kind_then_line() -> None:
    text = "\n".join(
        [
            line(5, "machine_unavailable", "2"),
            "",
            line(5.0, "machine_available", "3 0-1"),
            "   ",
            line(1.5, "machine_unavailable", "1"),
            line(5, "machine_unavailable", "0"),
        ]
    )
    events = parse_events(text.encode(), "e.txt", 4)
    assert listed(events) == [
        (1.5, c.EV_UNAVAILABLE, [[1, 1]]),
        (5.0, c.EV_AVAILABLE, [[0, 1], [3, 3]]),
        (5.0, c.EV_UNAVAILABLE, [[2, 2]]),
        (5.0, c.EV_UNAVAILABLE, [[0, 0]]),
    ]


def test_unknown_events_are_passed_on_where_asked_for() -> None:
    text = '{"timestamp": 3, "type": "cooling", "room": 7}'
    events = parse_events(text.encode(), "e.txt", 4, forward_unknown=True)
    assert listed(events) == [(3.0, c.EV_GENERIC, [])]
    assert events.texts == (text,)
    with pytest.raises(InvalidInputError, match=r"^e\.txt, line 1, key 'type': unknown event 'cooling'; use machine_"):
        parse_events(text.encode(), "e.txt", 4)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "line 1: not a JSON object"),
        ("\n\nx", "line 3: not a JSON object"),
        ("[]", "line 1: an event needs the keys 'timestamp' and 'type'"),
        ("3", "line 1: an event needs the keys"),
        ('{"type": "machine_available"}', "line 1: an event needs the keys"),
        ('{"timestamp": 1}', "line 1: an event needs the keys"),
        (line("1"), "line 1, key 'timestamp': '1' is not a finite number"),
        (line(True), "line 1, key 'timestamp': True is not"),
        (line(None), "line 1, key 'timestamp': None is not"),
        (line(float("nan")), "line 1, key 'timestamp': nan is not"),
        (line(float("inf")), "line 1, key 'timestamp': inf is not"),
        (line(1, "reboot"), "line 1, key 'type': unknown event 'reboot'"),
        (line(1, resources=None), "line 1, key 'resources': None is not an interval string"),
        (line(1, resources=3), "line 1, key 'resources': 3 is not an interval string"),
        (line(1, resources=""), "line 1, key 'resources': no hosts given"),
        (line(1, resources="4"), "line 1, key 'resources': '4' is outside of hosts 0 to 3"),
        (line(1, resources="x"), "line 1, key 'resources': 'x' is not a host"),
        (line(2) + "\n" + line(1, resources="9"), "line 2, key 'resources': '9' is outside"),
    ],
)
def test_wrong_lines_are_named(text: str, message: str) -> None:
    with pytest.raises(InvalidInputError, match=f"^e.txt, {re.escape(message)}"):
        parse_events(text.encode(), "e.txt", 4)


def test_other_encodings_are_refused() -> None:
    with pytest.raises(InvalidInputError, match=r"^e\.txt: not UTF-8 text"):
        parse_events(b"\xff\xfe", "e.txt", 4)


def test_files_keep_their_order(tmp_path: Path) -> None:
    first, empty, second = (tmp_path / name for name in ("a", "b", "c"))
    first.write_text(line(9, resources="3"), encoding="utf-8")
    empty.write_text("\n", encoding="utf-8")
    second.write_text(line(2, resources="1") + "\n" + line(1, resources="0 2"), encoding="utf-8")
    events = read_events([first, empty, second], 4)
    assert events.sizes == (1, 0, 2)
    assert listed(events) == [
        (9.0, c.EV_UNAVAILABLE, [[3, 3]]),
        (1.0, c.EV_UNAVAILABLE, [[0, 0], [2, 2]]),
        (2.0, c.EV_UNAVAILABLE, [[1, 1]]),
    ]
    assert events.records["number"].tolist() == [0, 1, 2]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"nothing.txt: cannot be read \(No such file"):
        read_events([tmp_path / "nothing.txt"], 4)


def test_no_files_are_no_events() -> None:
    assert read_events([], 4).sizes == ()


GOOD = (line(1) + "\n" + line(2, "machine_available", "0-1 3") + "\n").encode()


@settings(deadline=None, max_examples=300)
@given(st.integers(0, len(GOOD) - 1), st.binary(max_size=3), st.integers(0, 3), st.booleans())
def test_mutated_files_give_events_or_a_clear_error(at: int, new: bytes, cut: int, forward: bool) -> None:
    data = GOOD[:at] + new + GOOD[at + cut :]
    with suppress(InvalidInputError):
        events = parse_events(data, "e.txt", 4, forward_unknown=forward)
        assert sum(events.sizes) == len(events.texts)


def test_a_date_too_large_for_a_double_is_refused() -> None:
    text = '{"timestamp": 1' + "0" * 400 + ', "type": "machine_available", "resources": "0"}'
    with pytest.raises(WattqError):
        parse_events(text.encode(), "e.txt", 4)


def test_an_integer_of_thousands_of_digits_is_refused() -> None:
    text = '{"timestamp": 1' + "0" * 5000 + ', "type": "machine_available", "resources": "0"}'
    with pytest.raises(InvalidInputError, match="line 1"):
        parse_events(text.encode(), "e.txt", 4)
