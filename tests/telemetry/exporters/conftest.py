"""Commands of Slurm that print what a test says."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

SCRIPT = """#!/bin/sh
echo "$@" >> "$0.asked"
test -f "$0.slow" && sleep 60
test -f "$0.bad" && { cat "$0.bad" >&2; exit 1; }
case "$*" in *%c*) cat "$0.cpus" ;; *) cat "$0.txt" ;; esac
"""
COMMANDS = ("squeue", "sinfo", "sstat", "sacct", "scontrol")
T0 = 1_700_000_000.0


def iso(at_s: float | None) -> str:
    return "N/A" if at_s is None else datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def job_line(job_id: str, state: str = "RUNNING", **facts: Any) -> str:
    """Return a line of squeue: a job of user ann in partition p of two CPUs that began at T0, unless said otherwise."""
    start, end = facts.get("start", T0), facts.get("end")
    cells = {
        "id": job_id,
        "raw": facts.get("raw", job_id),
        "state": state,
        "user": facts.get("user", "ann"),
        "partition": facts.get("partition", "p"),
        "cpus": facts.get("cpus", 2),
        "nodes": facts.get("nodes", "n1"),
        "submit": iso(facts.get("submit", T0 - 100)),
        "start": iso(start),
        "end": iso(end),
        "run": facts.get("run", "1:00"),
        "tres": facts.get("tres", "cpu=2,node=1"),
        "name": facts.get("name", "work"),
    }
    return "".join(f"{cell}\x1f" for cell in cells.values()) + "\n"


class FakeSlurm:
    """Commands on the PATH; tests say what they print, whether they fail, and read what they were asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in COMMANDS:
            path = folder / name
            path.write_text(SCRIPT, encoding="utf-8")
            path.chmod(0o755)
        self.prints("squeue", "")
        self.prints("sstat", "")
        self.prints("sacct", "")
        self.prints("sinfo", "mixed*\x1f3\nidle\x1f2\n")
        self.prints("sinfo", "p\x1f4\nq\x1f8+\n", "cpus")
        self.prints(
            "scontrol",
            "ClusterName             = c1\nSlurmctldHost[0]        = head\nMinJobAge = 300 sec\n"
            "SLURM_VERSION           = 22.05.8\nAcctGatherEnergyType    = acct_gather_energy/rapl\n",
        )

    def prints(self, command: str, text: str, kind: str = "txt") -> None:
        """Let a command print this; kind ``cpus`` is sinfo's second answer."""
        (self.folder / f"{command}.{kind}").write_text(text, encoding="utf-8")

    def fails(self, command: str, complaint: str = "no") -> None:
        (self.folder / f"{command}.bad").write_text(complaint, encoding="utf-8")

    def works(self, command: str) -> None:
        (self.folder / f"{command}.bad").unlink()

    def hangs(self, command: str) -> None:
        (self.folder / f"{command}.slow").touch()

    def asked(self, command: str) -> list[str]:
        """Return the arguments of each call."""
        file = self.folder / f"{command}.asked"
        return file.read_text(encoding="utf-8").splitlines() if file.exists() else []


@pytest.fixture
def fake_slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSlurm:
    """A Slurm without jobs: partitions p (4 CPUs a node) and q (8)."""
    folder = tmp_path / "slurm-bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return FakeSlurm(folder)


@pytest.fixture
def job() -> Any:
    """Makes lines of squeue."""
    return job_line


@pytest.fixture
def t0() -> float:
    """When the jobs of `job` begin, Unix s."""
    return T0


@pytest.fixture
def until() -> Any:
    """Waits until something is true; fails after half a minute."""

    def wait(what: Any) -> None:
        end = time.monotonic() + 30
        while not what():
            assert time.monotonic() < end
            time.sleep(0.01)

    return wait
