"""Every SQL panel returns rows from the schema: on PostgreSQL, asked by Grafana's own role, and on TimescaleDB."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from grafana_panels import OPS, dashboards, filled_sql, targets
from live_postgres import postgres_server
from live_prometheus import program
from live_timescale import timescale_standin

from wattq.telemetry.store import open_store

pytestmark = pytest.mark.service

NOW_S = float(int(time.time()))
TYPES = ("cpu_intensive", "memory_intensive", "o'brien")


def job_rows() -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for number in range(30):
        begin_s, run_s = NOW_S - 3600.0 * 20 + 1800.0 * number, 600.0 + 60 * number
        row: dict[str, object] = {"time": begin_s, "job_id": str(number), "user_id": "ada", "partition": "cpu"}
        row |= {"job_name": f"job {number}", "node_id": f"n{number % 2}", "node_count": 1, "qos": "normal"}
        row |= {"job_type": TYPES[number % 3] if number else None, "cpu_cores": 4, "memory_mb": 4096.0}
        row |= {"cpu_usage": 80.0, "memory_usage": 40.0, "avg_cpu_temp": 60.0 + number, "avg_power_watts": 200.0}
        row |= {"energy_j": 200.0 * run_s, "energy_source": ("measured", "modelled")[number % 2]}
        row |= {"thermal_throttling": number % 7 == 0, "submit_time": begin_s - 60, "workload_pattern": "mixed"}
        over = number < 28
        row |= {"job_state": "COMPLETED" if over else "RUNNING", "duration_seconds": run_s if over else None}
        rows.append(row | {"end_time": begin_s + run_s if over else None})
    return rows


def rows_by_table() -> dict[str, list[dict[str, object]]]:
    predictions = [
        {
            "time": NOW_S - 3600.0 * hour,
            "job_id": str(hour),
            "model_version": "m1",
            "prediction_method": "ridge",
            "predicted_energy_j": 1.1e5,
            "actual_energy_j": 1e5,
            "energy_low_j": 9e4,
            "energy_high_j": 1.3e5,
        }
        for hour in range(1, 12)
    ]
    events = [
        {
            "time": NOW_S - 1800.0 * number,
            "node_id": "n0",
            "event_type": "overheat",
            "device": "cpu0",
            "temperature": 91.0,
            "threshold": 85.0,
            "duration_seconds": 30.0,
            "severity": ("high", "critical")[number % 2],
            "job_id": "17",
            "performance_impact_percent": 5.0,
            "energy_impact_j": 360.0,
        }
        for number in range(1, 5)
    ]
    nodes = [{"time": NOW_S - 300.0 * step, "node_id": "n0", "cpu_temp": 50.0 + step} for step in range(1, 20)]
    return {
        "job_metrics": job_rows(),
        "energy_predictions": predictions,
        "thermal_events": events,
        "node_metrics": nodes,
    }


def filled(url: str) -> None:
    """Write rows into a store, and the sums of its hours."""
    with open_store(url) as store:
        for table, rows in rows_by_table().items():
            # a few at a time: a long message ends the stand-in of TimescaleDB
            for start in range(0, len(rows), 10):
                store.write(table, rows[start : start + 10])
        store.maintain(NOW_S)


@contextlib.contextmanager
def postgres() -> Iterator[Any]:
    """A connection of the role that the stack makes for Grafana, to a store with rows."""
    program("psql")
    import psycopg

    with postgres_server() as server:
        url = server.database()
        filled(url)
        env = {"PGHOST": "127.0.0.1", "PGPORT": str(server.port), "POSTGRES_USER": "wattq", "PATH": os.environ["PATH"]}
        env |= {"POSTGRES_DB": url.rpartition("/")[2], "GRAFANA_DB_PASSWORD": "x"}
        subprocess.run(["sh", str(OPS / "compose" / "database" / "reader.sh")], env=env, check=True)
        with psycopg.connect(url.replace("wattq@", "grafana@"), autocommit=True) as connection:
            yield connection


@contextlib.contextmanager
def timescale(folder: Path) -> Iterator[Any]:
    """A connection to the stand-in of TimescaleDB, which has one at a time."""
    import psycopg

    with timescale_standin(folder) as standin:
        url = standin.database()
        filled(url)
        with psycopg.connect(url.partition("&pool")[0], autocommit=True, prepare_threshold=None) as connection:
            yield connection


@pytest.fixture(scope="module", params=["PostgreSQL", "TimescaleDB"])
def reader(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with postgres() if request.param == "PostgreSQL" else timescale(tmp_path_factory.mktemp("timescale")) as connection:
        yield connection


def variables(reader: Any) -> Mapping[str, Sequence[str]]:
    """Return the values of each dashboard variable that is asked of the database: all of them, as "All" means."""
    found = {}
    for board in dashboards().values():
        for variable in board["templating"]["list"]:
            if variable["datasource"]["uid"] == "wattq-postgres":
                found[variable["name"]] = [str(row[0]) for row in reader.execute(variable["query"]).fetchall()]
    return found


def test_values_of_the_variable(reader: Any) -> None:
    patterns = {"cpu_intensive", "io_intensive", "memory_intensive", "mixed"}
    assert set(variables(reader)["job_type"]) == {*patterns, *TYPES, "unknown"}


@pytest.mark.parametrize("target", list(targets("wattq-postgres")), ids=lambda target: target.place)
def test_every_panel_returns_rows(reader: Any, target: Any) -> None:
    values = variables(reader)
    answer = reader.execute(filled_sql(target.query, values, NOW_S - 7 * 86400, NOW_S))
    rows = answer.fetchall()
    names = [column.name for column in answer.description]
    assert rows
    if target.content["format"] == "time_series":
        assert names[0] == "time"
        assert all(row[0] is not None for row in rows)
        assert [row[0] for row in rows] == sorted(row[0] for row in rows)
    numbers = [
        cell for row in rows for cell in row if isinstance(cell, (int, float, Decimal)) and not isinstance(cell, bool)
    ]
    assert numbers
    for number, name in enumerate(names):
        assert any(row[number] is not None for row in rows), f"{name} is empty in every row"


def test_a_panel_shows_the_chosen_type_alone(reader: Any) -> None:
    (target,) = [target for target in targets("wattq-postgres") if target.panel == "Top 20 consumers"]
    rows = reader.execute(filled_sql(target.query, {"job_type": ["o'brien"]}, NOW_S - 7 * 86400, NOW_S)).fetchall()
    assert {row[3] for row in rows} == {"o'brien"}


def test_hourly_energy_is_that_of_the_runs(reader: Any) -> None:
    """Roll-up and rows give the same watt-hours; of the table, those that the roll-up holds so far."""
    (target,) = [target for target in targets("wattq-postgres") if target.panel == "Hourly energy by type"]
    rows = reader.execute(filled_sql(target.query, variables(reader), NOW_S - 7 * 86400, NOW_S)).fetchall()
    last_s = max(row[0].timestamp() for row in rows) + 3600
    expected = sum(float(str(row["energy_j"])) for row in job_rows() if float(str(row["time"])) < last_s) / 3600
    assert sum(row[2] for row in rows) == pytest.approx(expected)
