"""JSON as Batsim prints it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.simulator.json_text import as_forwarded, json_text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1, "1"),
        (1.0, "1.000000"),
        (1e9, "1000000000.000000"),
        (1e-7, "0.000000"),
        (-1e-7, "-0.000000"),
        (0.1 + 0.2, "0.300000"),
        (-1, "-1"),
        (10**20, "100000000000000000000"),
        (True, "true"),
        (False, "false"),
        (None, "null"),
        ('w0!\u00e9 \n"\\', '"w0!\u00e9 \\n\\"\\\\"'),
        ([], "[]"),
        ({}, "{}"),
        ({"b": [1, 2.5, {"a": None}], "a": ()}, '{"b":[1,2.500000,{"a":null}],"a":[]}'),
    ],
)
def test_values_are_printed(value: Any, text: str) -> None:
    assert json_text(value) == text


VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None, max_examples=100)
@given(VALUES)
def test_what_is_printed_reads_back(value: Any) -> None:
    assert json.loads(json_text(value)) == value
    assert as_forwarded(value) == value


def test_doubles_change_on_their_way_and_integers_do_not() -> None:
    forwarded = as_forwarded({"cpu": 13319999999.999998, "com": 0, "list": (0.5, [13319999999.999998]), "text": "1.5"})
    assert forwarded == {"cpu": 13320000000.0, "com": 0, "list": [0.5, [13320000000.0]], "text": "1.5"}
    assert isinstance(forwarded["com"], int)
