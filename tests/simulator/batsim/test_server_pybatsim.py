"""pybatsim's own schedulers, unmodified and in a process of their own, driven through the server's socket."""

from __future__ import annotations

import csv
import io
import json
import lzma
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

POLICIES = Path(__file__).resolve().parents[4] / "shared" / "golden" / "policies"
EASY = sorted(path.name for path in POLICIES.glob("*-py-backfill-easy"))
FILLER = sorted(path.name for path in POLICIES.glob("*-py-filler"))
PYBATSIM = Path(sys.executable).with_name("pybatsim")

pytestmark = pytest.mark.skipif(not PYBATSIM.exists(), reason="pybatsim is not installed")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@contextmanager
def scheduler(name: str, port: int) -> Iterator[subprocess.Popen[str]]:
    """Start one of pybatsim's schedulers; it is gone afterwards."""
    command = [str(PYBATSIM), name, "-s", f"tcp://127.0.0.1:{port}", "-t", "60000"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def play(name: str, kit: SimpleNamespace, folder: Path) -> list[dict[str, str]]:
    """Play a recorded policy with the real scheduler; return the rows of jobs.csv."""
    options = json.loads((POLICIES / name / "options.json").read_text(encoding="utf-8"))
    workload = folder / "workload.json"
    workload.write_bytes(lzma.decompress((POLICIES / options["workload"]).read_bytes()))
    port = free_port()
    words = ["-p", str(POLICIES / options["platform"]), "-w", str(workload), "-e", str(folder / "out")]
    words += ["-s", f"tcp://127.0.0.1:{port}", "-q", "--disable-schedule-tracing", "--scheduler-timeout", "120"]
    with scheduler(options["variant"], port) as process:
        served: Any = kit.Served(words + (["-E"] if options["energy"] else []))
        served.wait(600.0)
        assert served.error is None, served.error
        assert process.wait(kit.patience_s) == 0
    text = (folder / "out_jobs.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name.startswith("kth28k") else name for name in EASY]
)
def test_backfill_easy_decides_as_with_real_batsim(
    name: str, kit: SimpleNamespace, compare_tool: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    play(name, kit, tmp_path)
    actual = tmp_path / "plain"
    actual.mkdir()
    for path in tmp_path.glob("out_*.csv"):
        path.rename(actual / path.name.removeprefix("out_"))
    report = compare_tool.compare(str(POLICIES / name), str(actual), 5, compare_tool.CSVS)
    assert report.count == 0, capsys.readouterr().out


def hosts_of(text: str) -> set[int]:
    pairs = [part.partition("-") for part in text.split()]
    return {host for first, _, last in pairs for host in range(int(first), int(last or first) + 1)}


@pytest.mark.parametrize("name", FILLER)
def test_filler_keeps_what_any_schedule_keeps(name: str, kit: SimpleNamespace, tmp_path: Path) -> None:
    """It walks over a set of objects in the order of their addresses, so that no two of its schedules are alike."""
    rows = play(name, kit, tmp_path)
    recorded = lzma.decompress((POLICIES / name / "jobs.csv.xz").read_bytes()).decode()
    fixed = ("job_id", "submission_time", "requested_number_of_resources", "final_state", "execution_time")
    expected = {row["job_id"]: row for row in csv.DictReader(io.StringIO(recorded))}
    assert {row["job_id"] for row in rows} == set(expected)
    busy: dict[int, list[tuple[float, float]]] = {}
    for row in rows:
        for column in fixed[:4]:
            assert row[column] == expected[row["job_id"]][column]
        assert float(row["execution_time"]) == pytest.approx(float(expected[row["job_id"]]["execution_time"]), abs=2e-6)
        hosts = hosts_of(row["allocated_resources"])
        assert len(hosts) == int(row["requested_number_of_resources"])
        assert float(row["starting_time"]) >= float(row["submission_time"])
        for host in hosts:
            busy.setdefault(host, []).append((float(row["starting_time"]), float(row["finish_time"])))
    for spans in busy.values():
        spans.sort()
        for (_, end), (start, _) in pairwise(spans):
            assert start >= end - 1e-6


def test_all_recorded_schedulers_of_pybatsim_are_played(shared_dir: Path) -> None:
    assert len(EASY) == 8
    assert len(FILLER) == 2
