"""Runs of the engine batsim, with programs that stand for Batsim and pybatsim."""

from __future__ import annotations

import json
import os
import shlex
import socket
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from wattq.errors import InvalidInputError, PolicyError
from wattq.experiments import runner
from wattq.experiments.batsim import commands
from wattq.experiments.batsim import engine as engine_module
from wattq.experiments.batsim.engine import BatsimEngine, BatsimRunError, BatsimStoppedError
from wattq.experiments.batsim.finding import Program
from wattq.experiments.batsim.robin_file import read_robin
from wattq.experiments.experiment_model import PolicySpec
from wattq.platforms import load_platform
from wattq.workloads import read_workload
from wattq.workloads.model import Workload

JOBS = """{"nb_res": 4, "jobs": [
 {"id": "1", "subtime": 0, "res": 2, "walltime": 100, "profile": "p"},
 {"id": "2", "subtime": 5, "res": 9, "walltime": 100, "profile": "p"}],
 "profiles": {"p": {"type": "delay", "delay": 10}}}
"""
FILES = {"jobs.csv", "schedule.csv", "machine_states.csv"}
OURS = {"summary.json", "provenance.json", "submitted.csv", "metrics.json", "platform.xml", "batsim"}


@pytest.fixture(autouse=True)
def inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workload in the working directory."""
    (tmp_path / "jobs.json").write_text(JOBS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def workload(inputs: Path) -> Workload:
    return read_workload(inputs / "jobs.json")


@pytest.fixture
def play(fakes: SimpleNamespace, workload: Workload, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Run a policy in ``out`` with the stand-ins, which get little time after a failure."""
    monkeypatch.setattr(commands, "FAILURE_S", 0.3)

    def run(policy: str = "easy", *, energy: bool = False, timeout_s: float = 600.0, **params: Any) -> Any:
        batsim, pybatsim = Program(fakes.batsim, "v4.2.1"), Program(fakes.scheduler, "4.0.0a0")
        return runner.run_once(
            load_platform("kth-sp2"),
            [workload],
            PolicySpec(name=policy, params=params),
            Path("out"),
            energy=energy,
            engine=BatsimEngine(batsim, pybatsim, timeout_s),
        )

    return run


BEFORE = {"jobs.json", "programs"}


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {"pids"}


def test_results_stand_where_those_of_the_embedded_engine_stand(
    play: Callable[..., Any], fakes: SimpleNamespace, inputs: Path
) -> None:
    results = play()
    out = inputs / "out"
    assert names_in(out) == FILES | OURS
    for name in FILES:
        assert (out / name).read_bytes() == (fakes.results / name).read_bytes()
    assert results.jobs.state == ("COMPLETED_SUCCESSFULLY", "REJECTED")
    assert json.loads((out / "metrics.json").read_text())["jobs_finished"] == 1.0
    assert names_in(out / "batsim") == {"cmd", "log", "options.json", "platform.xml", "robin.yaml", "w0"}


def test_the_summary_says_what_batsims_files_say(play: Callable[..., Any], inputs: Path) -> None:
    play("easy", order="sjf")
    assert json.loads((inputs / "out" / "summary.json").read_text()) == {
        "engine": "batsim",
        "program": "batsim",
        "version": "v4.2.1",
        "pybatsim": "4.0.0a0",
        "policy": "easy",
        "params": {"order": "sjf"},
        "platform": "kth-sp2",
        "workloads": ["w0"],
        "synthetic": False,
        "n_hosts": 100,
        "status": "finished",
        "jobs": {
            "total": 2,
            "ended": 1,
            "succeeded": 1,
            "walltime_reached": 0,
            "failed": 0,
            "killed": 0,
            "rejected": 1,
            "unfinished": 0,
        },
        "scheduling_wall_s": 0.25,
        "simulation_wall_s": 0.5,
    }
    provenance = json.loads((inputs / "out" / "provenance.json").read_text())
    assert provenance["engine"] == "batsim"
    assert provenance["batsim"]["program"] == "batsim"
    assert provenance["batsim"]["version"] == "v4.2.1"


def test_commands_can_be_given_again(play: Callable[..., Any], fakes: SimpleNamespace, inputs: Path) -> None:
    play("sjbf")
    work = inputs / "out" / "batsim"
    robin = read_robin(work / "robin.yaml")
    batsim, scheduler = shlex.split(robin.batcmd), shlex.split(robin.schedcmd)
    assert (work / "cmd" / "batsim.bash").read_text() == robin.batcmd
    assert (work / "cmd" / "sched.bash").read_text() == robin.schedcmd
    endpoint = batsim[batsim.index("-s") + 1]
    read = ["-p", str(work / "platform.xml"), "-w", str(work / "w0" / "workload.json")]
    written = ["-s", endpoint, "-e", str(work / "out"), "--disable-schedule-tracing", "-q"]
    assert batsim == [str(fakes.batsim), *read, *written]
    assert endpoint.startswith("tcp://127.0.0.1:")
    options = work / "options.json"
    assert scheduler[:4] == [str(fakes.scheduler), "wattq-easy-sjbf", "-s", endpoint]
    assert scheduler[-1] == f"@{options}"
    content = json.loads(options.read_text())
    assert content["params"] == {}
    assert Path(content["platform"]) == work / "platform.xml"
    assert Path(content["platform"]).is_file()


def test_policies_of_the_user_go_by_their_place(inputs: Path) -> None:
    assert commands.scheduler_name("mine.py:First") == "wattq"
    assert commands.scheduler_name("package.module:First") == "wattq"
    assert commands.scheduler_name("easy_bf") == "wattq-easy-bf"
    spec = PolicySpec(name="mine.py:First", params={"depth": 3})
    options = commands.scheduler_options(spec, Path("p.xml"))
    assert options["policy"] == f"{inputs}/mine.py:First"
    assert options["params"] == {"depth": 3}


def test_a_bad_policy_is_told_before_anything_starts(play: Callable[..., Any], inputs: Path) -> None:
    with pytest.raises(PolicyError, match="unknown policy 'eassy'"):
        play("eassy")
    with pytest.raises(PolicyError, match="depth"):
        play("easy", depth=3)
    assert names_in(inputs) == BEFORE


@pytest.mark.parametrize("limit", [0.0, -1.0, float("nan"), float("inf")])
def test_bad_time_outs(limit: float, fakes: SimpleNamespace) -> None:
    with pytest.raises(InvalidInputError, match="simulation time-out"):
        BatsimEngine.found(limit)


CRASH = "echo 'Traceback (most recent call last):' >&2; echo 'KeyError: 7' >&2; exit 1"
ABORT = "echo '[0.1] src/server.cpp:9: [root/CRITICAL] Job 7: it does not exist' >&2; echo 'Backtrace:' >&2; exit 134"
FAULTS = {
    "the scheduler crashes": ("exec sleep 600", CRASH, "the scheduler ended with exit code 1", "KeyError: 7"),
    "the scheduler cannot start": ("exec sleep 600", "exec no-such-program", "exit code 127", "no-such-program"),
    "batsim aborts": (ABORT, "exec sleep 600", "exit code 134 (SIGABRT)", "Job 7: it does not exist"),
    "batsim is killed": ("kill -9 $$", "exec sleep 600", "Batsim ended with exit code 137 (SIGKILL)", ""),
    "the server refuses": (
        "echo 'wattq-batsim: job 7 is not known' >&2; exit 134",
        "sleep 0.1; exit 1",
        "Batsim ended with exit code 134 (SIGABRT): job 7 is not known; commands",
        "",
    ),
    "batsim fails late": ("write; exit 3", "true", "Batsim ended with exit code 3", ""),
    "batsim writes nothing": ("true", "true", "Batsim wrote no out_jobs.csv", ""),
    "a file is missing": ("write; rm ${PREFIX}_machine_states.csv", "true", "wrote no out_machine_states.csv", ""),
    "a file is empty": ("write; : > ${PREFIX}_schedule.csv", "true", "out_schedule.csv is not whole: it is empty", ""),
    "a row is cut": (
        "write; truncate -s -9 ${PREFIX}_jobs.csv",
        "true",
        "out_jobs.csv is not whole: its last line ends early; is the disk full?",
        "",
    ),
    "rows are missing": (
        "write; head -n 2 $FAKE_RESULTS/jobs.csv > ${PREFIX}_jobs.csv",
        "true",
        "it has 1 jobs, schedule.csv counts 2",
        "",
    ),
    "a value is missing": (
        "write; printf 'nb_jobs,scheduling_time\\n2,0.1\\n' > ${PREFIX}_schedule.csv",
        "true",
        "simulation_time is 'missing', no number",
        "",
    ),
    "the scheduler fails at the end": ("write", "sleep 0.2; echo jobs left >&2; exit 1", "exit code 1", "jobs left"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_end_in_one_message_and_leave_no_result(
    fault: str,
    play: Callable[..., Any],
    inputs: Path,
    alive: Callable[[int], bool],
    pids_in: Callable[[int], list[int]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    batsim, scheduler, message, cause = FAULTS[fault]
    monkeypatch.setenv("FAKE_BATSIM", f"note; {batsim}")
    monkeypatch.setenv("FAKE_SCHEDULER", f"note; {scheduler}")
    with pytest.raises(BatsimRunError) as error:
        play()
    assert str(error.value).startswith("simulation with batsim v4.2.1: ")
    assert message.lower() in str(error.value).lower()
    assert cause in str(error.value)
    assert str(error.value).endswith("commands and logs are in out.failed")
    assert ".part" not in str(error.value)
    assert error.value.exit_code == 1
    assert names_in(inputs) == BEFORE | {"out.failed"}
    assert {"cmd", "log"} <= names_in(inputs / "out.failed")
    assert list((inputs / "out.failed").glob("*.csv")) == []
    assert not any(map(alive, pids_in(2)))


def test_a_scheduler_that_hangs_is_stopped(
    play: Callable[..., Any], alive: Callable[[int], bool], pids_in: Callable[[int], list[int]], monkeypatch: Any
) -> None:
    monkeypatch.setenv("FAKE_BATSIM", "note; exec sleep 600")
    monkeypatch.setenv("FAKE_SCHEDULER", "note; exec sleep 600")
    with pytest.raises(BatsimRunError, match="simulation-timeout"):
        play(timeout_s=0.5)
    assert not any(map(alive, pids_in(2)))


def test_a_port_that_is_taken_meanwhile(play: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "READY_S", 0.2)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        monkeypatch.setattr(engine_module, "free_port", lambda: other.getsockname()[1])
        with pytest.raises(BatsimRunError, match="is still in use after"):
            play()


def test_a_full_disk_is_noticed(
    play: Callable[..., Any], fakes: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A limit on the size of files stands for a full disk: Batsim does not look whether its writes succeed."""
    rows = "".join(
        f"{job},w0,p,0.000000,1,100.000000,1,COMPLETED_SUCCESSFULLY,0.000000,1.000000,1.000000,0.000000,1.000000,"
        f'1.000000,0,-1.000000,""\n'
        for job in range(100)
    )
    header = (fakes.results / "jobs.csv").read_text().splitlines(keepends=True)[0]
    (fakes.results / "jobs.csv").write_text(header + rows)
    monkeypatch.setenv("FAKE_BATSIM", "trap '' XFSZ; ulimit -f 2; write 2>/dev/null; true")
    with pytest.raises(BatsimRunError, match=r"out_jobs.csv is not whole: .*; is the disk full\?"):
        play()


def test_an_error_of_the_disk_in_this_process(
    play: Callable[..., Any], inputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(InvalidInputError, match="No space left on device"):
        play()
    assert names_in(inputs) == BEFORE


def test_jobs_that_are_left_are_a_result(play: Callable[..., Any], inputs: Path, fakes: SimpleNamespace) -> None:
    """As in a deadlock: Batsim ends with code 0 and does not tell the scheduler."""
    text = (fakes.results / "jobs.csv").read_text()
    (fakes.results / "jobs.csv").write_text("".join(text.splitlines(keepends=True)[:2]))
    text = (fakes.results / "schedule.csv").read_text()
    (fakes.results / "schedule.csv").write_text(text.replace(",4,2,", ",4,1,"))
    play()
    summary = json.loads((inputs / "out" / "summary.json").read_text())
    assert summary["status"] == "deadlock"
    assert summary["jobs"]["unfinished"] == 1
    metrics = json.loads((inputs / "out" / "metrics.json").read_text())
    assert metrics["jobs_never_started"] == 1.0


def test_what_a_failure_left_goes_when_the_run_succeeds(
    play: Callable[..., Any], inputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_BATSIM", "exit 1")
    for _ in range(2):
        with pytest.raises(BatsimRunError):
            play()
        assert names_in(inputs) == BEFORE | {"out.failed"}
    monkeypatch.delenv("FAKE_BATSIM")
    play()
    assert names_in(inputs) == BEFORE | {"out"}


def test_a_folder_of_the_user_is_not_taken_for_what_a_failure_left(
    play: Callable[..., Any], inputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (inputs / "out.failed").mkdir()
    (inputs / "out.failed" / "notes.txt").write_text("mine")
    play()
    monkeypatch.setenv("FAKE_BATSIM", "exit 1")
    with pytest.raises(BatsimRunError, match=r"commands and logs are in out\.failed-\w+/batsim"):
        play()
    assert (inputs / "out.failed" / "notes.txt").read_text() == "mine"
    # the earlier result stays as well
    assert (inputs / "out" / "jobs.csv").is_file()


def test_sigterm_has_an_error_of_its_own(
    play: Callable[..., Any], inputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_BATSIM", f"kill -TERM {os.getpid()}; exec sleep 600")
    with pytest.raises(BatsimStoppedError, match="SIGTERM was received"):
        play()
    assert names_in(inputs) == BEFORE | {"out.failed"}
