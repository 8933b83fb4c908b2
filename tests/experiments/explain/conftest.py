"""Small worlds whose waits can be worked out by hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from wattq.experiments.experiment_model import PolicySpec
from wattq.experiments.runner import run_once
from wattq.platforms import ComputeState, SleepState, make_platform
from wattq.platforms.model import Platform
from wattq.workloads import read_workload

Row = tuple[float, ...]
"""Submission (s), hosts, run time (s), walltime (s, -1 for none); the user, 7 where not given."""
Play = Callable[..., Path]

FAST = ComputeState(1e9, 100.0, 200.0)
SLOW = ComputeState(0.8e9, 100.0, 130.0)
SLEEP = SleepState(10.0, 5.0, 125.0, 64.0, 115.0)


def machine(n_hosts: int = 4, *, sleeps: bool = False, slow: bool = False) -> Platform:
    return make_platform(n_hosts, (FAST, SLOW) if slow else (FAST,), (SLEEP,) if sleeps else ())


def write_jobs(path: Path, rows: tuple[Row, ...], kind: str = "parallel_homogeneous") -> Path:
    """Write jobs as Batsim JSON; job k has the id k."""
    jobs: list[dict[str, Any]] = []
    profiles: dict[str, Any] = {}
    for k, (submit, hosts, run, wall, *user) in enumerate(rows):
        jobs.append({"id": str(k), "subtime": submit, "res": hosts, "profile": f"p{k}", "user": (*user, 7)[0]})
        if wall > 0:
            jobs[-1]["walltime"] = wall
        amount = {"delay": {"delay": run}, "parallel_homogeneous": {"cpu": run * 1e9, "com": 0}}
        amount["parallel_homogeneous_total"] = {"cpu": run * hosts * 1e9, "com": 0}
        profiles[f"p{k}"] = {"type": kind, **amount[kind]}
    path.write_text(json.dumps({"nb_res": 64, "jobs": jobs, "profiles": profiles}), encoding="utf-8")
    return path


@pytest.fixture
def run(tmp_path: Path) -> Play:
    """Play jobs under a policy and return the run directory."""

    def play(
        policy: str,
        *rows: Row,
        platform: Platform | None = None,
        params: Mapping[str, Any] | None = None,
        energy: bool = False,
        kind: str = "parallel_homogeneous",
        name: str = "run",
        events: Path | None = None,
    ) -> Path:
        path = write_jobs(tmp_path / f"{name}.json", rows, kind)
        spec = PolicySpec.model_construct(name=policy, params=dict(params or {}), label=None)
        jobs = read_workload(path, name="w0")
        run_once(platform or machine(), [jobs], spec, tmp_path / name, energy=energy, events=events)
        return tmp_path / name

    return play
