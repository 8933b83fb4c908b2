"""Campaigns whose processes are killed lose nothing and run nothing twice."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from wattq.experiments.campaign import Layout, collect, read_attempts, read_status

Begin = Callable[..., subprocess.Popen[str]]

MANY = """\
name: many
platform: kth-sp2
workloads:
  - label: made
    generate: {jobs: 300, hosts: 100}
policies: [fcfs, easy]
seeds: [0, 1, 2, 3]
factors:
  tau_s: [TAUS]
"""


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """A campaign of 200 runs."""
    path = tmp_path / "many.yaml"
    path.write_text(MANY.replace("TAUS", ", ".join(str(tau) for tau in range(1, 26))), encoding="utf-8")
    return path


def finished(folder: Path) -> int:
    return len(Layout(folder).finished())


def until_more(folder: Path, runs: int, process: subprocess.Popen[str]) -> None:
    """Wait until so many runs are done."""
    limit = time.monotonic() + 120
    while finished(folder) < runs:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < limit, finished(folder)
        time.sleep(0.005)


def check_attempts(folder: Path, keys: set[str]) -> int:
    """Check that every run was done once, and none begun again after that; return how many attempts were cut off."""
    attempts = read_attempts(Layout(folder))
    assert set(attempts) == keys
    for tried in attempts.values():
        (done,) = [attempt for attempt in tried if attempt.status == "done"]
        assert all(attempt.started <= done.ended for attempt in tried)
        assert {attempt.status for attempt in tried} <= {"done", "running", "double"}
    return sum(attempt.status == "running" for tried in attempts.values() for attempt in tried)


@pytest.mark.slow
def test_200_runs_killed_three_times(many: Path, begin: Begin) -> None:
    out = many.parent / "out"
    words = ("campaign", "many.yaml", "-o", "out", "--workers", "2")
    reached = []
    for number, runs in enumerate((20, 70, 120)):
        process = begin(*words)
        until_more(out, runs, process)
        # once the one that shares out the cells alone, then all of them
        if number == 0:
            os.kill(process.pid, signal.SIGKILL)
        else:
            os.killpg(process.pid, signal.SIGKILL)
        assert process.wait(30) == -signal.SIGKILL
        reached.append(finished(out))
        assert reached[-1] < 200
        assert (out / "lock").is_dir()
    before = {path.name: path.stat().st_mtime_ns for path in (out / "runs").iterdir()}
    printed, errors = begin(*words).communicate(timeout=300)
    assert f"200 cells, 200 runs, 200 asked for: {200 - len(before)} done now, {len(before)} done before" in printed
    assert errors == ""
    assert reached == sorted(reached)
    status = read_status(out)
    assert status.counts == {"done": 200, "failed": 0, "begun": 0, "new": 0}
    rows = collect(out).rows
    assert len(rows) == 200
    assert all(row["wait_mean_s"] >= 0 for row in rows)
    assert {name: (out / "runs" / name).stat().st_mtime_ns for name in before} == before
    cut_off = check_attempts(out, {row.key for row in status.rows})
    assert 0 < cut_off <= 6
    assert not (out / "lock").exists()
    assert list((out / "parts").iterdir()) == []


def group_of(leader: int) -> list[str]:
    """Return what still runs of a group of processes."""
    done = subprocess.run(["pgrep", "-a", "-g", str(leader)], capture_output=True, text=True, check=False)
    return done.stdout.splitlines()


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("executor", ["local", "dask"])
def test_interruption_ends_cleanly(many: Path, begin: Begin, number: int, code: int, executor: str) -> None:
    if executor == "dask":
        pytest.importorskip("distributed")
    out = many.parent / "out"
    words = ("campaign", "many.yaml", "-o", "out", "--workers", "2", "--executor", executor)
    process = begin(*words)
    until_more(out, 10, process)
    # Ctrl-C reaches every process of a terminal
    os.killpg(process.pid, number) if number == signal.SIGINT else process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == code
    assert "Traceback" not in errors
    assert errors.count("\n") <= 1
    assert not (out / "lock").exists()
    assert list((out / "parts").iterdir()) == []
    counts = read_status(out).counts
    assert 10 <= counts["done"] < 200
    assert (out / "manifest.csv").read_text(encoding="utf-8").count(",done,") == counts["done"]
    until = time.monotonic() + 30
    while left := group_of(process.pid):
        assert time.monotonic() < until, left
        time.sleep(0.1)
