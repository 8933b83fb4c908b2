"""The engine batsim with real programs: wattq-batsim, Batsim where it is, pybatsim, and schedulers that misbehave."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from wattq.errors import WattqError
from wattq.experiments import runner
from wattq.experiments.batsim import commands
from wattq.experiments.batsim.comparing import first_difference
from wattq.experiments.batsim.engine import BatsimEngine, BatsimRunError
from wattq.experiments.batsim.finding import Program, find_batsim, find_pybatsim, find_server
from wattq.experiments.engines import Embedded
from wattq.experiments.experiment_model import PolicySpec
from wattq.platforms import load_platform
from wattq.workloads import generate_saturated

pytest.importorskip("pybatsim", reason="pybatsim is not installed")


def real_batsim() -> Program:
    """Return real Batsim, or skip the test."""
    try:
        found = find_batsim()
    except WattqError as error:
        pytest.skip(f"real Batsim is not on this machine: {error}")
    if found.path.resolve() == find_server().path.resolve():
        pytest.skip("real Batsim is not on this machine: WATTQ_BATSIM names wattq-batsim")
    return found


@pytest.fixture(params=["wattq-batsim", "batsim"])
def batsim(request: pytest.FixtureRequest) -> Program:
    """Each program that takes Batsim's command line."""
    return find_server() if request.param == "wattq-batsim" else real_batsim()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(commands, "FAILURE_S", 0.3)
    return tmp_path


Play = Callable[..., Any]


@pytest.fixture
def play() -> Play:
    """Run a policy on 60 jobs and 16 of KTH-SP2's hosts' kind."""

    def run(
        batsim: Program | None,
        policy: str = "easy",
        *,
        scheduler: Program | None = None,
        timeout_s: float = 600.0,
        out: str = "out",
        energy: bool = True,
    ) -> Any:
        engine = Embedded() if batsim is None else BatsimEngine(batsim, scheduler or find_pybatsim(), timeout_s)
        return runner.run_once(
            load_platform("kth-sp2"),
            [generate_saturated(60, 100, 1)],
            PolicySpec(name=policy),
            Path(out),
            energy=energy,
            engine=engine,
        )

    return run


IMPATIENT = """
class Impatient:
    \"\"\"First come, first served; asks to be called again, kills a job in ten half-way.\"\"\"

    def decide(self, view, actions):
        for job in view.queue:
            if view.hosts_of(job) > view.n_free:
                break
            actions.start(job)
        for job in view.running:
            if job % 10 == 0 and view.now > view.expected_end_of(job) - 0.5 * view.walltime_of(job):
                actions.kill(job)
        if not view.called and not view.no_more_jobs:
            actions.wake_me_at(view.now + 0.25)
"""


@pytest.mark.parametrize("policy", ["easy", "impatient.py:Impatient"])
def test_the_results_are_those_of_the_embedded_engine(policy: str, batsim: Program, play: Play, folder: Path) -> None:
    (folder / "impatient.py").write_text(IMPATIENT)
    play(None, policy, out="embedded")
    play(batsim, policy)
    assert first_difference(folder / "embedded", folder / "out", energy=True) is None
    left, right = (json.loads((folder / name / "metrics.json").read_text()) for name in ("embedded", "out"))
    for name in ("jobs_finished", "wait_mean_s", "makespan_s", "utilisation", "queue_mean"):
        assert left[name] == right[name]


MISBEHAVING = """#!{python}
import json, os, sys, time
import zmq

def act(message, n):
    now = message["now"]
    first = {{"w0!01": "0-99"}}
    jobs = [e["data"]["job_id"] for e in message["events"] if e["type"] == "JOB_SUBMITTED"]
    def event(kind, **data):
        return {{"timestamp": now, "type": kind, "data": data}}
    def reply(*events, date=now):
        return json.dumps({{"now": date, "events": list(events)}})
    if not jobs:
        return reply()
    {action}

socket = zmq.Context().socket(zmq.REP)
socket.bind(sys.argv[sys.argv.index("-s") + 1])
for n in range(10**6):
    message = json.loads(socket.recv())
    socket.send_string(act(message, n))
    if any(e["type"] == "SIMULATION_ENDS" for e in message["events"]):
        break
time.sleep(0.05)
"""
SCHEDULERS = {
    "crashes": ('raise KeyError("a fault")', "The scheduler ended with exit code 1", "KeyError: 'a fault'"),
    "sends malformed JSON": ('return \'{"now": 0, "events": [\'', "Batsim ended with exit code 134", ""),
    "names an unknown job": (
        'return reply(event("EXECUTE_JOB", job_id="w0!none", alloc="0"))',
        "Batsim ended with exit code 134",
        "not exist",
    ),
    "takes a busy host": (
        # two jobs are submitted one after the other, and both get the first hosts
        'res = message["events"][0]["data"]["job"]["res"]\n'
        '    return reply(event("EXECUTE_JOB", job_id=jobs[0], alloc=f"0-{res - 1}"))',
        "Batsim ended with exit code 134",
        "computing",
    ),
    "calls in the past": (
        'return reply(event("CALL_ME_LATER", **{"timestamp": now - 1}))',
        "Batsim ended with exit code 134",
        "called|awaken|call",
    ),
    "dates an event after its reply": (
        'return reply(event("CALL_ME_LATER", **{"timestamp": now + 9}), date=now - 1)',
        "Batsim ended with exit code 134",
        "",
    ),
}


def misbehaving(folder: Path, action: str) -> Program:
    """Return a scheduler that speaks the protocol up to its fault."""
    path = folder / "scheduler"
    path.write_text(MISBEHAVING.format(python=sys.executable, action=action))
    path.chmod(0o755)
    return Program(path, "4.0.0a0")


@pytest.mark.parametrize("fault", SCHEDULERS)
def test_a_scheduler_that(fault: str, batsim: Program, play: Play, folder: Path) -> None:
    action, message, cause = SCHEDULERS[fault]
    with pytest.raises(BatsimRunError) as error:
        play(batsim, scheduler=misbehaving(folder, action))
    assert str(error.value).startswith(f"simulation with {batsim.title}: {message}")
    assert re.search(cause, str(error.value))
    assert "\n" not in str(error.value)
    assert {path.name for path in folder.iterdir()} == {"out.failed", "scheduler"}


def test_a_scheduler_that_hangs(batsim: Program, play: Play, folder: Path) -> None:
    with pytest.raises(BatsimRunError, match=r"was still running 2 s after its start \(simulation-timeout\)"):
        play(batsim, scheduler=misbehaving(folder, "time.sleep(600)"), timeout_s=2.0)


def test_a_scheduler_that_starts_nothing_leaves_a_deadlock(batsim: Program, play: Play, folder: Path) -> None:
    """Batsim stops by itself, with exit code 0; the jobs are reported as never started."""
    scheduler = misbehaving(folder, "return reply()")
    text = scheduler.path.read_text()
    scheduler.path.write_text(
        text.replace("socket.recv()", "socket.recv() if n == 0 or socket.poll(500) else sys.exit('silence')")
    )
    play(batsim, scheduler=scheduler)
    summary = json.loads((folder / "out" / "summary.json").read_text())
    assert (summary["status"], summary["jobs"]["unfinished"]) == ("deadlock", 60)


def wrapped(batsim: Program, folder: Path, script: str) -> Program:
    """Return a Batsim that a bash script starts as "$batsim" "$@"."""
    path = folder / "wrapper"
    path.write_text(f'#!/usr/bin/env bash\ncase $* in *--dump*) exec {batsim.path} "$@";; esac\n{script}\n')
    path.write_text(path.read_text().replace('"$batsim"', str(batsim.path)))
    path.chmod(0o755)
    return Program(path, batsim.version)


SLOW = """
import time

class Slow:
    def decide(self, view, actions):
        open("seen", "w").close()
        time.sleep(0.2)
        actions.wake_me_at(view.now + 1)
"""


def test_batsim_dies_in_the_middle(batsim: Program, play: Play, folder: Path) -> None:
    (folder / "slow.py").write_text(SLOW)
    killing = '"$batsim" "$@" & until test -e seen; do sleep 0.02; done; kill -9 $!; wait $!'
    with pytest.raises(BatsimRunError, match=r"Batsim ended with exit code 137 \(SIGKILL\)"):
        play(wrapped(batsim, folder, killing), "slow.py:Slow")
    assert not (folder / "out").exists()


def test_a_disk_that_fills_up(batsim: Program, play: Play, folder: Path) -> None:
    """A limit on the size of files stands for the disk; Batsim itself does not look whether its writes succeed."""
    small = wrapped(batsim, folder, 'trap \'\' XFSZ; ulimit -f 4; exec "$batsim" "$@"')
    with pytest.raises(BatsimRunError, match=r"is not whole|cannot be written|wrote no|File too large|SIGXFSZ"):
        play(small)
    assert not (folder / "out").exists()
    assert not list((folder / "out.failed").glob("out_*"))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_runs_leave_nothing_behind(
    number: signal.Signals, code: int, folder: Path, wait_until: Callable[[Callable[[], bool]], bool]
) -> None:
    (folder / "slow.py").write_text(SLOW)
    (folder / "jobs.json").write_text(
        '{"nb_res": 4, "jobs": [{"id": "1", "subtime": 0, "res": 2, "profile": "p"}],'
        ' "profiles": {"p": {"type": "delay", "delay": 10}}}'
    )
    words = ["-p", "kth-sp2", "-w", "jobs.json", "--policy", "slow.py:Slow", "--engine", "batsim", "-o", "out"]
    with subprocess.Popen(
        [sys.executable, "-c", "from wattq.cli import main; main()", "run", *words],
        env={**os.environ, "WATTQ_BATSIM": "wattq-batsim"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert wait_until((folder / "seen").exists)
        running.send_signal(number)
        _, printed = running.communicate(timeout=60)
    assert running.returncode == code
    assert len(printed.splitlines()) == 1
    below = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert str(folder) not in below
    assert {path.name for path in folder.iterdir()} <= {"slow.py", "jobs.json", "seen", "__pycache__", "out.failed"}
