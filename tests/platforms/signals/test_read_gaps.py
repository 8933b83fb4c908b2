"""Order, overlaps and gaps: refused with file and line, or filled by a named rule."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.errors import SignalError
from wattq.platforms.signals import Signal, parse_signal
from wattq.platforms.signals.gaps import durations

START = datetime(2021, 6, 1, tzinfo=UTC).timestamp()


def hours_csv(hours: list[float], values: list[object] | None = None) -> str:
    found = values if values is not None else [10 * k for k in range(len(hours))]
    lines = ["Time (UTC),Intensity (gCO2/kWh)"]
    for hour, value in zip(hours, found, strict=True):
        lines.append(f"{datetime.fromtimestamp(START + hour * 3600, UTC):%Y-%m-%d %H:%M:%S},{value}")
    return "\n".join(lines) + "\n"


def read(text: str, **words: object) -> Signal:
    return parse_signal(text.encode(), "c.csv", **words)


def test_a_gap_is_refused_with_its_place_and_length() -> None:
    message = (
        r"c.csv, line 6: 1 gap, 2 h in all; the first one from 2021-06-01T05:00:00Z, 2 h long; mend the file, or name "
        r"a rule that fills gaps \(gaps, --gaps\): hold, linear, same-hour"
    )
    with pytest.raises(SignalError, match=message):
        read(hours_csv([0, 1, 2, 3, 4, 7, 8]))


def test_an_empty_cell_is_a_gap_too() -> None:
    with pytest.raises(SignalError, match=r"c.csv, line 3: 1 gap, 1 h in all; the first one from 2021-06-01T02:00"):
        read(hours_csv([0, 1, 2, 3], [5, 6, "", 8]))


@pytest.mark.parametrize(
    ("rule", "values"),
    [("hold", [0, 10, 20, 30, 40, 50, 60]), ("linear", [0, 10, 20, 30, 40, 40 + 10 / 3, 40 + 20 / 3, 50, 60])],
)
def test_rules_that_fill(rule: str, values: list[float]) -> None:
    signal = read(hours_csv([0, 1, 2, 3, 4, 7, 8]), gaps=rule)
    assert signal.value.tolist() == pytest.approx(values)
    assert signal.end_s == START + 9 * 3600
    assert f"filled by the rule '{rule}'" in signal.notes[0]
    assert signal.at(START + 6 * 3600) == pytest.approx(40.0 if rule == "hold" else 40 + 20 / 3)


def test_same_hour_of_the_day_before() -> None:
    signal = read(hours_csv([*range(30), 33, 34]), gaps="same-hour")
    assert signal.value[30:33].tolist() == [60, 70, 80]
    with pytest.raises(SignalError, match="no value a day before"):
        read(hours_csv([0, 1, 2, 3, 4, 7, 8]), gaps="same-hour")


def test_same_hour_over_two_days_repeats_what_was_filled() -> None:
    signal = read(hours_csv([*range(24), 74, 75]), gaps="same-hour")
    assert signal.value[24:74].tolist() == [10 * (k % 24) for k in range(24, 74)]


def test_same_hour_keeps_the_clock_over_the_change_of_time() -> None:
    # Berlin, 27 and 28 March 2021: the day before has 24 hours, this one 23.
    day = [f"2021-03-27 {hour:02d}:00,{hour}" for hour in range(24)]
    after = [f"2021-03-28 {hour:02d}:00,{hour}" for hour in (0, 1, 7, 8)]
    text = "Time,Intensity (g/kWh)\n" + "\n".join([*day, *after])
    signal = read(text, gaps="same-hour", time_zone="Europe/Berlin")
    assert signal.value[24:].tolist() == [0, 1, 3, 4, 5, 6, 7, 8]


def test_missing_ends_shorten_the_series() -> None:
    signal = read(hours_csv([0, 1, 2, 3, 4], ["n/a", 1, 2, "", ""]))
    assert (signal.start_s[0], signal.end_s) == (START + 3600, START + 3 * 3600)
    assert signal.notes == (
        "1 missing values before the first one left out; the series covers that much less",
        "2 missing values after the last one left out; the series covers that much less",
    )


def test_steps_may_change() -> None:
    hours = [0, 1, 2, 3, 4, 4.25, 4.5, 4.75, *(5 + k / 2 for k in range(12))]
    signal = read(hours_csv(hours))
    assert np.diff(signal.edges_s).tolist() == [3600] * 4 + [900] * 4 + [1800] * 12
    with pytest.raises(SignalError, match=r"10 gaps, 2\.5 h in all"):
        read(hours_csv(hours[:-1]))  # eleven longer steps in a row would be a new step; ten may be gaps


@pytest.mark.parametrize(
    ("hours", "message"),
    [
        ([0, 1, 1, 2], r"line 4: 2021-06-01T01:00:00Z overlaps line 3, which begins then too"),
        ([0, 2, 1, 3], r"line 4: 2021-06-01T01:00:00Z is before 2021-06-01T02:00:00Z of line 3; put rows in order"),
    ],
)
def test_double_and_reversed_rows(hours: list[float], message: str) -> None:
    with pytest.raises(SignalError, match=message):
        read(hours_csv(hours))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            "2021-06-01T01:00Z,2021-06-01T00:30Z,,5,GB",
            r"line 3: reversed interval, from 2021-06-01T01:00:00Z to",
        ),
        ("2021-06-01T01:00Z,2021-06-01T01:00Z,,5,GB", r"line 3: reversed interval"),
        (
            "2021-06-01T00:15Z,2021-06-01T01:00Z,,5,GB",
            r"line 3: the interval from 2021-06-01T00:15:00Z overlaps",
        ),
        (
            "2021-06-01T01:00Z,2021-06-01T01:30Z,,5,GB",
            r"line 2: 1 gap, 0.5 h in all; the first one from 2021-06",
        ),
        ("2021-06-01T00:30Z,2021-06-01T01:00Z,,x,GB", r"line 3: 'x' is no usable number"),
        ("2021-06-01T00:30Z,2021-06-01T01:00Z,,1e99,GB", r"line 3: '1e99' is no usable number"),
        ("2021-06-31T00:30Z,2021-06-01T01:00Z,,5,GB", r"line 3: '2021-06-31T00:30Z' is no date"),
        ("2021-06-01T00:30Z,2021-06-01T01:00Z,5", r"line 3: 3 cells; the header has 5"),
        ("2021-06-01T00:30Z,2021-06-01T01:00Z,,5,FR", r"2 regions \(GB, FR\); name one"),
    ],
)
def test_intervals_that_are_wrong(row: str, message: str) -> None:
    text = f"from,to,forecast,actual,region\n2021-06-01T00:00Z,2021-06-01T00:30Z,,4,GB\n{row}\n"
    with pytest.raises(SignalError, match=message):
        read(text)


def test_nothing_to_read() -> None:
    for text, message in (
        ("", "no rows"),
        ("Time (UTC),Intensity (g/kWh)\n", "no rows below the header"),
        (hours_csv([0, 1], ["", "-"]), "all 2 values are missing"),
    ):
        with pytest.raises(SignalError, match=message):
            read(text)
    with pytest.raises(SignalError, match="gaps 'zero': no rule of this name"):
        read(hours_csv([0, 1]), gaps="zero")


def test_durations_by_hand() -> None:
    assert durations([0.0]) == [3600.0]
    assert durations([0.0, 900.0]) == [900.0, 900.0]
    assert durations([0.0, 900.0, 1800.0, 2700.0, 6300.0, 7200.0]) == [900.0] * 6


@settings(deadline=None, max_examples=60)
@given(step=st.sampled_from([15, 30, 60]), n=st.integers(8, 60), data=st.data())
def test_holes_add_up(step: int, n: int, data: st.DataObject) -> None:
    """However many rows are cut out, the filled series covers the same span with the same step, and keeps the rest."""
    cut = data.draw(st.sets(st.integers(4, n - 5), max_size=5)) if n >= 12 else set()
    kept = [k for k in range(n) if k not in cut]
    signal = read(hours_csv([k * step / 60 for k in kept], [float(k) for k in kept]), gaps="linear")
    assert signal.start_s.tolist() == [START + k * step * 60 for k in range(n)]
    assert signal.value.tolist() == pytest.approx([float(k) for k in range(n)])
