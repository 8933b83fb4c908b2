"""Schedules of batsched on real traces, reached decision for decision."""

from __future__ import annotations

import csv
import io
import json
import lzma
import math
from functools import lru_cache
from pathlib import Path

import pytest

from wattq.platforms import read_platform
from wattq.schedulers import make_policy
from wattq.simulator import simulate
from wattq.workloads import read_workload

ALL = ("fcfs_fast", "easy_bf_fast", "easy_bf", "filler", "conservative_bf")
WITH_ENERGY = (*ALL, "easy_bf_fast-e")
# Every recorded run, by trace and form of the profiles.
RECORDED = {
    "kth3k-delay": WITH_ENERGY,
    "kth3k-ptask": WITH_ENERGY,
    "kth28k-delay": ("fcfs_fast", "easy_bf_fast"),
    "kth28k-ptask": ("fcfs_fast", "easy_bf_fast", "easy_bf"),
    "sdsc3k-delay": ALL,
    "sdsc3k-ptask": ALL,
    "syn-delay": ALL,
    "syn-ptask": WITH_ENERGY,
    "synsmall-delay": ("fcfs_fast", "conservative_bf"),
    "synsmall-ptask": ("fcfs_fast", "easy_bf_fast", "easy_bf_fast-e", "easy_bf", "conservative_bf"),
}
COLUMNS = ("job_id", "starting_time", "finish_time", "allocated_resources", "final_state")


@lru_cache(maxsize=2)
def workload(path: Path):  # type: ignore[no-untyped-def]
    return read_workload(path)


@pytest.mark.parametrize(("trace", "policy"), [(trace, policy) for trace in RECORDED for policy in RECORDED[trace]])
def test_golden_policy(shared_dir, trace, policy) -> None:
    golden = shared_dir / "golden" / "policies"
    folder = golden / f"{trace}-{policy}"
    options = json.loads((folder / "options.json").read_text())
    platform = read_platform(golden / options["platform"])
    made = make_policy(policy.removesuffix("-e"))
    run = simulate(platform, [workload(golden / options["workload"])], made, energy=options["energy"])
    with lzma.open(folder / "jobs.csv.xz", "rt") as file:
        expected = list(csv.DictReader(file))
    actual = list(csv.DictReader(io.StringIO(run.files()["jobs.csv"])))
    assert [[row[c] for c in COLUMNS] for row in actual] == [[row[c] for c in COLUMNS] for row in expected]
    joules = [[float(row["consumed_energy"]) for row in rows] for rows in (actual, expected)]
    assert all(math.isclose(a, b, rel_tol=1e-6) for a, b in zip(*joules, strict=True))
