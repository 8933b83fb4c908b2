"""Interval strings."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.errors import InvalidInputError
from wattq.simulator.intervals import format_intervals, merge_intervals, parse_intervals


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("0", [(0, 0)]),
        ("0-1 3", [(0, 1), (3, 3)]),
        ("3 0-1", [(0, 1), (3, 3)]),
        ("1 0-1 0", [(0, 1)]),
        ("0-2 2-5", [(0, 5)]),
        ("0 1 2", [(0, 2)]),
        ("  4-4\t7 ", [(4, 4), (7, 7)]),
    ],
)
def test_texts_are_read(text: str, pairs: list[tuple[int, int]]) -> None:
    assert parse_intervals(text, "here", 8) == pairs


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no hosts given"),
        ("   ", "no hosts given"),
        ("0,1", "'0,1' is not a host or an interval"),
        ("-1", "'-1' is not"),
        ("0-", "'0-' is not"),
        ("a", "'a' is not"),
        ("1.0", "'1.0' is not"),
        ("0-1-2", "'0-1-2' is not"),
        ("\u0663", "is not a host"),
        ("2-1", "runs backwards"),
        ("0-8", "'0-8' is outside of hosts 0 to 7"),
        ("8", "'8' is outside"),
        ("9999999999", "is not a host"),
    ],
)
def test_wrong_texts_are_refused_with_their_place(text: str, words: str) -> None:
    with pytest.raises(InvalidInputError, match=f"^events.txt, line 3: .*{words}"):
        parse_intervals(text, "events.txt, line 3", 8)


def test_numbers_are_unchecked_where_the_machine_is_unknown() -> None:
    assert parse_intervals("5-999999999", "here") == [(5, 999999999)]


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 6)), min_size=1, max_size=12))
def test_intervals_name_the_same_hosts_there_and_back(parts: list[tuple[int, int]]) -> None:
    pairs = [(first, first + more) for first, more in parts]
    hosts = {k for first, last in pairs for k in range(first, last + 1)}
    merged = merge_intervals(pairs)
    assert [k for first, last in merged for k in range(first, last + 1)] == sorted(hosts)
    assert all(last + 1 < first for (_, last), (first, _) in pairwise(merged))
    assert parse_intervals(format_intervals(pairs), "here") == merged


def test_intervals_are_written_as_batsim_does() -> None:
    assert format_intervals([(3, 3), (0, 0), (1, 1)]) == "0-1 3"
    assert format_intervals([]) == ""
