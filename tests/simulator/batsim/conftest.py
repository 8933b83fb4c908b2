"""A server under test: command lines, schedulers on real sockets, recordings of real Batsim."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import zmq

from wattq.simulator.batsim.main import serve
from wattq.simulator.batsim.options import parse_options

HERE = Path(__file__).resolve().parent
PATIENCE_S = 60.0
PLATFORM = """<?xml version='1.0'?>
<!DOCTYPE platform SYSTEM "https://simgrid.org/simgrid.dtd">
<platform version="4.1"><zone id="main" routing="Full"><host id="master_host" speed="1Gf"/>
<host id="h0" speed="100Mf"><prop id="wattage_per_state" value="100:200"/></host>
<host id="h1" speed="100Mf"><prop id="wattage_per_state" value="100:200"/></host>
</zone></platform>
"""


def load(path: Path) -> ModuleType:
    """Return a module from its file."""
    spec = importlib.util.spec_from_file_location(f"loaded_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def workload_text(n: int = 3, **more: Any) -> str:
    """Return a workload of n jobs: job k is submitted at k seconds, wants one host, and lasts 1.5 s."""
    jobs = [{"id": str(k), "subtime": k, "res": 1, "profile": "d", "walltime": 100} | more for k in range(n)]
    return json.dumps({"nb_res": 2, "jobs": jobs, "profiles": {"d": {"type": "delay", "delay": 1.5}}})


class Fcfs:
    """A scheduler on two hosts: first come, first served."""

    def __init__(self) -> None:
        self.free = [0, 1]
        self.waiting: list[str] = []
        self.ended = False

    def __call__(self, text: str) -> str:
        message = json.loads(text)
        for event in message["events"]:
            if event["type"] == "JOB_SUBMITTED":
                self.waiting.append(event["data"]["job_id"])
            if event["type"] == "JOB_COMPLETED":
                self.free.append(int(event["data"]["alloc"]))
            self.ended = self.ended or event["type"] == "SIMULATION_ENDS"
        events = []
        while self.waiting and self.free:
            data = {"job_id": self.waiting.pop(0), "alloc": str(self.free.pop(0))}
            events.append({"timestamp": message["now"], "type": "EXECUTE_JOB", "data": data})
        return json.dumps({"now": message["now"], "events": events})


@dataclass
class Listener:
    """A REP socket of libzmq; `serve` answers in this thread until a condition holds."""

    socket: Any
    endpoint: str
    heard: list[str] = field(default_factory=list)

    def recv(self, timeout_s: float = PATIENCE_S) -> str:
        """Return the next message."""
        if not self.socket.poll(int(timeout_s * 1000)):
            raise TimeoutError("no message came")
        self.heard.append(self.socket.recv().decode())
        return self.heard[-1]

    def send(self, reply: str | bytes) -> None:
        self.socket.send(reply if isinstance(reply, bytes) else reply.encode())

    def answer(self, scheduler: Callable[[str], str], done: Callable[[], bool]) -> None:
        """Answer what comes until it is done and nothing more comes."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            if self.socket.poll(20):
                self.send(scheduler(self.recv()))
            elif done():
                return
        raise TimeoutError("it is never done")


@pytest.fixture
def listener() -> Iterator[Listener]:
    """A scheduler's socket on a free port."""
    context = zmq.Context()
    socket = context.socket(zmq.REP)
    socket.linger = 0
    port = socket.bind_to_random_port("tcp://127.0.0.1")
    yield Listener(socket, f"tcp://127.0.0.1:{port}")
    socket.close()
    context.term()


class Served:
    """A simulation in a thread of this process."""

    def __init__(self, words: Sequence[str]) -> None:
        self.run: Any = None
        self.error: BaseException | None = None
        self._options = parse_options(words)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        try:
            self.run = serve(self._options)
        except BaseException as error:
            self.error = error

    def ended(self) -> bool:
        return not self._thread.is_alive()

    def wait(self, patience_s: float = PATIENCE_S) -> None:
        self._thread.join(patience_s)
        assert self.ended(), "the server did not end"


@dataclass(frozen=True)
class Inputs:
    """A machine of two hosts and a few jobs, as files."""

    folder: Path
    platform: str
    workload: str

    def words(self, endpoint: str, *more: str) -> list[str]:
        """Return a command line."""
        return ["-p", self.platform, "-w", self.workload, "-e", str(self.folder / "out"), "-s", endpoint, "-q", *more]

    def outputs(self) -> list[str]:
        """Return the names of the files under the prefix."""
        return sorted(path.name.removeprefix("out_") for path in self.folder.glob("out_*"))


@pytest.fixture
def inputs(tmp_path: Path) -> Inputs:
    """The files of a small simulation."""
    (tmp_path / "platform.xml").write_text(PLATFORM, encoding="utf-8")
    (tmp_path / "workload.json").write_text(workload_text(), encoding="utf-8")
    return Inputs(tmp_path, str(tmp_path / "platform.xml"), str(tmp_path / "workload.json"))


@contextmanager
def program(words: Sequence[str], **more: Any) -> Iterator[subprocess.Popen[str]]:
    """Start `wattq-batsim` as a process; it is gone afterwards."""
    command = [sys.executable, "-m", "wattq.simulator.batsim", *words]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | more
    process = subprocess.Popen(command, **pipes)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def finished(words: Sequence[str], **more: Any) -> subprocess.CompletedProcess[str]:
    """Run `wattq-batsim` to its end."""
    command = [sys.executable, "-m", "wattq.simulator.batsim", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False, **more)


@pytest.fixture(scope="session")
def kit() -> SimpleNamespace:
    """Return the helpers of this file."""
    return SimpleNamespace(
        Fcfs=Fcfs,
        Served=Served,
        program=program,
        finished=finished,
        workload_text=workload_text,
        patience_s=PATIENCE_S,
        environment=lambda **more: os.environ | more,
    )


@pytest.fixture(scope="session")
def recordings() -> ModuleType:
    """The table of recorded scenarios and of those that are excepted, from the tests of the engine."""
    return load(HERE.parent / "test_golden_scenarios.py")


@pytest.fixture(scope="session")
def replay_tool(shared_dir: Path) -> ModuleType:
    """The replay program that came with the recordings."""
    return load(shared_dir / "golden" / "replay.py")


@pytest.fixture(scope="session")
def compare_tool(shared_dir: Path) -> ModuleType:
    """The comparison that came with the recordings."""
    return load(shared_dir / "golden" / "compare.py")
