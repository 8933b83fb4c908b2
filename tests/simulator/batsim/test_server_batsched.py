"""batsched, a C++ scheduler that is not ours: recorded runs with real Batsim, and both servers side by side.

Found on PATH or in WATTQ_BATSCHED; real Batsim likewise, as `batsim` or in WATTQ_BATSIM.
"""

from __future__ import annotations

import json
import lzma
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

POLICIES = Path(__file__).resolve().parents[4] / "shared" / "golden" / "policies"
RECORDED = sorted(
    path.name for path in POLICIES.iterdir() if path.is_dir() and "-py-" not in path.name and "-" in path.name
)
BATSCHED = os.environ.get("WATTQ_BATSCHED") or shutil.which("batsched")
BATSIM = os.environ.get("WATTQ_BATSIM") or shutil.which("batsim")
OURS = [sys.executable, "-m", "wattq.simulator.batsim"]
PATIENCE_S = 900.0
SLOW = ("kth28k-", "energy_bf", "syn-delay-conservative_bf", "syn-ptask-conservative_bf", "syn-delay-easy_bf")
SLOW_NAMES = {name for name in RECORDED if any(part in name for part in SLOW) and not name.startswith("synsmall")} - {
    "syn-delay-easy_bf_fast"
}

pytestmark = pytest.mark.skipif(not BATSCHED, reason="batsched is neither on PATH nor in WATTQ_BATSCHED")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def duel(server: Sequence[str], words: Sequence[str], scheduler: Sequence[str], folder: Path) -> int:
    """Play a server against batsched; return the server's exit code."""
    port = free_port()
    assert BATSCHED is not None
    command = [BATSCHED, *scheduler, "-s", f"tcp://*:{port}", "--verbosity=silent"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            whole = [*server, *words, "-s", f"tcp://localhost:{port}", "-q", "-e", str(folder / "out")]
            return subprocess.run(whole, cwd=folder, timeout=PATIENCE_S, check=False, capture_output=True).returncode
        finally:
            process.kill()


def plain(folder: Path) -> Path:
    """Return a folder with the output files under their plain names."""
    target = folder / "plain"
    target.mkdir()
    for path in folder.glob("out_*.csv"):
        path.rename(target / path.name.removeprefix("out_"))
    return target


def unpacked(packed: Path, target: Path) -> Path:
    target.write_bytes(lzma.decompress(packed.read_bytes()))
    return target


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in SLOW_NAMES else name for name in RECORDED]
)
def test_batsched_decides_as_with_real_batsim(
    name: str, compare_tool: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = json.loads((POLICIES / name / "options.json").read_text(encoding="utf-8"))
    workload = unpacked(POLICIES / options["workload"], tmp_path / "workload.json")
    words = ["-p", str(POLICIES / options["platform"]), "-w", str(workload), "--disable-schedule-tracing"]
    words += ["-E"] if options["energy"] else []
    scheduler = ["-v", options["variant"], "-o", options["queue_order"], "-p", options["resource_selection"]]
    scheduler += ["--variant_options", json.dumps(options["variant_options"])]
    assert duel(OURS, words, scheduler, tmp_path) == 0
    report = compare_tool.compare(str(POLICIES / name), str(plain(tmp_path)), 5, compare_tool.CSVS)
    assert report.count == 0, capsys.readouterr().out


ENERGY = {"power_sleep": 10, "power_idle": 100, "power_compute": 200, "pstate_sleep": 2, "pstate_compute": 0}
# Schedulers that use what no recorded policy uses: kills, registration, sleeping hosts, metadata.
OTHERS: list[tuple[str, dict[str, Any], list[str]]] = [
    ("fcfs", {}, []),
    ("rejecter", {}, []),
    ("sequencer", {}, ["-E"]),
    ("sleeper", ENERGY, ["-E"]),
    ("killer", {"nb_kills_per_job": 1, "delay_before_kill": 5}, ["-E"]),
    ("killer", {"nb_kills_per_job": 2, "delay_before_kill": 0}, []),
    ("killer2", {}, []),
    ("submitter", {"nb_jobs_to_submit": 10, "increase_jobs_duration": True}, ["--enable-dynamic-jobs"]),
    (
        "submitter",
        {"nb_jobs_to_submit": 10, "increase_jobs_duration": True, "send_profile_if_already_sent": False},
        ["--enable-dynamic-jobs", "--enable-profile-reuse", "--acknowledge-dynamic-jobs"],
    ),
    ("easy_bf", {}, ["--forward-profiles-on-submission", "--mmax", "12"]),
    ("conservative_bf", {}, ["--mmax-workload", "-E"]),
]


@pytest.mark.skipif(not BATSIM, reason="real Batsim is neither on PATH nor in WATTQ_BATSIM")
@pytest.mark.parametrize("trace", ["synsmall-delay", "synsmall-ptask"])
@pytest.mark.parametrize(("variant", "options", "more"), OTHERS)
def test_both_servers_end_alike(
    trace: str,
    variant: str,
    options: dict[str, Any],
    more: list[str],
    compare_tool: ModuleType,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    workload = unpacked(POLICIES / "workloads" / f"{trace}.json.xz", tmp_path / "workload.json")
    words = ["-p", str(POLICIES / "platforms" / "h16.xml"), "-w", str(workload), "--disable-schedule-tracing", *more]
    scheduler = ["-v", variant, "--variant_options", json.dumps(options)]
    codes, folders = [], []
    for name, server in (("real", [str(BATSIM)]), ("ours", OURS)):
        folder = tmp_path / name
        folder.mkdir()
        codes.append(duel(server, words, scheduler, folder))
        folders.append(str(plain(folder)))
    assert codes == [0, 0]
    report = compare_tool.compare(*folders, 5, compare_tool.CSVS)
    assert report.count == 0, capsys.readouterr().out
