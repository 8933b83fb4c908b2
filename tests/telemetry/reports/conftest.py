"""A store of two weeks of a small machine, with what a report should find put in by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from wattq.telemetry.store import open_store

T0 = 1_794_873_600.0
"""2026-11-17, 00:00 UTC."""
DAY_S = 86_400.0
Rows = list[dict[str, object]]
USERS = {
    "alice": ("solver", "compute", 32, 300.0),
    "bob": ("viewer", "energy", 16, 180.0),
    "eve": ("", "long", 8, 90.0),
}


def normal_jobs(seed: int = 0, count: int = 300, days: float = 14.0) -> Rows:
    """Return runs of three users on four nodes; power and run time scatter as those of real jobs do."""
    random = np.random.default_rng(seed)
    rows: Rows = []
    for number in range(count):
        user = list(USERS)[int(random.integers(3))]
        name, partition, cores, watts = USERS[user]
        run = 3600.0 * float(random.lognormal(0.0, 0.25))
        power = watts * float(random.lognormal(0.0, 0.12))
        start = T0 + days * DAY_S * number / count
        rows.append(
            {
                "time": start,
                "end_time": start + run,
                "duration_seconds": run,
                "job_id": str(1000 + number),
                "job_name": name,
                "job_type": name or "other",
                "user_id": user,
                "partition": partition,
                "node_id": f"n{number % 4 + 1}",
                "node_count": 1,
                "cpu_cores": cores,
                "memory_mb": 2048.0 * cores,
                "cpu_usage": 25.0 if user == "eve" else 90.0,
                "energy_j": power * run,
                "energy_source": "measured",
                "energy_meter": "rapl",
                "energy_coverage": 0.99,
                "job_state": "FAILED" if number % 10 == 0 else "COMPLETED",
                "workload_pattern": "io_intensive" if user == "bob" else "cpu_intensive",
                "thermal_throttling": number % 50 == 0,
            }
        )
    return rows


def node_samples() -> Rows:
    """Return hourly samples of two nodes: n1 idle every other hour, n2 with a temperature that grows by 1 K a day."""
    rows: Rows = []
    for hour in range(14 * 24):
        for node in ("n1", "n2"):
            warm = 60.0 + (hour / 24.0 if node == "n2" else 0.0) + 3.0 * (hour % 2)
            rows.append(
                {
                    "time": T0 + 3600.0 * hour,
                    "node_id": node,
                    "cpu_usage": 50.0 + 20.0 * (hour % 2),
                    "cpu_temp": 90.0 if (node, hour) == ("n1", 100) else warm,
                    "power_consumption_watts": 200.0,
                    "energy_j": 720_000.0 if hour else None,
                    "power_source": "measured",
                }
            )
    return rows


def events() -> Rows:
    """Return three events of heat, one of them critical."""
    common = {"event_type": "overheat", "threshold": 85.0, "duration_seconds": 60.0}
    return [
        {"time": T0 + 5.0, "node_id": "n3", "temperature": 88.0, "severity": "high", **common},
        {"time": T0 + 9.0, "node_id": "n3", "temperature": 97.0, "severity": "critical", **common},
        {"time": T0 + 9.0, "node_id": "n4", "temperature": 76.0, "severity": "medium", **common},
    ]


def predictions(jobs: Rows, factor: float = 1.5) -> Rows:
    """Return a prediction of each run that is `factor` times its energy."""
    return [
        {
            "time": float(str(job["time"])) - 60.0,
            "job_id": job["job_id"],
            "predicted_energy_j": factor * float(str(job["energy_j"])),
            "actual_energy_j": job["energy_j"],
            "energy_low_j": 0.9 * float(str(job["energy_j"])),
            "energy_high_j": 2.0 * float(str(job["energy_j"])),
            "predicted_duration_seconds": job["duration_seconds"],
            "actual_duration_seconds": job["duration_seconds"],
            "model_version": "m1",
            "prediction_method": "regression",
        }
        for job in jobs
    ]


@pytest.fixture
def fill(tmp_path: Path) -> Callable[..., Path]:
    """Write rows into a new store and return its path."""

    def write(**tables: Rows) -> Path:
        path = tmp_path / "w.db"
        with open_store(str(path)) as store:
            for name, rows in tables.items():
                store.write(name, rows)
        return path

    return write


@pytest.fixture
def full(fill: Callable[..., Path]) -> Path:
    """A store with everything."""
    jobs = normal_jobs()
    for number in (40, 120, 200):
        jobs[number]["energy_j"] = 3.0 * float(str(jobs[number]["energy_j"]))
    return fill(
        job_metrics=jobs, node_metrics=node_samples(), thermal_events=events(), energy_predictions=predictions(jobs)
    )
