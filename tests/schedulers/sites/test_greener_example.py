"""The carbon-aware policy of the docs: jobs start in their best hour, none later than its wait allows."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from wattq.platforms import make_platform
from wattq.platforms.signals import two_level, write_signal
from wattq.schedulers import check_policy, make_policy
from wattq.schedulers.plugin import Bridge, Options
from wattq.simulator import Run, simulate
from wattq.simulator.conversation import converse
from wattq.workloads.batsim_json import parse_batsim_json
from wattq.workloads.model import Workload

HOUR = 3600.0
MARCH = 1614556800.0


def work(rows: list[tuple[float, int, float]]) -> Workload:
    jobs = [
        {"id": str(k), "subtime": submit_s, "res": hosts, "walltime": run_s + 1, "profile": f"d{run_s}"}
        for k, (submit_s, hosts, run_s) in enumerate(rows)
    ]
    profiles = {f"d{run_s}": {"type": "delay", "delay": run_s} for _, _, run_s in rows}
    document = {"nb_res": 4, "jobs": jobs, "profiles": profiles}
    return parse_batsim_json(json.dumps(document).encode(), "w0.json", name="w0")


def starts(run: Run) -> list[float]:
    rows = csv.DictReader(io.StringIO(run.files()["jobs.csv"]))
    return [float(row["starting_time"]) for row in sorted(rows, key=lambda row: int(row["job_id"]))]


@pytest.fixture
def example(tmp_path: Path, repo_dir: Path) -> tuple[str, dict[str, Any]]:
    """Dear in the first 12 hours of the day, cheap in the others."""
    path = tmp_path / "price.csv"
    write_signal(two_level(MARCH, 6), path)
    params = {"signal": str(path), "origin": "2021-03-01T00:00Z"}
    return f"{repo_dir}/docs/examples/greener.py:Greener", params


def test_jobs_land_in_cheap_hours(example: tuple[str, dict[str, Any]]) -> None:
    place, params = example
    rows = [(0.0, 1, HOUR), (600.0, 1, HOUR), (13.5 * HOUR, 2, HOUR), (23.5 * HOUR, 1, HOUR)]
    run = simulate(make_platform(8), [work(rows)], make_policy(place, params))
    # The last one would reach into the dear hours of the next day: it waits for its noon.
    assert starts(run) == [12 * HOUR, 12 * HOUR, 13.5 * HOUR, 36 * HOUR]
    short = simulate(make_platform(8), [work(rows)], make_policy(place, params | {"max_wait": 6 * HOUR}))
    assert starts(short) == [0.0, 600.0, 13.5 * HOUR, 23.5 * HOUR]
    bridge = Bridge(Options(policy=place, params=params))
    assert converse(make_platform(8), [work(rows)], bridge.reply).files()["jobs.csv"] == run.files()["jobs.csv"]


def test_it_keeps_the_contract(example: tuple[str, dict[str, Any]]) -> None:
    place, params = example
    assert check_policy(place, params | {"max_wait": 7200}).n_simulations > 30
