"""`wattq telemetry`, `wattq signal`, `wattq data` on the command line."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from wattq.cli import main
from wattq.platforms.signals import read_signal


def run(capsys: pytest.CaptureFixture[str], *words: object, code: int = 0) -> tuple[str, str]:
    with pytest.raises(SystemExit) as end:
        main([str(word) for word in words])
    printed = capsys.readouterr()
    assert (end.value.code or 0) == code, printed
    return printed.out, printed.err


def half_hours(path: str) -> dict[str, Any]:
    first, last = (datetime.fromisoformat(text) for text in path.split("/")[2:])
    rows = []
    while first < last:
        after = first + timedelta(minutes=30)
        stamps = [moment.strftime("%Y-%m-%dT%H:%MZ") for moment in (first, after)]
        rows.append({"from": stamps[0], "to": stamps[1], "intensity": {"forecast": 50, "actual": first.hour * 10}})
        first = after
    return {"data": rows}


def test_carbon(service: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    service.says(half_hours)
    out, cache = tmp_path / "gb.csv", tmp_path / "cache"
    words = ("--from", "2023-01-01", "--to", "2023-01-31", "-o", out, "--url", service.url, "--cache", cache)
    printed, _ = run(capsys, "telemetry", "carbon", *words)
    assert "1440 intervals of GB (g/kWh) written" in printed
    assert "3 requests to GB Carbon Intensity API" in printed
    assert out.read_text().splitlines()[:3] == [
        "from,to,forecast,actual,region",
        "2023-01-01T00:00:00Z,2023-01-01T00:30:00Z,50,0,GB",
        "2023-01-01T00:30:00Z,2023-01-01T01:00:00Z,50,0,GB",
    ]
    signal = read_signal(out)
    assert (signal.value.size, signal.at(datetime(2023, 1, 3, 7, 45, tzinfo=UTC).timestamp())) == (1440, 70.0)
    again, _ = run(capsys, "telemetry", "carbon", *words, "--offline")
    assert "0 requests" in again


def test_price(service: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    start = int(datetime(2022, 12, 31, tzinfo=UTC).timestamp())
    service.says(
        lambda path: {
            "unix_seconds": [start + 3600 * k for k in range(72)],
            "price": [-1.5 * k for k in range(72)],
            "unit": "EUR / MWh",
        }
    )
    out = tmp_path / "de.csv.gz"
    words = ("--from", "2023-01-01", "--to", "2023-01-02", "--url", service.url, "--cache", tmp_path / "c")
    printed, _ = run(capsys, "telemetry", "price", "--zone", "FR", *words, "-o", out)
    assert "24 intervals of FR (EUR/MWh) written" in printed
    signal = read_signal(out)
    assert (signal.quantity, signal.unit, signal.region) == ("price", "EUR/MWh", "FR")
    assert signal.value.tolist() == [-1.5 * k for k in range(24, 48)]
    shown, _ = run(capsys, "signal", "show", out)
    assert "negative hours  24.0" in shown
    _, error = run(capsys, "telemetry", "price", *words, "-o", tmp_path / "de.txt", code=2)
    assert "the ending says what to write" in error


def test_carbon_that_is_not_there(service: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    service.says(lambda path: {"data": []})
    words = ("--from", "2023-01-01", "--to", "2023-01-02", "--url", service.url, "--cache", tmp_path / "c")
    _, error = run(capsys, "telemetry", "carbon", *words, "-o", tmp_path / "x.csv", code=2)
    assert "nothing for GB in this period" in error
    assert not (tmp_path / "x.csv").exists()
    service.answer = lambda path: (500, b"", {})
    more = ("--cache", tmp_path / "d", "--tries", "2", "--pause", "0")
    _, error = run(capsys, "telemetry", "carbon", *words, *more, "-o", tmp_path / "x.csv", code=1)
    assert "no usable answer in 2 tries (HTTP 500)" in error


def test_show_and_convert(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "p.csv"
    rows = [f"2021-03-28 {hour:02d}:00,{hour - 2}" for hour in (0, 1, 3, 4, 5)]
    file.write_text("\n".join(["Datetime,Price (EUR/MWh)", *rows]), encoding="utf-8")
    _, error = run(capsys, "signal", "show", file, code=2)
    assert "the zone of this wall clock is not known" in error
    shown, _ = run(capsys, "signal", "show", file, "--time-zone", "Europe/Berlin", "--region", "DE", "--json")
    assert json.loads(shown) | {"sha256": ""} == {
        "quantity": "price", "unit": "EUR/MWh", "region": "DE", "kind": "", "source": "",
        "from": "2021-03-27T23:00:00Z", "to": "2021-03-28T04:00:00Z", "time zone": "Europe/Berlin", "values": 5,
        "hours": 5.0, "steps": "5 of 60 min", "mean": 0.6, "min": -2.0, "max": 3.0, "negative hours": 2.0,
        "gaps": "none", "sha256": "", "synthetic": False, "notes": [],
    }  # fmt: skip
    out = tmp_path / "own.csv"
    printed, _ = run(capsys, "signal", "convert", file, out, "--time-zone", "Europe/Berlin", "--region", "DE")
    assert "5 values of price in EUR/MWh, from 2021-03-27T23:00:00Z to 2021-03-28T04:00:00Z, written to" in printed
    again = read_signal(out)
    assert (again.value.tolist(), again.time_zone, again.region) == ([-2, -1, 1, 2, 3], "Europe/Berlin", "DE")
    printed, _ = run(capsys, "signal", "convert", out, tmp_path / "days.csv", "--step", "120")
    assert "note: means over steps of 120 min" in printed
    assert read_signal(tmp_path / "days.csv").value.tolist() == [0, 2.5]


def test_gaps_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "c.csv"
    rows = [f"2021-06-01T{hour:02d}:00Z,{hour}" for hour in (0, 1, 2, 3, 4, 7, 8)]
    file.write_text("\n".join(["Time,Intensity (g/kWh)", *rows]), encoding="utf-8")
    _, error = run(capsys, "signal", "show", file, code=2)
    assert "c.csv, line 6: 1 gap, 2 h in all" in error
    shown, _ = run(capsys, "signal", "show", file, "--gaps", "hold")
    assert "1 gap, 2 h in all, filled" in shown
    assert "note: 1 gap, 2 h in all; the first one from 2021-06-01T05:00:00Z, 2 h long; filled by the rule" in shown


def test_factors_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "g.csv"
    file.write_text("Time (UTC),Other,Nuclear,Solar\n2021-06-01T00:00Z,500,500,0\n2021-06-01T01:00Z,500,500,0\n")
    _, error = run(capsys, "signal", "show", file, code=2)
    assert "Other have no emission factor and give 50% of the energy" in error
    shown, _ = run(capsys, "signal", "show", file, "--factor", "Other=700")
    assert "mean            358.0" in shown
    for word in ("Other", "=3", "Other=x"):
        _, error = run(capsys, "signal", "show", file, "--factor", word, code=2)
        assert "a pair KIND=NUMBER is expected" in error


def test_names_of_both_catalogues(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    listed, _ = run(capsys, "data", "list")
    assert "KTH-SP2: IBM SP2" in listed
    assert "electricitymaps-GB-2021: carbon intensity of GB" in listed
    entries = json.loads(run(capsys, "data", "list", "--json")[0])
    assert {"KTH-SP2", "smard-2018", "entsoe-DE-2020", "lwa-DE-2020"} <= {entry["name"] for entry in entries}
    _, error = run(capsys, "data", "get", "smart-2018", "--offline", code=2)
    assert "not in the catalogue; nearest names: smard-2018" in error
    _, error = run(capsys, "signal", "show", tmp_path / "none.csv", code=2)
    assert "no such file" in error
