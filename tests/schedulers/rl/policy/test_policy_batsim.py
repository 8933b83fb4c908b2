"""A learned policy under pybatsim, beside real Batsim and wattq-batsim: the schedule is that of the engine."""

from __future__ import annotations

import csv
import importlib.util
import io
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from wattq.platforms import read_platform
from wattq.schedulers import make_policy
from wattq.schedulers.rl.backfill.config import Options as Agent
from wattq.simulator import Run, simulate
from wattq.workloads import read_workload

ROOT = Path(__file__).resolve().parents[4]
PYBATSIM = (sys.executable, "-c", "from pybatsim.cmdline import main; main()")


@pytest.fixture(scope="session")
def batsim() -> list[str]:
    """The words that start real Batsim."""
    program = os.environ.get("WATTQ_BATSIM") or shutil.which("batsim")
    if not program or "wattq" in Path(program).name:
        pytest.skip("Batsim is neither on PATH nor named in WATTQ_BATSIM")
    return [program]


@pytest.fixture(scope="session")
def wattq_batsim() -> list[str]:
    """The words that start wattq's own server."""
    return [sys.executable, "-m", "wattq.simulator.batsim"]


def play(server: list[str], inputs: tuple[Path, Path], folder: Path, options: dict[str, Any], *, energy: bool) -> None:
    """Run a server and pybatsim on a machine and its work."""
    if importlib.util.find_spec("pybatsim") is None:
        pytest.skip("pybatsim is not installed")
    with tempfile.TemporaryDirectory() as sockets:
        endpoint = f"ipc://{sockets}/s"
        words = ["-p", str(inputs[0]), "-w", str(inputs[1]), "-e", str(folder / "out"), "-s", endpoint, "-q"]
        started = [
            start([*PYBATSIM, "wattq-rl", "-o", json.dumps(options), "-s", endpoint]),
            start([*server, *words, *(["-E"] if energy else [])]),
        ]
        try:
            # the scheduler ends after the server; one that ends before has failed
            while started[0].poll() is None and started[1].poll() is None:
                time.sleep(0.1)
            if not started[0].poll():
                started[1].wait(60)
                started[0].wait(60)
        finally:
            for process in started:
                process.kill()
            told = [process.communicate() for process in started]
    assert [process.returncode for process in started] == [0, 0], told


def start(words: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def check(run: Run, folder: Path, *, energy: bool) -> None:
    """Schedules are equal as text, joules of jobs to 1e-6 of their value."""
    own = list(csv.DictReader(io.StringIO(run.files()["jobs.csv"])))
    theirs = list(csv.DictReader(io.StringIO((folder / "out_jobs.csv").read_text())))
    joules = [[float(row.pop("consumed_energy") or 0.0) for row in rows] for rows in (own, theirs)]
    assert own == theirs
    assert all(math.isclose(a, b, rel_tol=1e-6) for a, b in zip(*joules, strict=True))
    if energy:
        assert (folder / "out_pstate_changes.csv").read_text() == run.files()["pstate_changes.csv"]


@pytest.fixture(scope="session")
def inputs(shared_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A machine of 100 hosts and 300 jobs of KTH-SP2."""
    import lzma

    golden = shared_dir / "golden" / "policies"
    document = json.loads(lzma.decompress((golden / "workloads" / "kth3k-ptask.json.xz").read_bytes()))
    path = tmp_path_factory.mktemp("work") / "work.json"
    path.write_text(json.dumps(document | {"jobs": document["jobs"][:300]}))
    return golden / "platforms" / "h100.xml", path


@pytest.mark.parametrize("server", ["wattq_batsim", "batsim"])
@pytest.mark.parametrize(
    ("options", "energy"),
    [(Agent(states=(0,), hold_s=(600.0,), max_hold_s=1800.0), False), (Agent(window=8), True)],
    ids=["holds", "states"],
)
def test_a_model_through_pybatsim(
    request: pytest.FixtureRequest,
    saved: Callable[..., Any],
    server: str,
    options: Agent,
    energy: bool,
    inputs: tuple[Path, Path],
    tmp_path: Path,
) -> None:
    platform = read_platform(inputs[0])
    saved(tmp_path / "m.wattq", platform, options)
    params = {"model": str(tmp_path / "m.wattq")}
    play(request.getfixturevalue(server), inputs, tmp_path, params, energy=energy)
    run = simulate(platform, [read_workload(inputs[1])], make_policy("rl", params), energy=energy)
    check(run, tmp_path, energy=energy)


@pytest.mark.parametrize("server", ["wattq_batsim", "batsim"])
def test_hosts_that_sleep_through_pybatsim(
    request: pytest.FixtureRequest,
    sleeper: Callable[..., None],
    server: str,
    inputs: tuple[Path, Path],
    tmp_path: Path,
) -> None:
    platform = read_platform(inputs[0])
    sleeper(tmp_path / "m.wattq", platform)
    params = {"model": str(tmp_path / "m.wattq")}
    play(request.getfixturevalue(server), inputs, tmp_path, params, energy=True)
    run = simulate(platform, [read_workload(inputs[1])], make_policy("rl", params), energy=True)
    assert run.summary["energy_by_state_j"]["sleeping"] > 0
    check(run, tmp_path, energy=True)
