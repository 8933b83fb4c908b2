"""The engine batsim on the command line, with programs that stand for Batsim and pybatsim."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from wattq.cli import main
from wattq.experiments.batsim import engine as engine_module
from wattq.experiments.batsim.finding import Program

JOBS = """{"nb_res": 4, "jobs": [
 {"id": "1", "subtime": 0, "res": 2, "walltime": 100, "profile": "p"},
 {"id": "2", "subtime": 5, "res": 9, "walltime": 100, "profile": "p"}],
 "profiles": {"p": {"type": "delay", "delay": 10}}}
"""


@pytest.fixture(autouse=True)
def inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workload in the working directory."""
    (tmp_path / "jobs.json").write_text(JOBS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(*words: str) -> int:
    """Return the exit code of the command line."""
    with pytest.raises(SystemExit) as end:
        main(words)
    return int(end.value.code or 0)


RUN = ("run", "-p", "kth-sp2", "-w", "jobs.json", "--policy", "easy", "-o", "out", "--engine", "batsim")
STUDY = "name: study\nplatform: kth-sp2\nworkloads: [jobs.json]\npolicies: [fcfs, easy]\nengine: batsim\n"


@pytest.fixture
def with_fakes(fakes: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "find_pybatsim", lambda: Program(fakes.scheduler, "4.0.0a0"))


@pytest.mark.usefixtures("with_fakes")
def test_the_command_line_takes_the_engine(inputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(*RUN) == 0
    assert "1 of 2" in capsys.readouterr().out
    assert call("report", "out", "-o", "r.html") == 0
    assert "1 of 2" in capsys.readouterr().out
    assert "batsim (batsim v4.2.1, pybatsim 4.0.0a0)" in (inputs / "r.html").read_text()


@pytest.mark.usefixtures("with_fakes")
def test_experiments_take_the_engine(inputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (inputs / "study.yaml").write_text(STUDY)
    assert call("compare", "study.yaml") == 0
    for policy in ("fcfs", "easy"):
        run = inputs / "results" / "study" / "runs" / policy
        assert json.loads((run / "summary.json").read_text())["engine"] == "batsim"
    assert call("compare", "study.yaml", "--engine", "embedded", "-o", "again") == 0
    assert json.loads((inputs / "again" / "runs" / "easy" / "summary.json").read_text())["engine"] == "embedded"
    assert call("compare", "study.yaml", "--simulation-timeout", "0") == 2
    assert "simulation time-out 0.0 s" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"FAKE_VERSION": "echo 5.0.0-rc2"}, "batprotocol"),
        ({"WATTQ_BATSIM": "/nowhere/batsim"}, "WATTQ_BATSIM=/nowhere/batsim: no such program; take Batsim 4.2.x"),
    ],
)
@pytest.mark.usefixtures("with_fakes")
def test_what_is_missing_is_one_message_and_exit_code_2(
    change: dict[str, str],
    message: str,
    inputs: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in change.items():
        monkeypatch.setenv(name, value)
    assert call(*RUN) == 2
    printed = capsys.readouterr().err
    assert printed.startswith("wattq: error: ")
    assert message in printed
    assert {path.name for path in inputs.iterdir()} == {"jobs.json", "programs"}


INTERRUPTIBLE = """
import os, sys
from pathlib import Path
from wattq.cli import main
from wattq.experiments.batsim import engine
from wattq.experiments.batsim.finding import Program
engine.find_pybatsim = lambda: Program(Path(os.environ["FAKE_RESULTS"]) / "pybatsim", "4.0.0a0")
main(sys.argv[1:])
"""


@pytest.mark.parametrize(
    ("number", "code", "message"),
    [
        (signal.SIGINT, 130, "wattq: interrupted; what was finished stays, nothing is half-written"),
        (signal.SIGTERM, 143, "SIGTERM was received: Batsim and the scheduler were stopped"),
    ],
)
def test_ctrl_c_and_sigterm_leave_nothing_behind(
    number: signal.Signals,
    code: int,
    message: str,
    inputs: Path,
    fakes: SimpleNamespace,
    alive: Callable[[int], bool],
    pids_in: Callable[[int], list[int]],
) -> None:
    hanging = {"FAKE_BATSIM": "note; exec sleep 600", "FAKE_SCHEDULER": "note; exec sleep 600"}
    with subprocess.Popen(
        [sys.executable, "-c", INTERRUPTIBLE, *RUN],
        env={**os.environ, **hanging},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        pids = pids_in(2)
        running.send_signal(number)
        _, printed = running.communicate(timeout=60)
    assert running.returncode == code
    assert message in printed
    assert "Traceback" not in printed
    assert not any(map(alive, pids))
    assert not (inputs / "out").exists()
    assert not (inputs / "out.part").exists()
