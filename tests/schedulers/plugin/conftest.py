"""Conversations between wattq's own simulator and the plugin, in one process or over a socket."""

from __future__ import annotations

import importlib.util
import json
import lzma
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import zmq

from wattq.platforms import read_platform
from wattq.platforms.model import Platform
from wattq.simulator import Run
from wattq.workloads import read_workload
from wattq.workloads.batsim_json import parse_batsim_json
from wattq.workloads.model import Workload

PYBATSIM = ("-c", "from pybatsim.cmdline import main; main()")
DIRECT = ("-m", "wattq.schedulers.plugin")
WAIT_S = 60


@dataclass(frozen=True)
class Ended:
    """How a scheduler process ended."""

    code: int
    out: str
    err: str


class Scheduler:
    """A scheduler process, and the socket of a Batsim that talks to it."""

    def __init__(self, words: Sequence[str], folder: Path, *, endpoint: str | None = None) -> None:
        self.endpoint = endpoint or f"ipc://{folder}/socket"
        # pybatsim alone has no limit of silence without a time-out of its own.
        self._process = subprocess.Popen(
            [sys.executable, *words, "-s", self.endpoint], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.REQ)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.setsockopt(zmq.RCVTIMEO, WAIT_S * 1000)
        self._socket.connect(self.endpoint)

    def ask(self, text: str) -> str:
        """Send a message and return the reply."""
        self._socket.send_string(text)
        return str(self._socket.recv_string())

    def say(self, text: str) -> None:
        """Send a message and wait for no reply."""
        self._socket.send_string(text)

    def hang_up(self) -> None:
        """Close the connection, as a Batsim that ends does."""
        self._context.destroy(linger=0)

    def end(self) -> Ended:
        """Wait for the end of the process."""
        out, err = self._process.communicate(timeout=WAIT_S)
        return Ended(self._process.returncode, out, err)

    def close(self) -> None:
        """Leave nothing behind."""
        self.hang_up()
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()


@pytest.fixture
def scheduler() -> Iterator[Callable[..., Scheduler]]:
    """Return a function that starts a scheduler process from the words after `python`."""
    started: list[Scheduler] = []
    with tempfile.TemporaryDirectory() as folder:

        def start(*words: str, endpoint: str | None = None) -> Scheduler:
            started.append(Scheduler(words, Path(folder), endpoint=endpoint))
            return started[-1]

        yield start
        for one in started:
            one.close()


@pytest.fixture(scope="session")
def pybatsim() -> tuple[str, ...]:
    """The words that start pybatsim after `python`."""
    if importlib.util.find_spec("pybatsim") is None:
        pytest.skip("pybatsim is not installed")
    return PYBATSIM


@pytest.fixture(scope="session")
def direct() -> tuple[str, ...]:
    """The words that start the scheduler without pybatsim after `python`."""
    return DIRECT


@lru_cache(maxsize=4)
def _workload(path: Path) -> Workload:
    return read_workload(path)


@lru_cache(maxsize=4)
def _platform(path: Path) -> Platform:
    return read_platform(path)


HOSTS = {"synsmall": 16, "syn": 64, "kth3k": 100, "sdsc3k": 128}


@pytest.fixture(scope="session")
def trace(shared_dir: Path) -> Callable[[str], tuple[Platform, Workload]]:
    """Return a function from the name of a recorded trace to its machine and work."""
    golden = shared_dir / "golden" / "policies"

    def get(name: str) -> tuple[Platform, Workload]:
        hosts = HOSTS[name.partition("-")[0]]
        return _platform(golden / "platforms" / f"h{hosts}.xml"), _workload(golden / "workloads" / f"{name}.json.xz")

    return get


def host(name: str, speed: str, watts: str | None, sleep: str | None, pstate: int = 0) -> str:
    props = [("wattage_per_state", watts), ("sleep_pstates", sleep)]
    inside = "".join(f'<prop id="{key}" value="{value}"/>' for key, value in props if value is not None)
    return f'<host id="{name}" speed="{speed}" pstate="{pstate}">{inside}</host>'


SPEEDS, WATTS, SLEEP = "100Mf,50Mf,1f,0.2f,0.1f", "100:200,90:150,10:10,120:125,110:115", "2:3:4"


def platform_text(hosts: Sequence[str]) -> str:
    return (
        "<?xml version='1.0'?>\n<!DOCTYPE platform SYSTEM \"https://simgrid.org/simgrid.dtd\">\n"
        '<platform version="4.1"><zone id="main" routing="Full"><host id="master_host" speed="1Gf"/>'
        f"{''.join(hosts)}</zone></platform>"
    )


def workload(jobs: Sequence[Mapping[str, Any]], name: str = "w0", nb_res: int = 4) -> Workload:
    """Return a workload of delay jobs, given as (id, subtime, res, run time, walltime)."""
    runs = sorted({job["run"] for job in jobs})
    document = {
        "nb_res": nb_res,
        "jobs": [{key: job[key] for key in job if key != "run"} | {"profile": f"d{job['run']}"} for job in jobs],
        "profiles": {f"d{run}": {"type": "delay", "delay": run} for run in runs},
    }
    return parse_batsim_json(json.dumps(document).encode(), f"{name}.json", name=name)


def message(now: float, *events: tuple[str, Mapping[str, Any]]) -> str:
    return json.dumps({"now": now, "events": [{"timestamp": now, "type": kind, "data": d} for kind, d in events]})


def begins(n_hosts: int = 2, **config: Any) -> str:
    """Return a SIMULATION_BEGINS."""
    hosts = [
        {"id": k, "name": f"h{k}", "state": "idle", "properties": {"role": ""}, "zone_properties": {}}
        for k in range(n_hosts)
    ]
    data = {
        "nb_resources": n_hosts,
        "nb_compute_resources": n_hosts,
        "nb_storage_resources": 0,
        "allow_compute_sharing": False,
        "allow_storage_sharing": True,
        "config": {
            "profiles-forwarded-on-submission": False,
            "dynamic-jobs-enabled": False,
            "dynamic-jobs-acknowledged": False,
            "profile-reuse-enabled": False,
            "sched-config": "",
            "forward-unknown-events": False,
        }
        | config,
        "compute_resources": hosts,
        "storage_resources": [],
        "workloads": {"w0": "w0.json"},
        "profiles": {"w0": {"d": {"type": "delay", "delay": 10}}},
    }
    return message(0.0, ("SIMULATION_BEGINS", data))


def submitted(now: float, *full_ids: str, res: int = 1, **job: Any) -> str:
    """Return a message that submits jobs."""
    jobs = [{"id": full_id, "subtime": now, "res": res, "profile": "d"} | job for full_id in full_ids]
    return message(now, *[("JOB_SUBMITTED", {"job_id": one["id"], "job": one}) for one in jobs])


def completed(now: float, *full_ids: str) -> str:
    """Return a message that reports jobs as done."""
    done = {"job_state": "COMPLETED_SUCCESSFULLY", "return_code": 0, "alloc": "0"}
    return message(now, *[("JOB_COMPLETED", {"job_id": full_id} | done) for full_id in full_ids])


def acts(reply: str) -> list[tuple[str, Any]]:
    """Return type and data of each event of a reply."""
    return [(event["type"], event["data"]) for event in json.loads(reply)["events"]]


def scenario_lines(folder: Path) -> list[dict[str, Any]]:
    """Return the recorded exchanges of a scenario."""
    path = folder / "transcript.jsonl"
    packed = Path(f"{path}.xz")
    text = (path.read_bytes() if path.exists() else lzma.decompress(packed.read_bytes())).decode()
    return [json.loads(line) for line in text.split("\n") if line.strip()]


def dates(run: Run) -> str:
    """Return jobs.csv, and with energy the power states, which say what every decision did."""
    files = run.files()
    return files["jobs.csv"] + files.get("pstate_changes.csv", "")


@pytest.fixture(scope="session")
def say() -> SimpleNamespace:
    """Return the makers of machines, workloads and messages of this file."""
    folder = Path(tempfile.mkdtemp())

    def machine(n: int, *, energy: bool = False, pstate: int = 0) -> Platform:
        speeds, watts, sleep = (SPEEDS, WATTS, SLEEP) if energy else ("100Mf", None, None)
        path = folder / "platform.xml"
        path.write_text(platform_text([host(f"h{k}", speeds, watts, sleep, pstate) for k in range(n)]))
        return read_platform(path)

    return SimpleNamespace(
        machine=machine,
        platform_file=folder / "platform.xml",
        workload=workload,
        message=message,
        begins=begins,
        submitted=submitted,
        completed=completed,
        acts=acts,
        lines=scenario_lines,
        dates=dates,
    )
