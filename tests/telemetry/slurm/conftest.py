"""A node with the hooks and without Slurm: variables, files of the kernel, a controller that answers from a file."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from wattq.telemetry.slurm.hook import Hook
from wattq.telemetry.slurm.keeper import Keeper
from wattq.telemetry.slurm.prolog import epilog, prolog
from wattq.telemetry.store import open_store

SCONTROL = """\
JobId={job} JobName={name}
   UserId=ada(1000) GroupId=ada(1000) MCS_label=N/A
   Priority=1 Nice=0 Account=physics QOS={qos}
   JobState={state} Reason=None Dependency=(null)
   Requeue=1 Restarts=0 BatchFlag=1 Reboot=0 ExitCode={exit}
   SubmitTime=2026-11-21T10:00:00 EligibleTime=2026-11-21T10:00:00
   StartTime=2026-11-21T11:00:00 EndTime=Unknown Deadline=N/A
   Partition=compute AllocNode:Sid=login:1
   NodeList={nodes}
   NumNodes=1 NumCPUs={cores} NumTasks=1 CPUs/Task=1 ReqB:S:C:T=0:0:*:*
   TRES=cpu={cores},mem=8000M,node=1,billing=2
     Nodes=n1 CPU_IDs=0-1 Mem=8000 GRES=
   Comment={comment}
"""
START_S = 1795258800.0
"""2026-11-21T11:00:00Z, the start that the controller tells."""


@dataclass
class Node:
    """A node: where its files are, and what its hooks are given.

    Attributes:
        folder: all of it.
        sysfs: files of the kernel.
        environ: variables of hooks.
        settings: sections of the settings file.
    """

    folder: Path
    sysfs: Any
    environ: dict[str, str] = field(default_factory=dict)
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def root(self) -> Path:
        return Path(self.sysfs.root)

    @property
    def logs(self) -> Path:
        return self.folder / "log"

    def write(self) -> None:
        """Write the settings file."""
        (self.folder / "wattq.yaml").write_text(yaml.safe_dump(self.settings), encoding="utf-8")

    def says(self, job: str = "17", **values: object) -> None:
        """Make the controller answer so."""
        words: dict[str, object] = {"name": "my job", "state": "RUNNING", "exit": "0:0", "nodes": "n1", "cores": 2}
        words |= {"qos": "normal", "comment": "", **values}
        (self.folder / f"job_{job}.txt").write_text(SCONTROL.format(job=job, **words), encoding="utf-8")

    def hook(self, what: str = "test", **environ: str) -> Hook:
        """Return a hook of this node."""
        return Hook.begin(what, {**self.environ, **environ})

    def prolog(self, **environ: str) -> None:
        prolog(self.hook("prolog", **environ))

    def epilog(self, **environ: str) -> None:
        epilog(self.hook("epilog", **environ))

    def cpu(self, busy_s: float, idle_s: float) -> None:
        """Say how long the processors worked and idled."""
        path = self.root / "proc" / "stat"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"cpu  {busy_s * 100:.0f} 0 0 {idle_s * 100:.0f} 0 0 0 0 0 0\n", encoding="ascii")

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Return the rows of a table of the store."""
        with open_store(self.settings["store"]["url"]) as store:
            return store.read(table)

    def own_log(self) -> str:
        path = self.logs / "hooks.log"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def kept(self, until: Callable[[], object], seconds: float = 20.0) -> None:
        """Let a keeper work until something is so, and deliver its rows."""
        keeper = Keeper(self.hook("keeper"))
        try:
            limit = time.monotonic() + seconds
            while not until():
                assert time.monotonic() < limit, self.own_log()
                keeper.step(time.time())
                time.sleep(0.05)
        finally:
            keeper._rows.close(10.0)
            keeper.close()

    def script(self, name: str, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run a hook's shell script with these variables and no others, not even PATH."""
        return subprocess.run(
            ["/bin/sh", str(self.folder / "hooks" / name), *words],
            env={**self.environ, **environ},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@pytest.fixture
def node(tmp_path: Path, sysfs: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Node]:
    """A node with RAPL, a job 17 of two cores and a store; no keeper is begun by itself."""
    made = Node(tmp_path, sysfs)
    bin_dir = tmp_path / "bin"
    bin_dir.mkdir()
    scontrol = bin_dir / "scontrol"
    scontrol.write_text(f'#!/bin/sh\nexec /bin/cat "{tmp_path}/job_$4.txt"\n', encoding="ascii")
    scontrol.chmod(0o755)
    made.environ = {
        "SLURM_JOB_ID": "17",
        "SLURM_JOB_USER": "ada",
        "SLURM_JOB_PARTITION": "compute",
        "SLURM_JOB_NODELIST": "n1",
        "SLURM_JOB_NUM_NODES": "1",
        "SLURM_JOB_CPUS_PER_NODE": "2",
        "SLURMD_NODENAME": "n1",
        "WATTQ_CONFIG": str(tmp_path / "wattq.yaml"),
        "WATTQ_HOOK_ROOT": str(made.root),
        "PATH": str(bin_dir),
    }
    made.settings = {
        "store": {"url": str(tmp_path / "store.db"), "spool": str(tmp_path / "spool")},
        "node": {"node_idle_w": 100, "node_full_w": 300},
        "slurm": {
            "log_dir": str(made.logs),
            "state_dir": str(tmp_path / "state"),
            "sample_s": 1.0,
            "exporter_url": "off",
            "api_url": "off",
            "post_s": 1.0,
            "deliver_s": 0.1,
        },
    }
    made.write()
    made.cpu(100.0, 300.0)
    made.sysfs.rapl("intel-rapl:0", "package-0", 5_000_000_000)
    made.says()
    monkeypatch.setattr("wattq.telemetry.slurm.prolog.ensure_keeper", lambda hook: None)
    # Keepers of this process look at jobs soon.
    monkeypatch.setattr("wattq.telemetry.slurm.keeper._FIRST_S", (0.1, 0.2, 0.4, 0.8))
    monkeypatch.setattr("wattq.telemetry.slurm.ending._UNASKED_S", 0.3)
    yield made
    _end_keeper(tmp_path)


def _end_keeper(folder: Path) -> None:
    """End the keeper that a script of the test may have begun: the one whose state lies in this folder."""
    wanted = f"WATTQ_CONFIG={folder / 'wattq.yaml'}".encode()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
            environ = (process / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"wattq.telemetry.slurm" in words and wanted in environ and int(process.name) != os.getpid():
            os.kill(int(process.name), 9)


@pytest.fixture
def scripts(node: Node, repo_dir: Path) -> Node:
    """The node with its shell scripts, which use this Python and this checkout."""
    from wattq.settings import load_settings
    from wattq.telemetry.slurm import write_hook_files

    python = node.folder / "python"
    source = os.pathsep.join([str(repo_dir / "src"), *filter(None, [os.environ.get("PYTHONPATH")])])
    python.write_text(f'#!/bin/sh\nPYTHONPATH="{source}" exec "{sys.executable}" "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    settings = load_settings(node.folder / "wattq.yaml", {})
    config = node.folder / "wattq.yaml"
    write_hook_files(node.folder / "hooks", settings, qos_script="#!/bin/sh\n", config=config, python=str(python))
    del node.environ["PATH"]
    return node
