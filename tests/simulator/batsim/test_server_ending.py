"""How the program ends: exit codes, one message, no half-written file, and at once when it is told to."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from wattq import __version__

Kit = SimpleNamespace


def test_version(kit: Kit) -> None:
    done = kit.finished(["--version"])
    first, second = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (0, "")
    assert first == "v4.2.1"
    assert second.startswith(f"wattq-batsim {__version__}: ")
    match = re.search(r"(\d+)\.(\d+)\.(\d+)", done.stdout)
    assert match is not None
    assert match.groups() == ("4", "2", "1")


def test_version_of_simgrid(kit: Kit) -> None:
    assert kit.finished(["--simgrid-version"]).stdout.splitlines()[0] == "3.34.0"


def test_help(kit: Kit) -> None:
    done = kit.finished(["--help"])
    assert (done.returncode, done.stderr) == (0, "")
    assert "--platform FILE" in done.stdout


def test_the_execution_context_needs_no_files(kit: Kit) -> None:
    done = kit.finished(["-p", "none.xml", "-w", "none.json", "-e", "a/b", "--dump-execution-context"])
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["export_prefix"] == "a/b"
    assert done.stdout.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "code", "wording"),
    [
        ([], 255, "option '-p/--platform' is missing: name the platform file; see wattq-batsim --help"),
        (["-p", "x", "--loud"], 255, "unknown option '--loud'; see wattq-batsim --help"),
        (["-p", "none.xml"], 1, "platform file 'none.xml' does not exist; check the path"),
        (
            ["-p", "none.xml", "-w", "none.json"],
            3,
            "'none.xml' does not exist; workload file 'none.json' does not exist",
        ),
        (["-p", "/", "-w", "n" * 300], 2, "does not exist"),
        (["-p", "/", "--events", "none.txt"], 2, "events file 'none.txt' does not exist"),
        (["-p", "x", "--enable-redis"], 5, "option '--enable-redis': there is no Redis data storage here"),
        (["-p", "x", "--sg-cfg", "a:b"], 5, "option '--sg-cfg a:b': it would change SimGrid's results or outputs"),
    ],
)
def test_exit_codes(kit: Kit, words: list[str], code: int, wording: str, tmp_path: Path) -> None:
    done = kit.finished(words, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (code, "", 1)
    assert done.stderr.startswith("wattq-batsim: ")
    assert wording in done.stderr
    assert not list(tmp_path.iterdir())


def test_the_console_script_and_the_module_are_one_program() -> None:
    from importlib.metadata import entry_points

    (script,) = entry_points(group="console_scripts", name="wattq-batsim")
    assert script.value == "wattq.simulator.batsim.main:main"


def test_jobs_that_batsim_cannot_express(kit: Kit, inputs: Any) -> None:
    document = json.loads((inputs.folder / "workload.json").read_text(encoding="utf-8"))
    document["jobs"][0]["beta"] = 0.5
    (inputs.folder / "workload.json").write_text(json.dumps(document), encoding="utf-8")
    done = kit.finished(inputs.words("tcp://localhost:1"))
    assert done.returncode == 5
    assert "beta 0.5, which Batsim cannot express" in done.stderr


@pytest.mark.parametrize(
    ("name", "content", "wording"),
    [
        ("platform.xml", "<platform", "platform.xml"),
        ("workload.json", "{", "workload.json"),
        ("workload.json", '{"nb_res": 2, "jobs": [{"id": 1}], "profiles": {}}', "workload.json"),
        (
            "events.txt",
            '{"timestamp": 1, "type": "machine_available", "resources": "0", "x": "\\ud800"}',
            "surrogate pair",
        ),
        ("events.txt", '{"timestamp": 1, "type": "flood"}', "events.txt, line 1, key 'type': unknown event 'flood'"),
    ],
)
def test_what_makes_batsim_abort_while_it_reads(kit: Kit, inputs: Any, name: str, content: str, wording: str) -> None:
    (inputs.folder / "events.txt").touch()
    (inputs.folder / name).write_text(content, encoding="utf-8")
    done = kit.finished(inputs.words("tcp://localhost:1", "--events", str(inputs.folder / "events.txt")))
    assert (done.returncode, done.stderr.count("\n")) == (-signal.SIGABRT, 1)
    assert wording in done.stderr
    assert "Traceback" not in done.stderr
    assert not inputs.outputs()


def test_a_profile_that_is_not_simulated(kit: Kit, inputs: Any) -> None:
    text = kit.workload_text().replace('"type": "delay", "delay": 1.5', '"type": "smpi", "trace": "x"')
    (inputs.folder / "workload.json").write_text(text, encoding="utf-8")
    done = kit.finished(inputs.words("tcp://localhost:1"))
    assert (done.returncode, done.stderr.count("\n")) == (5, 1)
    assert "smpi" in done.stderr


def test_a_folder_that_does_not_exist(kit: Kit, inputs: Any) -> None:
    words = inputs.words("tcp://localhost:1")
    words[words.index("-e") + 1] = str(inputs.folder / "none" / "out")
    done = kit.finished(words)
    assert (done.returncode, done.stderr.count("\n")) == (-signal.SIGABRT, 1)
    assert "none/out_jobs.csv' cannot be written (No such file or directory)" in done.stderr


def test_a_configuration_file_that_does_not_exist(kit: Kit, inputs: Any) -> None:
    done = kit.finished(inputs.words("tcp://localhost:1", "--sched-cfg-file", "none.json"), cwd=inputs.folder)
    assert (done.returncode, done.stderr.count("\n")) == (-signal.SIGABRT, 1)
    assert "scheduler configuration file 'none.json' cannot be read (No such file or directory)" in done.stderr


def test_an_endpoint_that_is_none(kit: Kit, inputs: Any) -> None:
    done = kit.finished(inputs.words("nowhere"))
    assert (done.returncode, done.stderr.count("\n")) == (-signal.SIGABRT, 1)
    assert "socket endpoint 'nowhere' cannot be connected to" in done.stderr
    assert not inputs.outputs()


def test_a_normal_end(kit: Kit, inputs: Any, listener: Any) -> None:
    scheduler = kit.Fcfs()
    with kit.program(inputs.words(listener.endpoint)) as process:
        listener.answer(scheduler, lambda: scheduler.ended)
        said = process.communicate(timeout=kit.patience_s)
    assert (process.returncode, said) == (0, ("", ""))
    assert inputs.outputs() == ["jobs.csv", "machine_states.csv", "schedule.csv", "schedule.trace", "summary.json"]


def test_a_deadlock_is_told_to_the_user_and_not_to_the_scheduler(kit: Kit, inputs: Any, listener: Any) -> None:
    with kit.program(inputs.words(listener.endpoint)) as process:
        listener.answer(
            lambda text: f'{{"now":{json.loads(text)["now"]},"events":[]}}', lambda: process.poll() is not None
        )
        _, said = process.communicate(timeout=kit.patience_s)
    assert process.returncode == 0
    assert said == (
        "wattq-batsim: deadlock at 2.000000 s: nothing can happen any more; 3 jobs were never started "
        "(w0!0, w0!1, w0!2); the files are written, the scheduler is not told\n"
    )
    assert "SIMULATION_ENDS" not in "".join(listener.heard)
    assert "jobs.csv" in inputs.outputs()


@pytest.mark.parametrize(
    ("reply", "wording"),
    [
        ("{", "the scheduler's reply is not an object with 'now' and 'events'"),
        ("", "the scheduler's reply is not an object with 'now' and 'events'"),
        (b"\xff\xfe", "the scheduler's reply is not UTF-8 text"),
        ('{"now": 0}', "the scheduler's reply is not an object with 'now' and 'events'"),
        ('{"now": "0", "events": []}', "the scheduler's reply needs a number 'now' and a list 'events'"),
        ("unknown event", "a decision is of type 'DANCE'"),
        ("unknown job", "does not exist"),
        ("date after now", "a decision is dated after the reply that holds it"),
        ("past call", "a call was asked for at a date that is not in the future"),
    ],
)
def test_faults_of_the_scheduler(kit: Kit, inputs: Any, listener: Any, reply: str | bytes, wording: str) -> None:
    events = {
        "unknown event": {"timestamp": 0, "type": "DANCE", "data": {}},
        "unknown job": {"timestamp": 0, "type": "EXECUTE_JOB", "data": {"job_id": "w0!9", "alloc": "0"}},
        "date after now": {"timestamp": 9, "type": "REJECT_JOB", "data": {"job_id": "w0!0"}},
        "past call": {"timestamp": 0, "type": "CALL_ME_LATER", "data": {"timestamp": 0}},
    }
    if reply in events:
        reply = json.dumps({"now": 0, "events": [events[str(reply)]]})
    served = kit.Served(inputs.words(listener.endpoint))
    listener.recv()
    listener.send(reply)
    served.wait()
    assert wording in str(served.error)
    assert type(served.error).__name__ in ("InvalidInputError", "SimulationAbortError")
    assert not inputs.outputs()


def test_a_busy_host_makes_the_program_abort(kit: Kit, inputs: Any, listener: Any) -> None:
    def careless(text: str) -> str:
        message = json.loads(text)
        ids = [event["data"]["job_id"] for event in message["events"] if event["type"] == "JOB_SUBMITTED"]
        data = [{"job_id": job_id, "alloc": "0"} for job_id in ids]
        events = [{"timestamp": message["now"], "type": "EXECUTE_JOB", "data": each} for each in data]
        return json.dumps({"now": message["now"], "events": events})

    with kit.program(inputs.words(listener.endpoint)) as process:
        listener.answer(careless, lambda: process.poll() is not None)
        _, said = process.communicate(timeout=kit.patience_s)
    assert process.returncode == -signal.SIGABRT
    assert said == (
        "wattq-batsim: the simulation aborts at 1.000000 s: job 'w0!1' was given machine 0 ('h0'), which is computing "
        "another job\n"
    )
    assert not inputs.outputs()


def test_an_abort_leaves_no_memory_dump(kit: Kit, inputs: Any) -> None:
    (inputs.folder / "platform.xml").write_text("<", encoding="utf-8")
    command = f"ulimit -c unlimited; exec {sys.executable} -m wattq.simulator.batsim -p platform.xml"
    done = subprocess.run(
        ["bash", "-c", command], cwd=inputs.folder, capture_output=True, timeout=kit.patience_s, check=False
    )
    assert done.returncode == -signal.SIGABRT
    assert sorted(path.name for path in inputs.folder.iterdir()) == ["platform.xml", "workload.json"]


def test_a_silent_scheduler(kit: Kit, inputs: Any, listener: Any) -> None:
    done = kit.finished(inputs.words(listener.endpoint, "--scheduler-timeout", "0.3"))
    assert (done.returncode, done.stderr.count("\n")) == (6, 1)
    assert "did not answer within 0.3 s (--scheduler-timeout)" in done.stderr
    assert not inputs.outputs()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("somebody", [True, False])
def test_interrupted_while_it_waits(
    kit: Kit, inputs: Any, listener: Any, number: signal.Signals, somebody: bool
) -> None:
    endpoint = listener.endpoint
    if not somebody:
        with socket.create_server(("127.0.0.1", 0)) as server:
            endpoint = f"tcp://127.0.0.1:{server.getsockname()[1]}"
    words = inputs.words(endpoint)
    words.remove("-q")
    with kit.program(words) as process:
        line = ""
        while "waiting for the scheduler" not in line:
            line = process.stderr.readline()
            assert line
        if somebody:
            listener.recv()
        process.send_signal(number)
        _, said = process.communicate(timeout=kit.patience_s)
    assert process.returncode == 128 + number
    assert said.splitlines()[-1].endswith("; no results are written")
    assert not inputs.outputs()


def test_interrupted_while_compiled_code_runs(kit: Kit, inputs: Any, listener: Any) -> None:
    """A job of ten million delays keeps the engine busy for seconds without a message."""
    profiles = {"d": {"type": "delay", "delay": 1}, "s": {"type": "composed", "repeat": 10_000_000, "seq": ["d"]}}
    job = {"id": "0", "subtime": 0, "res": 1, "profile": "s"}
    (inputs.folder / "workload.json").write_text(
        json.dumps({"nb_res": 2, "jobs": [job], "profiles": profiles}), encoding="utf-8"
    )
    scheduler = kit.Fcfs()
    with kit.program(inputs.words(listener.endpoint)) as process:
        listener.answer(scheduler, lambda: not scheduler.waiting and len(listener.heard) >= 3)
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=kit.patience_s)
    assert (process.returncode, said) == (143, "wattq-batsim: asked to end (SIGTERM); no results are written\n")
    assert not listener.socket.poll(0), "the engine was not busy"


def test_ctrl_c_that_the_parent_ignores_is_ignored(kit: Kit, inputs: Any, listener: Any) -> None:
    scheduler = kit.Fcfs()
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with kit.program(inputs.words(listener.endpoint)) as process:
            listener.send(scheduler(listener.recv()))
            process.send_signal(signal.SIGINT)
            listener.answer(scheduler, lambda: scheduler.ended)
            process.communicate(timeout=kit.patience_s)
    finally:
        signal.signal(signal.SIGINT, before)
    assert process.returncode == 0


def test_the_scheduler_goes_away(kit: Kit, inputs: Any, listener: Any) -> None:
    """Batsim waits for ever; so does this, but it says so, and it can still be ended."""
    with kit.program(inputs.words(listener.endpoint)) as process:
        listener.recv()
        listener.socket.close()
        line = process.stderr.readline()
        assert "closed the connection without answering; waiting all the same, as Batsim does" in line
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=kit.patience_s)
    assert process.returncode == 143


def test_a_disk_that_fills_up(kit: Kit, inputs: Any, listener: Any) -> None:
    """A limit on the size of files stands in for a full disk: the system refuses to write on."""
    (inputs.folder / "workload.json").write_text(kit.workload_text(200), encoding="utf-8")
    scheduler = kit.Fcfs()
    words = " ".join(f"'{word}'" for word in inputs.words(listener.endpoint))
    command = ["bash", "-c", f"ulimit -f 2; exec {sys.executable} -m wattq.simulator.batsim {words}"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        listener.answer(scheduler, lambda: scheduler.ended)
        _, said = process.communicate(timeout=kit.patience_s)
    assert (process.returncode, said.count("\n")) == (7, 1)
    assert "out_jobs.csv' cannot be written (File too large); no results are left" in said
    assert not inputs.outputs()


def test_nobody_reads_what_is_said(kit: Kit, inputs: Any, listener: Any) -> None:
    scheduler = kit.Fcfs()
    reading, writing = os.pipe()
    os.close(reading)
    words = inputs.words(listener.endpoint)
    words.remove("-q")
    with kit.program(words, stderr=writing) as process:
        os.close(writing)
        listener.answer(scheduler, lambda: scheduler.ended)
        process.wait(kit.patience_s)
    assert process.returncode == 0
    assert "jobs.csv" in inputs.outputs()


def test_scipy_is_left_out(kit: Kit) -> None:
    code = (
        "from wattq.simulator.batsim.light_start import leave_out_scipy\n"
        "leave_out_scipy()\n"
        "import sys, json, wattq.simulator.kernel\n"
        "try:\n    import scipy.linalg\nexcept ModuleNotFoundError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "scipy is left out of this program\n"
