"""The order of a C++ hash table, against what a program with ``std::unordered_map`` (GNU C++ library) printed."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.simulator.hash_order import hash_order, string_hash

PRINTED = {
    5: "4 3 2 1 0",
    14: "13 0 9 12 1 5 6 2 4 11 7 3 8 10",
    30: "29 8 25 7 11 6 5 1 4 12 9 2 13 3 14 16 18 19 24 21 22 0 20 17 23 26 10 28 15 27",
    60: "27 26 23 20 0 22 21 41 24 19 16 14 18 13 15 2 9 4 1 5 6 47 17 11 43 7 3 25 30 50 29 10 32 42 31 59 34 48 8 "
    "35 37 28 12 36 45 51 33 38 39 40 44 46 49 52 53 54 55 56 57 58",
}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (b"", 6142509188972423790),
        (b"a", 4993892634952068459),
        (b"hello", 2762169579135187400),
        (b"delay10", 11880255844635883361),
        (b"a longer key of 26 letters", 3708231994335701445),
    ],
)
def test_keys_are_hashed_as_the_library_does(key: bytes, value: int) -> None:
    assert string_hash(key) == value


@pytest.mark.parametrize("n", PRINTED)
def test_keys_come_in_the_order_of_the_table(n: int) -> None:
    """The sizes 14, 30 and 60 are the first ones after the table grew."""
    assert hash_order(f"p{k}" for k in range(n)) == [f"p{k}" for k in PRINTED[n].split()]


@settings(deadline=None, max_examples=50)
@given(st.lists(st.text(max_size=9), unique=True, max_size=80))
def test_every_key_comes_once(keys: list[str]) -> None:
    order = hash_order(keys)
    assert sorted(order) == sorted(keys)
    assert hash_order(keys) == order
