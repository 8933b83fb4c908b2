"""Speed of `wattq-batsim` with a scheduler process, against real Batsim with the same one.

The scheduler is batsched's easy_bf_fast where batsched is on PATH or in WATTQ_BATSCHED; elsewhere it is wattq's own
EASY in a process, which is slower and has no recorded counterpart. Real Batsim is measured in the same run where it
is on PATH or in WATTQ_BATSIM.
"""

from __future__ import annotations

import json
import lzma
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wattq.errors import WattqError
from wattq.experiments.bench import Result

__all__ = ["bench_server"]

N_JOBS = 10_000
TIMES = 5  # how many times faster than Batsim
# Recorded: 28,467 jobs of KTH-SP2, batsched's easy_bf_fast, a shared two-core machine; Batsim's own column
# simulation_time, and its process from start to end.
_GOLDEN_SIMULATION = 28_467 / 16.699636
_GOLDEN_PROCESS = 28_467 / 16.747
_GOLDEN_OWN = 28_467 / (16.699636 - 6.811456)
_PATIENCE_S = 600.0
_OURS = (sys.executable, "-m", "wattq.simulator.batsim")
_QUICK = ("-q", "--disable-schedule-tracing")


@dataclass(frozen=True)
class _Scheduler:
    """A scheduler process.

    Attributes:
        name: what it is, in words.
        command: its command line up to the value of the endpoint option.
        recorded: whether golden's timing of real Batsim is with this one.
    """

    name: str
    command: tuple[str, ...]
    recorded: bool


def _scheduler() -> _Scheduler:
    """Return the scheduler to measure with."""
    batsched = os.environ.get("WATTQ_BATSCHED") or shutil.which("batsched")
    if batsched:
        return _Scheduler("batsched easy_bf_fast", (batsched, "-v", "easy_bf_fast", "--verbosity=silent", "-s"), True)
    command = (sys.executable, "-m", "wattq.schedulers.plugin", "--policy", "easy_bf_fast", "-s")
    return _Scheduler("wattq-scheduler easy_bf_fast", command, False)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def _recordings() -> Path | None:
    """Return the folder of recorded policies beside the checkout, if it is there."""
    path = Path(__file__).resolve().parents[2] / "shared" / "golden" / "policies"
    return path if path.is_dir() else None


def _inputs(folder: Path) -> tuple[str, Path, Path]:
    """Return what the jobs are, and the files of machine and jobs."""
    workload = folder / "workload.json"
    recordings = _recordings()
    if recordings is not None:
        text = lzma.decompress((recordings / "workloads" / "kth28k-delay.json.xz").read_bytes())
        workload.write_text(json.dumps(_first_jobs(json.loads(text))), encoding="utf-8")
        return f"first {N_JOBS:,} jobs of KTH-SP2", recordings / "platforms" / "h100.xml", workload
    from wattq.platforms import ComputeState, make_platform, write_platform
    from wattq.workloads import generate_saturated, write_batsim_json

    platform = folder / "platform.xml"
    write_platform(make_platform(100, [ComputeState(1e9, 100.0, 200.0)]), platform)
    write_batsim_json(generate_saturated(N_JOBS, 100), workload, form="delay")
    return f"{N_JOBS:,} generated jobs", platform, workload


def _first_jobs(document: dict[str, Any]) -> dict[str, Any]:
    """Return a workload cut to its first jobs and their profiles."""
    jobs = document["jobs"][:N_JOBS]
    used = {job["profile"] for job in jobs}
    profiles = {name: profile for name, profile in document["profiles"].items() if name in used}
    return {"nb_res": document["nb_res"], "jobs": jobs, "profiles": profiles}


@dataclass(frozen=True)
class _Speed:
    """Jobs per second of a server.

    Attributes:
        simulation: by the column simulation_time of schedule.csv.
        process: from start to end of the process.
        own: by simulation_time less scheduling_time, which is spent waiting for the scheduler.
    """

    simulation: float
    process: float
    own: float


def _speed(server: Sequence[str], scheduler: _Scheduler, platform: Path, workload: Path, folder: Path) -> _Speed:
    """Return how fast a server plays the jobs."""
    port = _free_port()
    words = ["-p", str(platform), "-w", str(workload), "-e", str(folder / "out"), *_QUICK]
    with subprocess.Popen([*scheduler.command, f"tcp://*:{port}"], cwd=folder, stdout=subprocess.DEVNULL) as process:
        try:
            begin = time.perf_counter()
            done = subprocess.run(
                [*server, *words, "-s", f"tcp://localhost:{port}"],
                capture_output=True,
                text=True,
                timeout=_PATIENCE_S,
                check=False,
            )
            seconds = time.perf_counter() - begin
        finally:
            process.kill()
    rows = (folder / "out_jobs.csv").read_text(encoding="utf-8").count("\n") if not done.returncode else 0
    if rows != N_JOBS + 1:
        raise WattqError(f"{server[0]} ended with {done.returncode} and {max(rows - 1, 0)} jobs: {done.stderr[-300:]}")
    header, values = (folder / "out_schedule.csv").read_text(encoding="utf-8").splitlines()
    row = dict(zip(header.split(","), values.split(","), strict=True))
    simulation_s, waiting_s = float(row["simulation_time"]), float(row["scheduling_time"])
    return _Speed(N_JOBS / simulation_s, N_JOBS / seconds, N_JOBS / (simulation_s - waiting_s))


def bench_server() -> list[Result]:
    """The protocol server with a scheduler process: jobs per second."""
    scheduler = _scheduler()
    batsim = os.environ.get("WATTQ_BATSIM") or shutil.which("batsim")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        jobs, platform, workload = _inputs(folder)

        def best(server: Sequence[str], repeat: int) -> _Speed:
            speeds = [_speed(server, scheduler, platform, workload, folder) for _ in range(repeat)]
            return _Speed(max(s.simulation for s in speeds), max(s.process for s in speeds), max(s.own for s in speeds))

        ours = best(_OURS, 5)
        real = best([batsim], 3) if batsim else None
    return _results(f"wattq-batsim with {scheduler.name}, {jobs}", scheduler.recorded, ours, real)


def _results(title: str, recorded: bool, ours: _Speed, real: _Speed | None) -> list[Result]:
    """Return the rows: against the recorded times of the same scheduler, and against real Batsim now."""
    simulation, process = f"{title}: by simulation_time", f"{title}: whole process"
    own = f"{title}: without waiting for the scheduler"
    rows: list[tuple[str, float, float | None, str, float | None]] = []
    if recorded:
        budget, reference = TIMES * _GOLDEN_SIMULATION, "recorded: real Batsim, same scheduler"
        rows.append((simulation, ours.simulation, budget, reference, _GOLDEN_SIMULATION))
        rows.append((process, ours.process, None, reference, _GOLDEN_PROCESS))
        rows.append((own, ours.own, None, reference, _GOLDEN_OWN))
    if real is not None:
        reference = "real Batsim, same scheduler, now"
        rows.append((simulation, ours.simulation, None, reference, real.simulation))
        rows.append((process, ours.process, None, reference, real.process))
        rows.append((own, ours.own, None, reference, real.own))
    if not rows:
        rows += [(process, ours.process, None, "", None), (own, ours.own, None, "", None)]
    return [
        Result(name, speed, budget, "jobs/s", reference, other, more_is_better=True)
        for name, speed, budget, reference, other in rows
    ]
