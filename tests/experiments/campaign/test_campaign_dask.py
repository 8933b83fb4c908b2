"""Campaigns by dask: on a cluster of this machine, and by a scheduler that is there already."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from wattq.experiments.campaign import Layout, crews, read_attempts, read_status

pytest.importorskip("distributed")

Begin = Callable[..., subprocess.Popen[str]]

SLOW = """\
import os, time
from pathlib import Path

class Policy:
    def __init__(self, name):
        self.mark = Path(f"mark-{name}")

    def decide(self, view, actions):
        if not self.mark.exists():
            self.mark.write_text(str(os.getpid()))
            time.sleep(600)
        for job in view.queue[: 1 if view.n_free == view.n_hosts else 0]:
            actions.start(job)
"""


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[Path]:
    """A dask scheduler with two workers, and the file that says where it is."""
    file = tmp_path / "scheduler.json"
    words = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file)]
    begun = [subprocess.Popen([sys.executable, "-m", "distributed.cli.dask_scheduler", *words], cwd=tmp_path)]
    try:
        limit = time.monotonic() + 60
        while not file.exists():
            assert time.monotonic() < limit
            time.sleep(0.1)
        words = ["--scheduler-file", str(file), "--nthreads", "1", "--nworkers", "2", "--no-dashboard"]
        begun.append(subprocess.Popen([sys.executable, "-m", "distributed.cli.dask_worker", *words], cwd=tmp_path))
        yield file
    finally:
        for process in reversed(begun):
            process.terminate()
            process.wait(30)


@pytest.mark.slow
def test_a_worker_killed_in_the_middle_loses_nothing(small: Path, scheduler: Path, begin: Begin) -> None:
    (small.parent / "slow.py").write_text(SLOW, encoding="utf-8")
    text = small.read_text(encoding="utf-8").replace(
        "[fcfs, easy]", "[fcfs, easy, {name: 'slow.py:Policy', label: slow, params: {name: first}}]"
    )
    small.write_text(text.replace("values: [0.5, 1.0]", "values: [0.5]"), encoding="utf-8")
    process = begin("campaign", "small.yaml", "-o", "out", "--executor", "dask", "--scheduler-file", scheduler.name)
    mark = small.parent / "mark-first"
    limit = time.monotonic() + 120
    while not mark.exists() or not mark.read_text(encoding="utf-8"):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < limit
        time.sleep(0.05)
    os.kill(int(mark.read_text(encoding="utf-8")), signal.SIGKILL)
    printed, errors = process.communicate(timeout=120)
    assert "3 cells, 3 runs, 3 asked for: 3 done now" in printed, errors
    assert process.returncode == 0
    status = read_status(small.parent / "out")
    assert status.counts["done"] == 3
    tried = [[attempt.status for attempt in row.attempts] for row in status.rows]
    assert tried == [["done"], ["done"], ["running", "done"]]


@pytest.mark.slow
def test_the_same_results_as_processes_here(small: Path, begin: Begin) -> None:
    for executor in ("local", "dask"):
        printed, errors = begin("campaign", "small.yaml", "-o", executor, "--executor", executor).communicate(
            timeout=300
        )
        assert "4 done now" in printed, errors
    tables = [(small.parent / name / "results.csv").read_bytes() for name in ("local", "dask")]
    assert tables[0] == tables[1]
    attempts = read_attempts(Layout(small.parent / "dask"))
    assert [len(tried) for tried in attempts.values()] == [1, 1, 1, 1]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--scheduler-file", "gone.json"), "--scheduler-file gone.json: holds no address of a dask scheduler"),
        (("--address", "tcp://127.0.0.1:9"), "tcp://127.0.0.1:9: no dask scheduler answers"),
        (("--address", "nonsense"), "nonsense: no dask scheduler answers"),
    ],
)
def test_no_scheduler(
    small: Path, words: tuple[str, ...], message: str, monkeypatch: pytest.MonkeyPatch, call: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(crews, "_CONNECT_S", 1)
    (small.parent / "gone.json").write_text("{", encoding="utf-8")
    assert call("campaign", "small.yaml", "-o", "out", "--executor", "dask", *words) == 2
    printed = capsys.readouterr()
    assert printed.err.startswith("wattq: error: " + message)
    assert read_status(small.parent / "out").counts["new"] == 4
    assert not (small.parent / "out" / "lock").exists()


def test_missing_extra(small: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from wattq.cli import main

    monkeypatch.setitem(sys.modules, "distributed", None)
    for words in (["--executor", "dask"], ["--executor", "slurm"], ["--executor", "slurm", "--print-job-script"]):
        with pytest.raises(SystemExit) as end:
            main(["campaign", "small.yaml", "-o", "out", *words])
        assert end.value.code == 2
        assert "extra campaign: pip install 'wattq[campaign]' (distributed is missing)" in capsys.readouterr().err


@pytest.mark.skipif(importlib.util.find_spec("dask_jobqueue") is None, reason="dask-jobqueue is not installed")
def test_ctrl_c_is_answered_as_before() -> None:
    program = """\
import signal
from wattq.experiments.campaign.crews import CrewOptions, job_script
before = signal.getsignal(signal.SIGINT)
assert "dask_worker" in job_script(CrewOptions("slurm"))
assert signal.getsignal(signal.SIGINT) is before
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)


@pytest.mark.skipif(importlib.util.find_spec("dask_jobqueue") is None, reason="dask-jobqueue is not installed")
def test_job_script(small: Path, begin: Begin) -> None:
    spec = (
        "slurm: {partition: short, account: me, cores: 4, memory: 8GB, walltime: '1-02:00:00', directives: "
        "[--exclusive], prologue: [module load python], python: /opt/python}\n"
    )
    small.write_text(small.read_text(encoding="utf-8") + spec, encoding="utf-8")
    process = begin("campaign", "small.yaml", "--executor", "slurm", "--print-job-script")
    printed, errors = process.communicate(timeout=120)
    assert (process.returncode, errors) == (0, "")
    lines = printed.splitlines()
    for line in ("-p short", "-A me", "--cpus-per-task=4", "-t 1-02:00:00", "--exclusive", "-J wattq-campaign"):
        assert f"#SBATCH {line}" in lines
    assert "module load python" in lines
    (command,) = [line for line in lines if line.startswith("/opt/python -m distributed.cli.dask_worker tcp://")]
    assert "--nworkers 4" in command
    assert "--lifetime 93300s" in command
    assert not (small.parent / "results").exists()
