"""Batsim, or wattq-batsim, and pybatsim as two processes: the schedule is that of the engine."""

from __future__ import annotations

import csv
import io
import json
import lzma
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from wattq.platforms import read_platform
from wattq.schedulers import POLICIES, make_policy, policy_spec
from wattq.simulator import Run, simulate
from wattq.workloads import read_workload

# The others switch hosts, which takes energy and hosts that can sleep: tests/schedulers/test_energy_bf.py.
PLAIN = [name for name in POLICIES if not (policy_spec(name)[1].needs_energy or policy_spec(name)[1].needs)]

Start = Callable[..., Any]
Words = tuple[str, ...]
HOSTS = {"synsmall": 16, "kth3k": 100}


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


def play(server: list[str], process: Any, trace: str, shared: Path, folder: Path, most: int | None = None) -> None:
    """Run Batsim and a scheduler process with energy on a trace, or on its first jobs."""
    golden = shared / "golden" / "policies"
    work = folder / "work.json"
    document = json.loads(lzma.decompress((golden / "workloads" / f"{trace}.json.xz").read_bytes()))
    work.write_text(json.dumps(document | {"jobs": document["jobs"][:most]}))
    platform = golden / "platforms" / f"h{HOSTS[trace.partition('-')[0]]}.xml"
    process.hang_up()
    options = ["-p", str(platform), "-w", str(work), "-e", str(folder / "out"), "-s", process.endpoint, "-E", "-q"]
    done = subprocess.run([*server, *options], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    ended = process.end()
    assert (ended.code, ended.err) == (0, "")


def expected(trace: str, policy: Any, shared: Path, folder: Path) -> Run:
    platform = read_platform(shared / "golden" / "policies" / "platforms" / f"h{HOSTS[trace.partition('-')[0]]}.xml")
    return simulate(platform, [read_workload(folder / "work.json")], policy, energy=True)


def check(run: Run, folder: Path) -> None:
    """Schedules are equal as text, joules of jobs to 1e-6 of their value."""
    own = list(csv.DictReader(io.StringIO(run.files()["jobs.csv"])))
    theirs = list(csv.DictReader(io.StringIO((folder / "out_jobs.csv").read_text())))
    joules = [[float(row.pop("consumed_energy") or 0.0) for row in rows] for rows in (own, theirs)]
    assert own == theirs
    assert all(math.isclose(a, b, rel_tol=1e-6) for a, b in zip(*joules, strict=True))
    assert (folder / "out_pstate_changes.csv").read_text() == run.files()["pstate_changes.csv"]


@pytest.mark.parametrize("server", ["wattq_batsim", "batsim"])
def test_a_policy_through_pybatsim(
    request: pytest.FixtureRequest, server: str, scheduler: Start, pybatsim: Words, shared_dir: Path, tmp_path: Path
) -> None:
    words = [*pybatsim, "wattq-easy-bf", "-o", json.dumps({"order": "smallest"})]
    play(request.getfixturevalue(server), scheduler(*words), "synsmall-ptask", shared_dir, tmp_path)
    check(expected("synsmall-ptask", make_policy("easy-bf", {"order": "smallest"}), shared_dir, tmp_path), tmp_path)


@pytest.mark.parametrize("server", ["wattq_batsim", "batsim"])
def test_a_policy_of_a_user_without_pybatsim(
    request: pytest.FixtureRequest, server: str, scheduler: Start, direct: Words, shared_dir: Path, tmp_path: Path
) -> None:
    place = str(Path(__file__).resolve().parents[3] / "docs" / "examples" / "sleeper.py:Sleeper")
    words = [*direct, "--policy", place, "-o", json.dumps({"params": {"idle_s": 60}})]
    play(request.getfixturevalue(server), scheduler(*words), "kth3k-delay", shared_dir, tmp_path, 300)
    check(expected("kth3k-delay", make_policy(place, {"idle_s": 60}), shared_dir, tmp_path), tmp_path)


@pytest.mark.parametrize("server", ["wattq_batsim", "batsim"])
def test_placement_over_sites(
    request: pytest.FixtureRequest, server: str, scheduler: Start, pybatsim: Words, shared_dir: Path, tmp_path: Path
) -> None:
    params = {"sites": "0-9,50-69=300;10-49=100;70-99=200", "max_wait": 3600}
    words = [*pybatsim, "wattq", "-o", json.dumps({"policy": "sites", "params": params})]
    play(request.getfixturevalue(server), scheduler(*words), "kth3k-delay", shared_dir, tmp_path, 300)
    check(expected("kth3k-delay", make_policy("sites", params), shared_dir, tmp_path), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("server", ["wattq_batsim", "batsim"])
@pytest.mark.parametrize("trace", ["kth3k-delay", "kth3k-ptask"])
@pytest.mark.parametrize("policy", PLAIN)
def test_every_policy_through_pybatsim(
    request: pytest.FixtureRequest,
    server: str,
    trace: str,
    policy: str,
    scheduler: Start,
    pybatsim: Words,
    shared_dir: Path,
    tmp_path: Path,
) -> None:
    words = [*pybatsim, f"wattq-{policy}"]
    play(request.getfixturevalue(server), scheduler(*words), trace, shared_dir, tmp_path)
    check(expected(trace, make_policy(policy), shared_dir, tmp_path), tmp_path)
