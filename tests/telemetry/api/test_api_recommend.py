"""When to start: the cheap hour, within the deadline, from what is knowable now."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wattq.platforms.signals import Signal, two_level, write_signal
from wattq.telemetry.api import make_service

NOW = 1_800_000_000.0  # 2027-01-15 08:00 UTC, a Friday
HOUR, DAY = 3600.0, 86_400.0
MIDNIGHT = NOW - 8 * HOUR
LOAD = {"cpu_usage_percent": 100}  # 0.45 kW

Make = Callable[..., Any]


@pytest.fixture
def ask(client_of: Make, settings_for: Make) -> Make:
    def make(now_s: float = NOW, **sections: Any) -> Any:
        return client_of(make_service(settings_for(**sections), clock=lambda: now_s))

    return make


def week(path: Path, quantity: str, unit: str, day: list[float], days: int = 7) -> str:
    """Write the same day again and again, before now and after it."""
    starts = MIDNIGHT - 3 * DAY + HOUR * np.arange(24 * days)
    write_signal(Signal(starts, float(starts[-1] + HOUR), np.tile(day, days), quantity, unit, region="X"), path)
    return str(path)


@pytest.fixture
def cheap_nights(tmp_path: Path) -> dict[str, str]:
    """Prices of two levels: 10 from 20:00 to 04:00, else 250 EUR/MWh."""
    day = [10.0 if hour < 4 or hour >= 20 else 250.0 for hour in range(24)]
    return {"price": week(tmp_path / "price.csv", "price", "EUR/MWh", day)}


def test_the_cheap_hour_is_recommended(ask: Make, cheap_nights: dict[str, str]) -> None:
    body = {"jobs": [{"duration_seconds": 3600, **LOAD}]}
    answer = ask(signals=cheap_nights).post("/schedule/recommend", body).json()
    (found,) = answer["recommendations"]
    assert answer["objective"] == "cost"
    assert (found["action"], found["start_time"]) == ("defer", "2027-01-15T20:00:00.000Z")
    assert found["delay_s"] == 12 * HOUR
    assert found["saving"]["cost"] == pytest.approx(0.45 * 0.24, rel=1e-9)
    assert found["saving"]["currency"] == "EUR"
    assert found["saving"]["energy_wh"] == 0.0
    assert found["saving"]["energy_reason"].startswith("0: neither temperature nor load")
    assert found["saving"]["co2_g"] == 0.0
    assert [option["rank"] for option in found["options"]] == [1, 2, 3, 4, 5]
    assert found["options"][0]["cost"] == pytest.approx(0.45 * 0.01, rel=1e-9)


def test_the_models_two_level_price(ask: Make, tmp_path: Path) -> None:
    """The price that requirements name, 250 by day and 10 by night, hour by hour."""
    signal = two_level(MIDNIGHT - 2 * DAY, 6)
    write_signal(signal, tmp_path / "price.csv")
    cheapest = [
        hour
        for hour in range(24)
        if signal.mean(NOW + hour * HOUR, NOW + (hour + 1) * HOUR) == float(np.min(signal.value))
    ]
    body = {"jobs": [{"duration_seconds": 3600, **LOAD}]}
    answer = ask(signals={"price": str(tmp_path / "price.csv")}).post("/schedule/recommend", body).json()
    (found,) = answer["recommendations"]
    assert found["delay_s"] == cheapest[0] * HOUR


def test_ranks_differ_between_jobs(ask: Make, cheap_nights: dict[str, str]) -> None:
    """A short job fits the cheap hours whole from 20:00; ten hours cost least where they touch all eight of them."""
    jobs = [
        {"job_id": "short", "duration_seconds": 3600, **LOAD},
        {"job_id": "long", "duration_seconds": 36_000, **LOAD},
        {"job_id": "urgent", "duration_seconds": 3600, "deadline_hours": 6, **LOAD},
    ]
    answer = ask(signals=cheap_nights).post("/schedule/recommend", {"jobs": jobs}).json()
    found = {each["job_id"]: each for each in answer["recommendations"]}
    starts = {name: [option["start_time"][11:16] for option in each["options"]] for name, each in found.items()}
    assert starts["short"] == ["20:00", "21:00", "22:00", "23:00", "00:00"]
    assert starts["long"] == ["18:00", "19:00", "20:00", "17:00", "21:00"]
    assert found["urgent"]["action"] == "start now"
    assert found["urgent"]["reason"] == "no later start within the deadline has a lower cost"


def test_the_deadline_holds(ask: Make, cheap_nights: dict[str, str]) -> None:
    client = ask(signals=cheap_nights)
    for hours, start in ((24, "20:00"), (13, "20:00"), (12.5, "08:00")):
        body = {"jobs": [{"duration_seconds": 3600, **LOAD}], "deadline_hours": hours}
        (found,) = client.post("/schedule/recommend", body).json()["recommendations"]
        assert found["start_time"][11:16] == start, hours
    body = {"jobs": [{"duration_seconds": 7200, **LOAD}], "deadline_hours": 1}
    (late,) = client.post("/schedule/recommend", body).json()["recommendations"]
    assert late["action"] == "start now"
    assert [flag["field"] for flag in late["prediction"]["flags"]] == ["deadline_hours"]


def test_small_savings_are_not_worth_a_wait(ask: Make, tmp_path: Path) -> None:
    price = week(tmp_path / "p.csv", "price", "EUR/MWh", [100.0 if hour != 12 else 98.0 for hour in range(24)])
    client = ask(signals={"price": price})
    jobs = [{"duration_seconds": 3600, **LOAD}]
    (found,) = client.post("/schedule/recommend", {"jobs": jobs}).json()["recommendations"]
    assert (found["action"], found["start_time"][11:16]) == ("defer", "12:00")
    (kept,) = client.post("/schedule/recommend", {"jobs": jobs, "least_saving_percent": 3}).json()["recommendations"]
    assert (kept["action"], kept["delay_s"], kept["saving"]["cost"]) == ("start now", 0.0, 0.0)
    assert kept["reason"] == "the best later start saves 2 % of the cost, less than 3 %"


def test_cost_or_carbon(ask: Make, tmp_path: Path) -> None:
    price = week(tmp_path / "p.csv", "price", "EUR/MWh", [50.0 if hour != 12 else 10.0 for hour in range(24)])
    carbon = week(tmp_path / "c.csv", "carbon", "g/kWh", [400.0 if hour != 15 else 100.0 for hour in range(24)])
    jobs = [{"duration_seconds": 3600, **LOAD}]
    both = ask(signals={"price": price, "carbon": carbon})
    starts = {}
    for objective in (None, "cost", "carbon"):
        (found,) = both.post("/schedule/recommend", {"jobs": jobs, "objective": objective}).json()["recommendations"]
        starts[objective] = found["start_time"][11:16]
    assert starts == {None: "12:00", "cost": "12:00", "carbon": "15:00"}
    assert found["saving"]["co2_g"] == pytest.approx(0.45 * 300.0, rel=1e-9)
    only = ask(signals={"carbon": carbon}).post("/schedule/recommend", {"jobs": jobs}).json()
    assert only["objective"] == "carbon"
    assert only["recommendations"][0]["start_time"][11:16] == "15:00"


def test_only_what_is_knowable_now_counts(ask: Make, tmp_path: Path) -> None:
    """A cheap hour that nobody knows of yet is not recommended; that of yesterday is expected again."""
    starts = MIDNIGHT - 2 * DAY + HOUR * np.arange(24 * 4)
    value = np.full(len(starts), 100.0)
    value[starts == MIDNIGHT + 10 * HOUR] = 1.0  # today at 10:00, after now
    value[starts == MIDNIGHT - DAY + 15 * HOUR] = 50.0  # yesterday at 15:00
    write_signal(Signal(starts, float(starts[-1] + HOUR), value, "price", "EUR/MWh", region="X"), tmp_path / "p.csv")
    signals = {"price": str(tmp_path / "p.csv")}
    body = {"jobs": [{"duration_seconds": 3600, **LOAD}]}
    (found,) = ask(signals=signals).post("/schedule/recommend", body).json()["recommendations"]
    assert found["start_time"][11:16] == "15:00"
    perfect = ask(signals=signals, api={"forecast": "perfect"}).post("/schedule/recommend", body).json()
    assert perfect["recommendations"][0]["start_time"][11:16] == "10:00"
    assert "upper bound" in perfect["cost_source"]


def test_without_signals_jobs_start_now(ask: Make) -> None:
    body = {
        "jobs": [
            {"job_type": "cpu", "job_id": "a"},
            {"job_type": "io", "job_id": "b"},
            {"hosts": 1000, "duration_seconds": 9},
        ]
    }
    answer = ask().post("/schedule/recommend", body).json()
    assert {each["action"] for each in answer["recommendations"]} == {"start now"}
    assert "no price signal is set" in answer["cost_source"]
    order = [each["priority_score"] for each in answer["recommendations"]]
    assert order == sorted(order, reverse=True)
    assert [each["rank"] for each in answer["recommendations"]] == [1, 2, 3]
    assert [each["job_id"] for each in answer["recommendations"]] == ["b", "a", None]
    for each in answer["recommendations"]:
        efficiency = each["predicted_energy_wh"] / each["predicted_duration_seconds"]
        assert each["efficiency_score"] == pytest.approx(efficiency, rel=1e-12)
        assert each["priority_score"] == pytest.approx(1.0 / (1.0 + efficiency / 100.0), rel=1e-12)
    words = {each["job_id"]: each["recommendation"] for each in answer["recommendations"]}
    assert words == {"b": "high", "a": "high", None: "medium"}  # 1000 nodes draw 83 Wh/s


def test_the_upper_end_of_the_run_time_meets_the_deadline(
    ask: Make, cheap_nights: dict[str, str], bundles: dict[str, str]
) -> None:
    job = {"user": 3, "group": 0, "queue": 0, "application": 3, "hosts": 2, "walltime_s": 7200}
    client = ask(signals=cheap_nights, api=bundles)
    upper_s = client.post("/predict", job).json()["duration_interval"]["upper"]
    for spare_s, start in ((1.0, "20:00"), (-1.0, "19:00")):
        body = {"jobs": [job], "deadline_hours": 12.0 + (upper_s + spare_s) / HOUR}
        (found,) = client.post("/schedule/recommend", body).json()["recommendations"]
        assert found["start_time"][11:16] == start


def test_the_short_way_to_ask(ask: Make, cheap_nights: dict[str, str]) -> None:
    client = ask(signals=cheap_nights)
    short = client.get("/recommend/schedule", params={"job_type": "cpu", "duration": 3600}).json()
    long = client.post("/schedule/recommend", {"jobs": [{"job_type": "cpu", "duration_seconds": 3600}]}).json()
    assert short == long
    assert short["recommendations"][0]["start_time"][11:16] == "20:00"
    for query in (
        {},
        {"duration": 0},
        {"duration": "nan"},
        {"duration": 60, "job_type": "x"},
        {"duration": 60, "deadline_hours": 200},
    ):
        assert client.get("/recommend/schedule", params=query).status_code == 422, query


def test_jobs_of_another_day(ask: Make, cheap_nights: dict[str, str]) -> None:
    """The deadline counts from the submission; a forecast is that of the submission, and reaches a year."""
    client = ask(signals=cheap_nights)
    job = {"duration_seconds": 3600, **LOAD}
    for date, start in (("2027-01-14T10:00:00Z", "2027-01-14T20:00"), ("2027-02-14T10:30:00Z", "2027-02-14T20:00")):
        answer = client.post("/schedule/recommend", {"jobs": [{**job, "submit_time": date}]}).json()
        assert answer["recommendations"][0]["start_time"].startswith(start)
    body = {"jobs": [{"duration_seconds": 300 * DAY, "submit_time": NOW + 300 * DAY, **LOAD}]}
    (far,) = client.post("/schedule/recommend", body).json()["recommendations"]
    assert far["action"] == "start now"
    assert "no forecast of the price reaches further than 366 days" in far["prediction"]["cost_source"]
