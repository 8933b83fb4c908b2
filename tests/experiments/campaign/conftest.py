"""Small campaigns, and who runs them."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from wattq.cli import main

SMALL = """\
name: small
platform: kth-sp2
workloads:
  - label: made
    generate: {jobs: 20, hosts: 100}
policies: [fcfs, easy]
energy: true
site: {ambient_c: 20}
factors:
  load: {key: workloads.*.generate.load, values: [0.5, 1.0]}
"""


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A campaign of four runs, in the working directory."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "small.yaml"
    path.write_text(SMALL, encoding="utf-8")
    return path


@pytest.fixture
def call() -> Callable[..., int]:
    """Run the command line in this process; returns its exit code."""

    def run(*words: str) -> int:
        with pytest.raises(SystemExit) as end:
            main(words)
        return int(end.value.code or 0)

    return run


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Begin the command line in a process of its own; what still runs is killed at the end."""
    begun: list[subprocess.Popen[str]] = []

    def run(*words: str) -> subprocess.Popen[str]:
        code = "from wattq.cli import main; main()"
        process = subprocess.Popen(
            [sys.executable, "-c", code, *words],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        begun.append(process)
        return process

    yield run
    for process in begun:
        if process.poll() is None:
            process.kill()
        process.communicate()


SLURM_CONF = """\
ClusterName=wattq
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
SlurmctldPort={ctld}
SlurmdPort={slurmd}
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
SlurmdParameters=config_overrides
NodeName={host} NodeAddr=127.0.0.1 CPUs=4 RealMemory=8000 State=UNKNOWN
PartitionName=debug Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def answers() -> bool:
    """Return whether a Slurm with a node that takes jobs is there."""
    if shutil.which("sinfo") is None:
        return False
    done = subprocess.run(["sinfo", "-h", "-o", "%t"], capture_output=True, text=True, timeout=60, check=False)
    return done.returncode == 0 and any(state in done.stdout for state in ("idle", "mix", "alloc"))


def free_port() -> int:
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        return int(place.getsockname()[1])


def munge() -> list[subprocess.Popen[bytes]]:
    """Begin munged, by which the parts of Slurm know each other, unless it runs; skip where that cannot be."""
    if subprocess.run(["munge", "-n"], capture_output=True, check=False).returncode == 0:
        return []
    if shutil.which("munged") is None and not Path("/usr/sbin/munged").exists():
        pytest.skip("munge is not installed")
    Path("/run/munge").mkdir(exist_ok=True)
    shutil.chown("/run/munge", "munge", "munge")
    daemon = subprocess.Popen(["/usr/sbin/munged", "--foreground", "--force"], user="munge", group="munge")
    until = time.monotonic() + 30
    while subprocess.run(["munge", "-n"], capture_output=True, check=False).returncode != 0:
        assert daemon.poll() is None
        assert time.monotonic() < until
        time.sleep(0.2)
    return [daemon]


@pytest.fixture(scope="session")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A Slurm that takes jobs: the one that is there, or one of this machine alone, begun here by root."""
    if answers():
        yield
        return
    if shutil.which("slurmctld") is None or shutil.which("slurmd") is None or os.geteuid() != 0:
        pytest.skip("no Slurm answers, and none can be begun here (slurm-wlm, munge, root)")
    folder = tmp_path_factory.mktemp("slurm")
    daemons = munge()
    for name in ("state", "spool"):
        (folder / name).mkdir()
    conf = SLURM_CONF.format(host=socket.gethostname(), folder=folder, ctld=free_port(), slurmd=free_port())
    (folder / "slurm.conf").write_text(conf, encoding="utf-8")
    before = os.environ.get("SLURM_CONF")
    os.environ["SLURM_CONF"] = str(folder / "slurm.conf")
    daemons += [subprocess.Popen([name, "-D", *words]) for name, words in (("slurmctld", ["-c"]), ("slurmd", []))]
    try:
        until = time.monotonic() + 60
        while not answers():
            assert time.monotonic() < until, (folder / "slurmctld.log").read_text(encoding="utf-8")[-2000:]
            time.sleep(0.5)
        yield
    finally:
        for daemon in reversed(daemons):
            daemon.terminate()
            daemon.wait(30)
        if before is None:
            del os.environ["SLURM_CONF"]
        else:
            os.environ["SLURM_CONF"] = before
