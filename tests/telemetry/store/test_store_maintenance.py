"""Sums that stay, rows that go."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from wattq.telemetry.store import TABLES, Store, open_store

DAY, HOUR = 86400.0, 3600.0
# a midnight UTC and some hours
MIDNIGHT = 20_700 * DAY
NOW = MIDNIGHT + 10 * HOUR


def job(number: int, time_s: float, wh: float, **more: Any) -> dict[str, Any]:
    row = {"time": time_s, "job_id": str(number), "node_id": "n1", "job_type": "cpu", "job_state": "COMPLETED"}
    row |= {"duration_seconds": 1800.0, "cpu_cores": 4, "memory_mb": 2048.0, "energy_j": wh * 3600.0}
    return row | {"energy_source": "measured"} | more


def test_old_rows_go_and_their_sums_stay(store: Store) -> None:
    """Row 25 of the requirements: rows of 40 days ago are removed, their aggregates are kept."""
    old, new = NOW - 40 * DAY, NOW - 2 * DAY
    store.write("job_metrics", [job(1, old, 30.0), job(2, old + 60, 10.0), job(3, new, 5.0)])
    store.write("node_metrics", [{"time": date, "node_id": "n1", "cpu_usage": 50.0} for date in (old, new)])
    store.write("power_samples", [{"time": date, "node_id": "n1", "device": "psu"} for date in (old, new)])
    store.write("energy_predictions", [{"time": date, "job_id": "1"} for date in (old, new)])
    done = store.maintain(NOW)
    assert [row["job_id"] for row in store.read("job_metrics")] == ["3"]
    assert [len(store.read(name)) for name in ("node_metrics", "power_samples")] == [1, 1]
    assert len(store.read("energy_predictions")) == 2, "kept for 90 days"
    first, second = store.read("job_metrics_hourly")
    assert first["bucket"] == old // HOUR * HOUR
    assert (first["job_count"], first["jobs_completed"], first["energy_wh"], first["energy_j"]) == (2, 2, 40.0, 144e3)
    assert (second["bucket"], second["energy_wh"]) == (new // HOUR * HOUR, 5.0)
    days = store.read("energy_efficiency_daily")
    assert [row["bucket"] for row in days] == [old // DAY * DAY, new // DAY * DAY]
    assert [row["energy_per_job_wh"] for row in days] == [20.0, 5.0]
    removed = {name: rows for name, rows in done.removed.items() if rows}
    assert removed == {"job_metrics": 2, "node_metrics": 1, "power_samples": 1}
    assert done.late == {}


def test_maintaining_again_changes_nothing(store: Store) -> None:
    store.write("job_metrics", [job(k, NOW - 45 * DAY + k * 7 * HOUR, float(k + 1)) for k in range(45)])
    store.maintain(NOW)
    sums = store.read("job_metrics_hourly"), store.read("energy_efficiency_daily")
    assert sum(row["energy_wh"] for row in sums[0]) == pytest.approx(sum(range(1, 46)), rel=1e-12)
    for later_s in (0.0, HOUR, 3 * DAY):
        done = store.maintain(NOW + later_s)
        assert (store.read("job_metrics_hourly"), store.read("energy_efficiency_daily")) == sums
        assert done.late == {}


def test_sums_follow_rows_that_change(store: Store) -> None:
    row = job(1, NOW - 5 * DAY, 0.0, job_state="RUNNING", energy_j=None)
    store.write("job_metrics", [row])
    store.maintain(NOW)
    assert [(found["jobs_completed"], found["energy_j"]) for found in store.read("job_metrics_hourly")] == [(0, None)]
    assert store.read("energy_efficiency") == []
    store.write("job_metrics", [job(1, NOW - 5 * DAY, 12.0)])
    store.maintain(NOW + HOUR)
    assert [(found["jobs_completed"], found["energy_wh"]) for found in store.read("job_metrics_hourly")] == [(1, 12.0)]
    assert [found["energy_per_job_wh"] for found in store.read("energy_efficiency")] == [12.0]


def test_late_rows_do_not_harm_the_sums_of_their_hour(store: Store) -> None:
    old = NOW - 40 * DAY
    store.write("job_metrics", [job(1, old, 30.0), job(2, old + 60, 10.0)])
    store.maintain(NOW)
    sums = store.read("job_metrics_hourly")
    # one of the same hour, which has been closed, and one of an hour and day that have no sums yet
    store.write("job_metrics", [job(3, old + 120, 99.0), job(4, old - 2 * DAY, 7.0)])
    done = store.maintain(NOW + HOUR)
    assert done.late == {"job_metrics": 1}
    assert store.read("job_metrics") == []
    found = store.read("job_metrics_hourly")
    assert found[1:] == sums
    assert [row["energy_wh"] for row in found] == [7.0, 40.0]
    assert [row["energy_per_job_wh"] for row in store.read("energy_efficiency_daily")] == [7.0, 20.0]


def test_whole_days_are_removed(store: Store) -> None:
    """What is left of a day is whole, so that its sums can be made anew."""
    limit = MIDNIGHT - 30 * DAY
    store.write("job_metrics", [job(k, limit + offset, 1.0) for k, offset in enumerate((-0.001, 0.0, 60.0))])
    store.maintain(NOW)
    assert [row["job_id"] for row in store.read("job_metrics")] == ["1", "2"]


def test_how_long_each_table_is_kept(store: Store) -> None:
    for name, table in TABLES.items():
        if table.kept_days:
            keys = {key: "x" for key in table.key if key != "time"}
            keys |= {"event_type": "cooling"} if name == "thermal_events" else {}
            store.write(name, [{**keys, "time": NOW - days * DAY} for days in (29, 32, 89, 92)])
    store.maintain(NOW)
    ages = {name: len(store.read(name)) for name, table in TABLES.items() if table.kept_days}
    assert ages == {
        "job_metrics": 1,
        "node_metrics": 1,
        "power_samples": 1,
        "energy_predictions": 3,
        "thermal_events": 3,
        "energy_efficiency": 3,
    }


def test_columns_of_the_hourly_sums(store: Store) -> None:
    begin = MIDNIGHT - DAY
    rows = [
        job(1, begin, 10.0, cpu_usage=80.0, avg_cpu_temp=60.0, peak_cpu_temp=70.0, avg_power_watts=100.0),
        job(
            2,
            begin + 3599.9,
            20.0,
            cpu_usage=40.0,
            peak_cpu_temp=90.0,
            peak_power_watts=300.0,
            energy_source="modelled",
        ),
        job(3, begin + 5, 0.0, job_state="TIMEOUT", energy_j=None, memory_usage=10.0),
        job(4, begin + 3600, 1.0),
        job(5, begin, 1.0, job_type=None, node_id=None),
    ]
    store.write("job_metrics", rows)
    store.maintain(NOW)
    found = {(row["bucket"] - begin, row["job_type"], row["node_id"]): row for row in store.read("job_metrics_hourly")}
    assert set(found) == {(0.0, "cpu", "n1"), (3600.0, "cpu", "n1"), (0.0, "", "")}
    assert found[0.0, "cpu", "n1"] == {
        "bucket": begin,
        "job_type": "cpu",
        "node_id": "n1",
        "job_count": 3,
        "jobs_completed": 2,
        "jobs_failed": 1,
        "total_duration_seconds": 5400.0,
        "avg_duration_seconds": 1800.0,
        "total_cpu_hours": 6.0,
        "avg_cpu_usage": 60.0,
        "avg_memory_usage": 10.0,
        "avg_cpu_temp": 60.0,
        "peak_cpu_temp": 90.0,
        "avg_power_watts": 100.0,
        "peak_power_watts": 300.0,
        "energy_j": 108_000.0,
        "measured_energy_j": 36_000.0,
        "energy_wh": 30.0,
    }


def test_efficiency_of_an_hour(store: Store) -> None:
    begin = MIDNIGHT - DAY
    store.write("job_metrics", [job(1, begin, 10.0), job(2, begin + 60, 20.0, thermal_throttling=True)])
    store.write("job_metrics", [job(3, begin + 60, 99.0, job_state="FAILED")])
    samples = [(250.0, 60.0, 30.0), (350.0, 80.0, 30.0), (999.0, 80.0, None)]
    store.write(
        "node_metrics",
        [
            {"time": begin + k, "node_id": "n1", "power_consumption_watts": w, "cpu_temp": cpu, "system_temp": board}
            for k, (w, cpu, board) in enumerate(samples)
        ],
    )
    store.maintain(NOW)
    assert store.read("energy_efficiency") == [
        {
            "time": begin,
            "node_id": "n1",
            "energy_j": 108_000.0,
            "jobs_completed": 2,
            "total_cpu_hours": 4.0,
            "total_memory_gb_hours": 2.0,
            "energy_per_job_wh": 15.0,
            "energy_per_cpu_hour_wh": 7.5,
            "energy_per_gb_hour_wh": 15.0,
            "avg_thermal_efficiency": 0.5,
            "cooling_efficiency": 300.0 / 40.0,
        }
    ]


@pytest.mark.service
def test_sums_survive_what_policies_remove(timescale: Any) -> None:
    """TimescaleDB removes chunks by itself; the next upkeep neither empties their sums nor counts rows anew."""
    with open_store(timescale.database()) as store:
        store.write("job_metrics", [job(k, NOW - (26 + k) * DAY, 10.0) for k in range(6)])
        store.maintain(NOW - 2 * DAY)
        sums = store.read("job_metrics_hourly"), store.read("energy_efficiency_daily")
        assert len(sums[0]) == len(sums[1]) == 6
        with store.engine.begin() as connection:
            # what the policy does, a day before the next upkeep
            limit = f"to_timestamp({NOW - 30 * DAY})"
            connection.execute(sa.text(f"SELECT drop_chunks('job_metrics', older_than => {limit})")).fetchall()
        assert len(store.read("job_metrics")) == 5
        store.write("job_metrics", [job(9, NOW - 31 * DAY, 99.0), job(8, NOW - 29 * DAY, 99.0)])
        store.maintain(NOW)
        found = store.read("job_metrics_hourly")
        changed = found.pop(2)
        assert found == sums[0][:2] + sums[0][3:]
        assert (changed["job_count"], changed["energy_wh"]) == (2, 109.0)
        names = "SELECT proc_name, hypertable_name, config FROM timescaledb_information.jobs"
        with store.engine.connect() as connection:
            jobs = connection.execute(sa.text(names)).fetchall()
    kept = {row[1]: row[2]["drop_after"] for row in jobs if row[0] == "policy_retention"}
    assert kept == {name: f"{table.kept_days} days" for name, table in TABLES.items() if table.kept_days}
    refreshed = [row[2] for row in jobs if row[0] == "policy_refresh_continuous_aggregate"]
    assert sorted(row["start_offset"] for row in refreshed) == ["28 days", "88 days"]
