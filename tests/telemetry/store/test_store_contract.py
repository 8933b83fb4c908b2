"""What every kind of store does: one suite for SQLite, PostgreSQL and TimescaleDB."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from wattq.errors import TelemetryError
from wattq.telemetry.store import ROLLUPS, TABLES, VIEWS, Store, open_store
from wattq.telemetry.store.schema import SCHEMA_VERSION
from wattq.telemetry.store.summary import summarise_store

T0 = 1_790_000_000.0


def example(name: str) -> Any:
    """Return a value that a column of this name may hold."""
    for table in TABLES.values():
        for field in table.fields:
            if field.name == name:
                values = {"time": T0 + 0.25, "text": f"some {name}", "real": 12.625, "int": 2**40, "bool": True}
                return field.choices[0] if field.choices else values[field.kind]
    raise KeyError(name)


def full_row(name: str) -> dict[str, Any]:
    return {field.name: example(field.name) for field in TABLES[name].written}


def test_kind(store: Store, place: Any) -> None:
    assert store.flavor == place.kind
    summary = summarise_store(store)
    assert (summary.kind, summary.schema, summary.timescale_unused) == (place.kind, SCHEMA_VERSION, False)
    assert summary.bytes > 0
    assert {found.name: found.rows for found in summary.relations if found.rows} == {"workload_patterns": 4}


@pytest.mark.parametrize("name", list(TABLES))
def test_every_column_comes_back(store: Store, name: str) -> None:
    row = full_row(name)
    assert store.write(name, [row]) == 1
    (found,) = [found for found in store.read(name) if found[TABLES[name].key[-1]] == row[TABLES[name].key[-1]]]
    assert tuple(found) == TABLES[name].names
    assert {column: found[column] for column in row} == row
    for field in TABLES[name].fields:
        if field.computed.endswith("/ 3600.0"):
            assert found[field.name] == pytest.approx(found[field.computed.split()[0]] / 3600.0, rel=1e-15)
        assert (
            type(found[field.name]) is {"time": float, "text": str, "real": float, "int": int, "bool": bool}[field.kind]
        )


@pytest.mark.parametrize("name", [*TABLES, *ROLLUPS, *VIEWS])
def test_everything_can_be_read_when_empty(store: Store, name: str) -> None:
    rows = store.read(name)
    assert len(rows) == (4 if name == "workload_patterns" else 0)


def test_a_row_comes_once(store: Store) -> None:
    row = {"time": T0, "node_id": "n1", "device": "gpu0", "power_w": 250.0}
    for _ in range(3):
        store.write("power_samples", [row, row])
    assert len(store.read("power_samples")) == 1


def test_a_later_row_fills_and_replaces(store: Store) -> None:
    store.write("job_metrics", [{"time": T0, "job_id": "17", "job_state": "RUNNING", "node_id": "n1", "energy_j": 1.0}])
    later = {"time": T0, "job_id": 17, "job_state": "COMPLETED", "node_id": None, "end_time": T0 + 60, "energy_j": None}
    store.write("job_metrics", [later])
    (row,) = store.read("job_metrics")
    assert (row["job_state"], row["node_id"], row["end_time"], row["energy_j"]) == ("COMPLETED", "n1", T0 + 60, 1.0)


def test_later_wins_within_one_write(store: Store) -> None:
    rows = [
        {"time": T0, "job_id": "1", "job_state": "STARTING", "user_id": "ann"},
        {"time": T0, "job_id": "2", "job_state": "STARTING"},
        {"time": T0, "job_id": "1", "job_state": "RUNNING", "node_id": "n1"},
    ]
    assert store.write("job_metrics", rows) == 3
    assert [(row["job_id"], row["job_state"], row["user_id"]) for row in store.read("job_metrics")] == [
        ("1", "RUNNING", "ann"),
        ("2", "STARTING", None),
    ]


def test_a_row_of_its_key_alone(store: Store) -> None:
    store.write("thermal_events", [{"time": T0, "node_id": "n1", "event_type": "overheat", "temperature": 91.0}])
    store.write("thermal_events", [{"time": T0, "node_id": "n1", "event_type": "overheat"}])
    assert [row["temperature"] for row in store.read("thermal_events")] == [91.0]


def test_nothing_of_a_write_that_fails(store: Store) -> None:
    good = {"time": T0, "node_id": "n1", "cpu_usage": 10.0}
    with pytest.raises(TelemetryError, match=r"row 2, column cpu_usage: 'hot'; must be a number"):
        store.write("node_metrics", [good, {"time": T0, "node_id": "n2", "cpu_usage": "hot"}])
    assert store.read("node_metrics") == []


def test_dates_are_exact_to_the_microsecond(store: Store) -> None:
    dates = [T0 + k / 1e6 for k in (1, 333_333, 999_999)] + [0.0, 4e9 + 0.1]
    zoned = datetime(2026, 11, 21, 23, 30, 0, 123456, UTC)
    store.write("node_metrics", [{"time": date, "node_id": "n"} for date in [*dates, zoned]])
    found = [row["time"] for row in store.read("node_metrics")]
    assert found == sorted([round(date * 1e6) / 1e6 for date in dates] + [zoned.timestamp()])


def test_text_of_every_kind(store: Store) -> None:
    for number, name in enumerate(
        ["O'Brien; DROP TABLE job_metrics", "π ≈ 3 🔥", "", 'a\nb\t\\ "c" %s :x', "x" * 60_000]
    ):
        store.write("job_metrics", [{"time": T0 + number, "job_id": "1", "job_name": name}])
        assert store.read("job_metrics", newest_first=True, limit=1)[0]["job_name"] == name


def test_computed_error_of_predictions(store: Store) -> None:
    base = {"job_id": "1", "predicted_energy_j": 3600.0}
    store.write("energy_predictions", [{**base, "time": T0, "actual_energy_j": 7200.0}])
    store.write("energy_predictions", [{**base, "time": T0 + 1, "actual_energy_j": 0.0}])
    store.write("energy_predictions", [{**base, "time": T0 + 2}])
    rows = store.read("energy_predictions")
    assert [row["prediction_error_percent"] for row in rows] == [-50.0, None, None]
    assert [row["actual_energy_wh"] for row in rows] == [2.0, 0.0, None]


def test_period_is_half_open(store: Store) -> None:
    store.write("node_metrics", [{"time": T0 + k, "node_id": "n"} for k in range(5)])
    found = store.read("node_metrics", since_s=T0 + 1, until_s=T0 + 3)
    assert [row["time"] for row in found] == [T0 + 1, T0 + 2]


def test_where_limit_and_order(store: Store) -> None:
    jobs = [
        {"time": T0 + k, "job_id": str(k), "user_id": user, "partition": "debug" if k % 2 else None}
        for k, user in enumerate(["ann", "bob", "ann", "cid"])
    ]
    store.write("job_metrics", jobs)

    def ids(**options: Any) -> list[Any]:
        return [row["job_id"] for row in store.read("job_metrics", **options)]

    assert ids(where={"user_id": "ann"}) == ["0", "2"]
    assert ids(where={"user_id": ["ann", "cid"]}, newest_first=True) == ["3", "2", "0"]
    assert ids(where={"partition": None}) == ["0", "2"]
    assert ids(where={"user_id": "ann", "partition": "debug"}) == []
    assert ids(limit=2, newest_first=True) == ["3", "2"]
    assert ids(limit=0) == []
    assert ids(where={"user_id": []}) == []
    assert ids(where={"time": T0 + 1}) == ["1"]


def test_stream_is_in_pieces(store: Store, place: Any) -> None:
    for start in range(0, 100, 50):
        store.write("node_metrics", [{"time": T0 + k, "node_id": "n"} for k in range(start, start + 50)])
    pieces = list(store.stream("node_metrics", rows=30))
    assert [len(piece) for piece in pieces] == [30, 30, 30, 10]
    assert [row["time"] - T0 for piece in pieces for row in piece] == [float(k) for k in range(100)]


def test_a_stream_left_early_gives_its_connection_back(store: Store) -> None:
    store.write("node_metrics", [{"time": T0 + k, "node_id": "n"} for k in range(40)])
    for _ in range(20):
        stream = store.stream("node_metrics", rows=10)
        next(stream)
        stream.close()
    assert len(store.read("node_metrics")) == 40


def test_opening_again_keeps_rows(place: Any) -> None:
    for number in range(3):
        with open_store(place.url) as opened:
            opened.write("node_metrics", [{"time": T0 + number, "node_id": "n"}])
    with open_store(place.url, create=False) as opened:
        assert len(opened.read("node_metrics")) == 3
        assert len(opened.read("workload_patterns")) == 4


def test_seeded_patterns(store: Store) -> None:
    rows = {row["pattern_name"]: row for row in store.read("workload_patterns")}
    typical = {name: (row["typical_duration_seconds"], row["typical_energy_wh"]) for name, row in rows.items()}
    assert typical == {
        "cpu_intensive": (1800.0, 150.0),
        "io_intensive": (3600.0, 120.0),
        "mixed": (2400.0, 135.0),
        "memory_intensive": (2700.0, 140.0),
    }
