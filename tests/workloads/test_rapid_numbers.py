"""Numbers as Batsim's JSON library reads and prints them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.workloads.rapid_numbers import forwarded_number, parse_number

many = settings(deadline=None, max_examples=500)
DOUBLES = st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False, width=64)


def ulps(a: float, b: float) -> float:
    """Return the distance of two doubles in units of the last place of the first."""
    return abs(a - b) / math.ulp(a)


@many
@given(DOUBLES.filter(lambda x: 1e-290 < abs(x) < 1e290))
def test_numbers_are_read_within_two_units_of_the_last_place(x: float) -> None:
    assert ulps(x, parse_number(repr(x))) <= 2


@many
@given(st.integers(0, 10**15 - 1), st.integers(-15, 15))
def test_up_to_fifteen_digits_are_exact(digits: int, power: int) -> None:
    text = f"{digits}e{power}"
    assert parse_number(text) == float(text)


@many
@given(st.integers(0, 10**9 - 1), st.integers(0, 10**6 - 1))
def test_decimals_as_logs_have_them_are_exact(whole: int, fraction: int) -> None:
    text = f"{whole}.{fraction:06d}"
    assert parse_number(text) == float(text)
    assert parse_number(f"-{text}") == -float(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.5", 1.5),
        ("-1.5", -1.5),
        ("1e9", 1e9),
        ("1E+9", 1e9),
        ("0.1", 0.1),
        ("0.0", 0.0),
        ("123456789.123456", 123456789.123456),
        ("0.000001", 1e-6),
        ("1e-400", 0.0),
    ],
)
def test_numbers_are_read(text: str, value: float) -> None:
    assert parse_number(text) == value


def test_a_recorded_number_is_read_as_batsim_did() -> None:
    assert f"{parse_number('4063900000.0000005'):.6f}" == "4063900000.000001"


@pytest.mark.parametrize(
    "text", ["", "-", "abc", "1.", ".5", "1e", "0x10", "nan", "inf", " 1.5", "1.5 ", "1_0", "\u0661.5"]
)
def test_what_is_no_json_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a number"):
        parse_number(text)


@pytest.mark.parametrize("text", ["1e309", "-1e309", "9" * 400 + ".0", "1e999999999999"])
def test_numbers_beyond_doubles_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="too large for a double"):
        parse_number(text)


@pytest.mark.parametrize(
    ("value", "arrives"),
    [(13319999999.999998, 13320000000.0), (0.0, 0.0), (1.0, 1.0), (-7.0, -7.0), (0.5, 0.5), (1e9, 1e9), (0.1, 0.1)],
)
def test_forwarded_numbers(value: float, arrives: float) -> None:
    assert forwarded_number(value) == arrives


@many
@given(DOUBLES.filter(lambda x: 1e-290 < abs(x) < 1e290))
def test_forwarded_numbers_stay_close(x: float) -> None:
    assert ulps(x, forwarded_number(x)) <= 2
    assert forwarded_number(-x) == -forwarded_number(x)


@many
@given(st.integers(-(2**53) + 1, 2**53 - 1))
def test_whole_numbers_arrive_unchanged(n: int) -> None:
    assert forwarded_number(float(n)) == n


@pytest.mark.parametrize(
    ("x", "arrives"),
    [
        (0.02414, 0.024140000000000005),  # printed as 0.024140000000000003
        (0.1 + 0.2, 0.3000000000000001),  # printed as 0.30000000000000007
        (0.3, 0.3),
        (0.000123, 0.000123),
        (1e22, 1e22),
    ],
)
def test_decimals_arrive_as_in_rapidjson(x: float, arrives: float) -> None:
    assert forwarded_number(x) == arrives
