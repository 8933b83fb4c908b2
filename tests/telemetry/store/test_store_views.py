"""Views and functions against values worked out by hand, on six rows each."""

from __future__ import annotations

import time
from typing import Any

import pytest
import sqlalchemy as sa

from wattq.telemetry.store import VIEWS, Store
from wattq.telemetry.store.functions import EFFICIENCY_COLUMNS, THERMAL_COLUMNS

HOUR, DAY = 3600.0, 86400.0
NOW = time.time()


def job(
    number: int, node: str, age_s: float, state: str, seconds: float, cores: int, mib: float, wh: float, **more: Any
) -> Any:
    row = {"time": NOW - age_s, "job_id": str(number), "node_id": node, "job_state": state, "cpu_cores": cores}
    return {**row, "duration_seconds": seconds, "memory_mb": mib, "energy_j": wh * 3600.0, **more}


JOBS = [
    # n1: 4 + 4 core hours, 8 + 2 GiB hours, 200 + 100 Wh
    job(1, "n1", 1 * HOUR, "COMPLETED", 3600, 4, 8192, 200, avg_power_watts=200.0, avg_cpu_temp=60.0, end_time=NOW),
    job(2, "n1", 2 * DAY, "COMPLETED", 1800, 8, 4096, 100, avg_power_watts=210.0, avg_cpu_temp=70.0),
    # n2: 4 core hours, 4 GiB hours, 80 Wh
    job(3, "n2", 3 * DAY, "COMPLETED", 7200, 2, 2048, 80, avg_power_watts=40.0),
    # neither failed, nor running, nor of eight days ago
    job(4, "n2", 4 * DAY, "FAILED", 3600, 1, 1024, 500),
    job(5, "n1", 600, "RUNNING", 600, 16, 1024, 5),
    job(6, "n2", 8 * DAY, "COMPLETED", 3600, 8, 1024, 900),
]


@pytest.fixture
def jobs(store: Store) -> Store:
    store.write("job_metrics", JOBS)
    return store


def test_columns_of_views_are_as_described(jobs: Store) -> None:
    with jobs.engine.connect() as connection:
        for name, view in VIEWS.items():
            assert tuple(connection.execute(sa.text(f"SELECT * FROM {name}")).keys()) == view.table.names


def test_node_efficiency_ranking(jobs: Store) -> None:
    best, worst = jobs.read("node_efficiency_ranking")
    assert best == {
        "efficiency_rank": 1,
        "node_id": "n2",
        "jobs_completed": 1,
        "energy_j": 288_000.0,
        "total_cpu_hours": 4.0,
        "total_memory_gb_hours": 4.0,
        "energy_per_job_wh": 80.0,
        "energy_per_cpu_hour_wh": 20.0,
        "energy_per_gb_hour_wh": 20.0,
        "avg_power_watts": 40.0,
        "avg_cpu_temp": None,
    }
    assert worst == {
        "efficiency_rank": 2,
        "node_id": "n1",
        "jobs_completed": 2,
        "energy_j": 1_080_000.0,
        "total_cpu_hours": 8.0,
        "total_memory_gb_hours": 10.0,
        "energy_per_job_wh": 150.0,
        "energy_per_cpu_hour_wh": 37.5,
        "energy_per_gb_hour_wh": 30.0,
        "avg_power_watts": 205.0,
        "avg_cpu_temp": 65.0,
    }


def test_jobs_on_several_nodes_rank_no_node(jobs: Store) -> None:
    jobs.write("job_metrics", [job(7, "n[3-4]", HOUR, "COMPLETED", 3600, 4, 1024, 1, node_count=2)])
    assert [row["node_id"] for row in jobs.read("node_efficiency_ranking")] == ["n2", "n1"]


def test_a_ratio_is_made_of_jobs_that_have_both_parts(jobs: Store) -> None:
    unknown = job(8, "n2", HOUR, "COMPLETED", 3600, 4, 1024, 7)
    del unknown["cpu_cores"]
    no_memory = job(9, "n2", HOUR, "COMPLETED", 3600, 4, 1024, 80)
    del no_memory["memory_mb"]
    jobs.write("job_metrics", [unknown, no_memory])
    best = jobs.read("node_efficiency_ranking")[0]
    assert (best["jobs_completed"], best["energy_per_cpu_hour_wh"]) == (2, 20.0)
    assert (best["total_memory_gb_hours"], best["energy_per_gb_hour_wh"]) == (None, None)


def test_calculate_energy_efficiency(jobs: Store) -> None:
    expected = {
        "jobs_completed": 2,
        "energy_j": 1_080_000.0,
        "total_cpu_hours": 8.0,
        "total_memory_gb_hours": 10.0,
        "energy_per_job_wh": 150.0,
        "energy_per_cpu_hour_wh": 37.5,
        "energy_per_gb_hour_wh": 30.0,
    }
    assert jobs.calculate_energy_efficiency("n1", NOW - 7 * DAY, NOW) == expected
    every = jobs.calculate_energy_efficiency(since_s=NOW - 30 * DAY)
    assert (every["jobs_completed"], every["energy_per_job_wh"]) == (4, 320.0)
    assert every["energy_per_cpu_hour_wh"] == 1280.0 / 20.0
    none = jobs.calculate_energy_efficiency("n9", 0.0, NOW)
    assert none == dict.fromkeys(EFFICIENCY_COLUMNS) | {"jobs_completed": 0}


def test_current_jobs(jobs: Store) -> None:
    (row,) = jobs.read("current_jobs")
    assert (row["job_id"], row["node_id"], row["estimated_energy_wh"], row["cpu_cores"]) == ("5", "n1", 5.0, 16)
    assert 600.0 <= row["elapsed_seconds"] < 600.0 + 3600.0
    assert row["time"] == round((NOW - 600) * 1e6) / 1e6
    # the same job, begun anew: its earlier run is none that runs now
    jobs.write("job_metrics", [{"time": NOW - 60, "job_id": "5", "job_state": "RUNNING"}])
    assert [row["time"] for row in jobs.read("current_jobs")] == [round((NOW - 60) * 1e6) / 1e6]
    jobs.write("job_metrics", [{"time": NOW - 60, "job_id": "5", "end_time": NOW}])
    assert jobs.read("current_jobs") == []


def event(age_s: float, node: str, severity: str, temperature: float, threshold: float, **more: Any) -> dict[str, Any]:
    row = {"time": NOW - age_s, "node_id": node, "event_type": "overheat", "severity": severity}
    return {**row, "temperature": temperature, "threshold": threshold, **more}


EVENTS = [
    event(1 * HOUR, "n1", "high", 82.0, 80.0, duration_seconds=60.0),
    event(2 * HOUR, "n1", "critical", 94.0, 90.0, duration_seconds=30.0, energy_impact_j=7200.0),
    event(3 * HOUR, "n1", "medium", 99.0, 75.0, duration_seconds=999.0),
    event(4 * HOUR, "n2", "high", 88.0, 85.0),
    event(23 * HOUR, "n2", "high", 86.0, 85.0, event_type="throttling"),
    event(25 * HOUR, "n3", "critical", 101.0, 90.0),
]


def test_thermal_hotspots(store: Store) -> None:
    store.write("thermal_events", EVENTS)
    rows = {row.pop("node_id"): row for row in store.read("thermal_hotspots")}
    assert set(rows) == {"n1", "n2"}
    first, second = (round((NOW - age_s * HOUR) * 1e6) / 1e6 for age_s in (1, 4))
    assert rows["n1"] == {
        "severity": "critical",
        "events": 2,
        "critical_events": 1,
        "max_temperature": 94.0,
        "avg_temperature": 88.0,
        "max_excess": 4.0,
        "total_duration_seconds": 90.0,
        "last_time": first,
    }
    assert rows["n2"] == {
        "severity": "high",
        "events": 2,
        "critical_events": 0,
        "max_temperature": 88.0,
        "avg_temperature": 87.0,
        "max_excess": 3.0,
        "total_duration_seconds": None,
        "last_time": second,
    }


def test_thermal_events_summary(store: Store) -> None:
    store.write("thermal_events", EVENTS)
    (overheat,) = store.get_thermal_events_summary("n1", 24.0)
    assert overheat == {
        "event_type": "overheat",
        "events": 3,
        "max_temperature": 99.0,
        "avg_temperature": 275.0 / 3.0,
        "total_duration_seconds": 1089.0,
        "energy_impact_wh": 2.0,
        "first_time": round((NOW - 3 * HOUR) * 1e6) / 1e6,
        "last_time": round((NOW - HOUR) * 1e6) / 1e6,
    }
    assert [(row["event_type"], row["events"]) for row in store.get_thermal_events_summary(hours=48.0)] == [
        ("overheat", 5),
        ("throttling", 1),
    ]
    assert store.get_thermal_events_summary("n9") == []


def prediction(number: int, model: str, predicted_wh: float, actual_wh: float | None, **more: Any) -> dict[str, Any]:
    row: dict[str, Any] = {"time": NOW - number, "job_id": str(number), "model_version": model}
    row |= {"prediction_method": "forest", "predicted_energy_j": predicted_wh * 3600.0}
    return row | {"actual_energy_j": None if actual_wh is None else actual_wh * 3600.0} | more


PREDICTIONS = [
    # off by +10 %, -10 %, +50 %
    prediction(1, "a", 110.0, 100.0, energy_low_j=90 * 3600.0, energy_high_j=130 * 3600.0),
    prediction(2, "a", 90.0, 100.0, energy_low_j=80 * 3600.0, energy_high_j=99 * 3600.0),
    prediction(3, "a", 300.0, 200.0),
    prediction(4, "a", 300.0, None),
    prediction(5, "b", 50.0, 100.0),
    prediction(6, "b", 1.0, 0.0),
]


def test_prediction_accuracy(store: Store) -> None:
    store.write("energy_predictions", PREDICTIONS)
    rows = {row["model_version"]: row for row in store.read("prediction_accuracy")}
    assert rows["a"]["predictions"] == 3
    assert rows["a"]["mean_abs_error_wh"] == pytest.approx((10 + 10 + 100) / 3, rel=1e-12)
    assert rows["a"]["mean_abs_error_percent"] == pytest.approx(70 / 3, rel=1e-12)
    assert rows["a"]["mean_error_percent"] == pytest.approx(50 / 3, rel=1e-12)
    assert rows["a"]["within_10_percent"] == pytest.approx(200 / 3, rel=1e-12)
    assert rows["a"]["interval_coverage"] == 0.5
    assert rows["a"]["last_time"] == round((NOW - 1) * 1e6) / 1e6
    # an energy of zero has an error, but no relative one
    assert (rows["b"]["predictions"], rows["b"]["mean_abs_error_wh"]) == (2, 25.5)
    assert (rows["b"]["mean_abs_error_percent"], rows["b"]["within_10_percent"]) == (50.0, 0.0)
    assert rows["b"]["interval_coverage"] is None


def test_functions_of_postgresql_say_the_same(jobs: Store) -> None:
    if jobs.flavor == "sqlite":
        with jobs.engine.connect() as connection, pytest.raises(sa.exc.OperationalError, match="calculate_energy"):
            connection.execute(sa.text("SELECT * FROM calculate_energy_efficiency('n1', 0, 1)"))
        return
    jobs.write("thermal_events", EVENTS)
    with jobs.engine.connect() as connection:
        efficiency = "SELECT * FROM calculate_energy_efficiency('n1', to_timestamp(:a), to_timestamp(:b))"
        (row,) = connection.execute(sa.text(efficiency), {"a": NOW - 7 * DAY, "b": NOW}).mappings()
        thermal = connection.execute(sa.text("SELECT * FROM get_thermal_events_summary(NULL, 48)")).mappings().all()
    assert dict(row) == jobs.calculate_energy_efficiency("n1", NOW - 7 * DAY, NOW)
    assert [tuple(found) for found in thermal] == [tuple(THERMAL_COLUMNS)] * 2
    ours = jobs.get_thermal_events_summary(hours=48.0)
    assert [found["energy_impact_wh"] for found in thermal] == [found["energy_impact_wh"] for found in ours]
    assert [found["last_time"].timestamp() for found in thermal] == [found["last_time"] for found in ours]
