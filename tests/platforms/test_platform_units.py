from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.platforms.units_text import (
    format_bandwidth,
    format_number,
    format_speed,
    parse_bandwidth,
    parse_speed,
    parse_speeds,
    parse_time,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("100Mf", 100e6),
        ("1Gf", 1e9),
        ("0.2f", 0.2),
        ("16.673E9flops", 16.673e9),
        ("2gigaflops", 2e9),
        (" 5kf ", 5000.0),
        ("7", 7.0),
        ("1e-9Mf", 1e-9 * 1e6),
    ],
)
def test_speeds_in_flop_per_second(text: str, value: float) -> None:
    assert parse_speed(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("498MBps", 498e6),
        ("1.25GBps", 1.25e9),
        ("56Gbps", 7e9),
        ("1KiBps", 1024.0),
        ("8bps", 1.0),
        ("1.875E8", 1.875e8),
        ("1e300Bps", 1e300),
    ],
)
def test_bandwidths_in_bytes_per_second(text: str, value: float) -> None:
    assert parse_bandwidth(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("15us", 15 * 1e-6),
        ("10ms", 10 * 1e-3),
        ("2.4E-5s", 2.4e-5),
        ("1ns", 1e-9),
        ("1m", 60.0),
        ("1w", 604800.0),
        ("0", 0.0),
    ],
)
def test_durations_in_seconds(text: str, value: float) -> None:
    assert parse_time(text) == value


def test_a_list_of_speeds_may_hold_blanks() -> None:
    assert parse_speeds("100.0Mf, 88.5Mf,1f") == (100e6, 88.5e6, 1.0)


@pytest.mark.parametrize(
    "text", ["", "Mf", "1 Mf", "1Xf", "-1Mf", "nan", "infMf", "1e400f", "1e308Yf", "0x10f", "\uff11f"]
)
def test_what_is_no_speed_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a speed"):
        parse_speed(text)


def test_no_bandwidth_of_zero_and_no_endless_list() -> None:
    with pytest.raises(ValueError, match="above 0"):
        parse_bandwidth("0Bps")
    with pytest.raises(ValueError, match="at most 1000"):
        parse_speeds(",".join(["1f"] * 1001))


@settings(deadline=None)
@given(st.floats(min_value=1e-300, max_value=1e300))
def test_what_is_written_reads_back_as_the_same_double(value: float) -> None:
    assert parse_speed(format_speed(value)) == value
    assert parse_bandwidth(format_bandwidth(value)) == value
    assert float(format_number(value)) == value


def test_round_numbers_are_written_short() -> None:
    assert [format_speed(x) for x in (1e9, 0.75e9, 100e6, 1.0, 0.2)] == ["1Gf", "0.75Gf", "0.1Gf", "1f", "0.2f"]
    assert format_number(100.0) == "100"
