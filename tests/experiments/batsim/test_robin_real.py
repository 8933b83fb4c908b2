"""Robin files run with real programs: wattq-batsim or Batsim itself, and wattq's policies under pybatsim."""

from __future__ import annotations

import csv
import os
import shutil
import sys
from pathlib import Path

import pytest

from wattq.experiments import PolicySpec, parse_experiment, run_once
from wattq.experiments.batsim.robin_reading import experiment_from_robin
from wattq.experiments.batsim.robin_writing import RobinOptions, write_robin
from wattq.experiments.batsim.supervise import supervise
from wattq.experiments.inputs import find_platform, find_workload

STUDY = """\
name: study
platform: kth-sp2
workloads:
  - label: made
    generate: {jobs: 300, hosts: 100}
policies: [{name: easy, params: {order: saf}}, easy-bf]
energy: true
"""
PATHS = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])


def program(name: str, variable: str = "") -> str:
    path = os.environ.get(variable) or shutil.which(name, path=PATHS)
    if not path:
        pytest.skip(f"{name} is not installed")
    return path


@pytest.fixture(params=["wattq-batsim", "batsim"])
def batsim(request: pytest.FixtureRequest) -> str:
    """A program with Batsim's command line."""
    program("pybatsim")
    return program(request.param, "WATTQ_BATSIM" if request.param == "batsim" else "")


def schedule(path: Path) -> list[tuple[str, ...]]:
    """Return when and where each job ran, in the order of their ends."""
    columns = ("job_id", "final_state", "starting_time", "finish_time", "allocated_resources")
    with path.open(newline="") as stream:
        return [tuple(row[name] for name in columns) for row in csv.DictReader(stream)]


def test_the_same_schedules(
    batsim: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    free_port: int,
) -> None:
    monkeypatch.chdir(tmp_path)
    experiment = parse_experiment(STUDY, "study.yaml")
    files = write_robin(experiment, Path("files"), RobinOptions("work", batsim, free_port))
    for path, policy in zip(files, experiment.policies, strict=True):
        outcome = supervise(files[path], env={**os.environ, "PATH": PATHS})
        assert (outcome.exit_code, outcome.message, outcome.warnings) == (0, "", ())
        here = in_process(path, policy)
        assert schedule(Path(files[path].output_dir) / "out_jobs.csv") == schedule(here / "jobs.csv")


def in_process(path: Path, policy: PolicySpec) -> Path:
    """Simulate a robin file in this process; returns the run directory."""
    again = experiment_from_robin([path])
    assert again.policies == [policy]
    workload = find_workload(again.workloads[0], 0)
    return run_once(find_platform(again.platform), [workload], policy, Path(path.stem), energy=True).directory
