"""Wall clocks and UTC offsets: short and long days, dates that do not exist, offsets that are wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.errors import SignalError
from wattq.platforms.signals import Signal, parse_signal

HOUR = 3600.0


def read(text: str, **words: object) -> Signal:
    return parse_signal(text.encode(), "prices.csv", **words)


def csv_of(dates: list[str]) -> str:
    return "Datetime,Price (EUR/MWh)\n" + "".join(f"{date},{k}\n" for k, date in enumerate(dates))


def clock(day: str, hours: list[int]) -> list[str]:
    return [f"{day} {hour:02d}:00:00" for hour in hours]


def unix(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize(
    ("day", "hours", "length"),
    [
        ("2021-03-28", [0, 1, *range(3, 24)], 23),  # the clocks of Berlin skip 02:00
        ("2021-10-31", [0, 1, 2, 2, *range(3, 24)], 25),  # and show it twice
        ("2021-06-01", list(range(24)), 24),
    ],
)
def test_days_of_berlin(day: str, hours: list[int], length: int) -> None:
    signal = read(csv_of(clock(day, hours)), time_zone="Europe/Berlin")
    start = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo("Europe/Berlin")).timestamp()
    assert signal.start_s.tolist() == [start + k * HOUR for k in range(length)]
    assert signal.end_s == start + length * HOUR
    assert signal.notes == ()
    assert signal.time_zone == "Europe/Berlin"


def test_an_hour_that_does_not_exist_is_dropped_and_named() -> None:
    signal = read(csv_of(clock("2023-03-26", [0, 1, 2, 3, 4])), time_zone="Europe/Paris")
    assert signal.value.tolist() == [0, 1, 3, 4]
    assert signal.start_s.tolist() == [unix("2023-03-25T23:00Z") + k * HOUR for k in range(4)]
    assert signal.notes == ("rows at 2023-03-26 02:00 dropped: the clocks of Europe/Paris skip this time",)


def test_one_row_for_two_hours_stands_for_both() -> None:
    signal = read(csv_of(clock("2023-10-29", [0, 1, 2, 3])), time_zone="Europe/Paris")
    assert signal.value.tolist() == [0, 1, 2, 2, 3]
    assert np.diff(signal.edges_s).tolist() == [HOUR] * 5
    assert "2023-10-29 02:00 stand for both times" in signal.notes[0]


def test_quarter_hours_of_the_repeated_hour() -> None:
    dates = [f"2021-10-31 {hour:02d}:{minute:02d}" for hour in (1, 2, 2, 3) for minute in (0, 15, 30, 45)]
    signal = read(csv_of(dates), time_zone="Europe/Berlin")
    assert signal.start_s.tolist() == [unix("2021-10-30T23:00Z") + k * 900 for k in range(16)]
    once = [date for k, date in enumerate(dates) if not 8 <= k < 12]
    signal = read(csv_of(once), time_zone="Europe/Berlin")
    assert signal.value.tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 4, 5, 6, 7, 8, 9, 10, 11]


def test_half_hour_shift_of_lord_howe() -> None:
    dates = [f"2021-04-04 {hour:02d}:{minute:02d}" for hour in (0, 1, 2, 3) for minute in (0, 30)]
    again = [*dates[:4], "2021-04-04 01:30", *dates[4:]]
    signal = read(csv_of(again), time_zone="Australia/Lord_Howe")
    assert np.diff(signal.edges_s).tolist() == [1800.0] * 9


def test_dates_with_offsets_are_instants() -> None:
    text = "\ufeffDate,Price\n2023-03-26T01:00+01:00,-5\n2023-03-26T03:00+02:00,7\n2023-03-26T04:00+02:00,8\n"
    signal = read(text)
    assert signal.start_s.tolist() == [unix("2023-03-26T00:00Z") + k * HOUR for k in range(3)]
    assert signal.value.tolist() == [-5, 7, 8]
    assert signal.unit == "EUR/MWh"
    assert signal.notes == ("no unit in the file: EUR/MWh is taken, as files 'Date,Price' mean it",)


def test_wrong_offsets_are_reported_and_the_zone_counts() -> None:
    rows = ["2023-03-25T23:00+01:00", "2023-03-26T00:00+01:00", "2023-03-26T01:00+01:00", "2023-03-26T03:00+01:00"]
    text = csv_of([*rows, "2023-03-26T04:00+02:00"])
    signal = read(text, time_zone="Europe/Berlin")
    assert np.diff(signal.edges_s).tolist() == [HOUR] * 5
    assert signal.notes[0].startswith("1 dates carry an offset that Europe/Berlin does not have then (first: 2023-03-2")
    with pytest.raises(SignalError, match=r"line 6: 2023-03-26T02:00:00Z overlaps line 5"):
        read(text)  # without a zone nothing can be compared, and the instants collide


def test_one_offset_throughout_is_taken_at_its_word() -> None:
    text = csv_of([f"2021-06-01T{hour:02d}:00Z" for hour in range(4)])
    signal = read(text, time_zone="Europe/London")
    assert signal.start_s[0] == unix("2021-06-01T00:00Z")
    assert signal.time_zone == "Europe/London"


def test_a_wall_clock_needs_its_zone() -> None:
    with pytest.raises(SignalError, match=r"prices.csv: dates carry no UTC offset.*--time-zone"):
        read(csv_of(clock("2021-06-01", [0, 1])))
    with pytest.raises(SignalError, match=r"time zone 'Mars/Base': no IANA name"):
        read(csv_of(clock("2021-06-01", [0, 1])), time_zone="Mars/Base")
    utc = csv_of(clock("2021-06-01", [0, 1])).replace("Datetime", "Datetime (UTC)")
    assert read(utc).start_s[0] == unix("2021-06-01T00:00Z")


def test_dates_with_and_without_offset_do_not_mix() -> None:
    with pytest.raises(SignalError, match="1 of 2 dates carry a UTC offset"):
        read(csv_of(["2021-06-01 00:00", "2021-06-01T01:00Z"]))


@settings(deadline=None, max_examples=40)
@given(
    zone=st.sampled_from(["Europe/Berlin", "Europe/London", "America/New_York", "Australia/Lord_Howe", "UTC"]),
    day=st.integers(0, 364),
    length=st.integers(1, 12),
    minutes=st.sampled_from([15, 30, 60]),
)
def test_wall_clock_and_back(zone: str, day: int, length: int, minutes: int) -> None:
    """Whatever the zone, days written as its wall clock, in order, come back as the instants they were."""
    start = datetime(2021, 1, 1, tzinfo=UTC) + timedelta(days=day)
    instants = [start + timedelta(minutes=minutes * k) for k in range(length * 24 * 60 // minutes)]
    dates = [instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None).isoformat(" ") for instant in instants]
    repeated = {instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None) for instant in instants}
    if dates[0] == dates[-1] or len(repeated) < len(dates) or zone == "UTC":
        signal = read(csv_of(dates), time_zone=zone)
        assert signal.start_s.tolist() == [instant.timestamp() for instant in instants]
