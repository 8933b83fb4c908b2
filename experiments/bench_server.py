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
_GOLDEN_JOBS_PER_S = 1699.9  # recorded: 28,467 jobs of KTH-SP2, batsched's easy_bf_fast, shared two-core machine
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


def _seconds(server: Sequence[str], scheduler: _Scheduler, platform: Path, workload: Path, folder: Path) -> float:
    """Return how long the server's process took from its start to its end."""
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
    return seconds


def bench_server() -> list[Result]:
    """The protocol server with a scheduler process: jobs per second from the start of its process to its end."""
    scheduler = _scheduler()
    batsim = os.environ.get("WATTQ_BATSIM") or shutil.which("batsim")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        jobs, platform, workload = _inputs(folder)

        def best(server: Sequence[str], repeat: int) -> float:
            return N_JOBS / min(_seconds(server, scheduler, platform, workload, folder) for _ in range(repeat))

        ours = best(_OURS, 3)
        real = best([batsim], 2) if batsim else None
    title = f"wattq-batsim with {scheduler.name}, {jobs}"
    results = []
    if scheduler.recorded:
        reference = "recorded: real Batsim with it, 28,467 jobs"
        budget = TIMES * _GOLDEN_JOBS_PER_S
        results.append(Result(title, ours, budget, "jobs/s", reference, _GOLDEN_JOBS_PER_S, more_is_better=True))
    if real is not None or not scheduler.recorded:
        reference = "real Batsim with it, now" if real else ""
        results.append(Result(title, ours, None, "jobs/s", reference, real, more_is_better=True))
    return results
