"""Campaigns in pilot jobs on a real Slurm."""

from __future__ import annotations

import importlib.util
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from wattq.experiments.campaign import read_status

pytestmark = [
    pytest.mark.service,
    # looked for, not imported: the import sets a handler of Ctrl-C
    pytest.mark.skipif(importlib.util.find_spec("dask_jobqueue") is None, reason="dask-jobqueue is not installed"),
]

Begin = Callable[..., subprocess.Popen[str]]


def jobs() -> str:
    """Return the campaign's jobs in the queue."""
    words = ["squeue", "-h", "-n", "wattq-campaign", "-o", "%i %t"]
    return subprocess.run(words, capture_output=True, text=True, timeout=60, check=True).stdout


def until_no_jobs() -> None:
    limit = time.monotonic() + 60
    while jobs():
        assert time.monotonic() < limit, jobs()
        time.sleep(0.5)


@pytest.mark.usefixtures("slurm")
def test_the_same_file_unchanged(small: Path, begin: Begin) -> None:
    for executor in ("local", "slurm"):
        words = ("campaign", "small.yaml", "-o", executor, "--executor", executor, "--workers", "2")
        printed, errors = begin(*words).communicate(timeout=500)
        assert "4 cells, 4 runs, 4 asked for: 4 done now" in printed, errors
    tables = [(small.parent / name / "results.csv").read_bytes() for name in ("local", "slurm")]
    assert tables[0] == tables[1]
    assert list((small.parent / "slurm" / "pilots").iterdir())
    until_no_jobs()


@pytest.mark.usefixtures("slurm")
def test_a_pilot_job_cancelled_in_the_middle_loses_nothing(small: Path, begin: Begin) -> None:
    text = small.read_text(encoding="utf-8").replace(
        "values: [0.5, 1.0]", f"values: [{', '.join(map(str, range(1, 41)))}]"
    )
    small.write_text(text, encoding="utf-8")
    process = begin("campaign", "small.yaml", "-o", "out", "--executor", "slurm", "--workers", "1")
    limit = time.monotonic() + 300
    while not (small.parent / "out").exists() or read_status_done(small.parent / "out") < 5:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < limit
        time.sleep(0.02)
    subprocess.run(["scancel", "-n", "wattq-campaign"], check=True, timeout=60)
    printed, errors = process.communicate(timeout=400)
    assert "80 cells, 80 runs, 80 asked for: 80 done now" in printed, errors
    assert process.returncode == 0
    until_no_jobs()


def read_status_done(folder: Path) -> int:
    return len(list((folder / "runs").glob("*")))


@pytest.mark.usefixtures("slurm")
def test_ctrl_c_cancels_the_jobs(small: Path, begin: Begin) -> None:
    import signal

    text = small.read_text(encoding="utf-8").replace(
        "values: [0.5, 1.0]", f"values: [{', '.join(map(str, range(1, 101)))}]"
    )
    small.write_text(text, encoding="utf-8")
    process = begin("campaign", "small.yaml", "-o", "out", "--executor", "slurm", "--workers", "1")
    limit = time.monotonic() + 300
    while not (small.parent / "out").exists() or read_status_done(small.parent / "out") < 3:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < limit
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert read_status(small.parent / "out").counts["done"] >= 3
    until_no_jobs()
