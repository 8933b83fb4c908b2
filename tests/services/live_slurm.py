"""A real Slurm of this machine alone, begun for tests by root and ended by them.

``answers()`` says whether a Slurm is there already; ``slurm_cluster(folder, ...)`` begins one of its own, with lines of
the caller's (Prolog, Epilog, QoS...) added to its slurm.conf.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

__all__ = ["Cluster", "answers", "free_port", "munge", "slurm_cluster", "wait_for"]

CONF = """\
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
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory=8000 State=UNKNOWN
PartitionName=debug Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


@dataclass(frozen=True)
class Cluster:
    """A Slurm that takes jobs.

    Attributes:
        folder: its state, its logs and its slurm.conf; None for a Slurm that was there before.
        host: the name of its one node.
    """

    folder: Path | None
    host: str

    @property
    def conf(self) -> Path:
        """The slurm.conf of a Slurm begun here."""
        assert self.folder is not None
        return self.folder / "slurm.conf"


def answers() -> bool:
    """Return whether a Slurm with a node that takes jobs is there."""
    if shutil.which("sinfo") is None:
        return False
    done = subprocess.run(["sinfo", "-h", "-o", "%t"], capture_output=True, text=True, timeout=60, check=False)
    return done.returncode == 0 and any(state in done.stdout for state in ("idle", "mix", "alloc"))


def free_port() -> int:
    """Return a TCP port of the loopback that nobody listens at."""
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        return int(place.getsockname()[1])


def wait_for(what: Callable[[], object], seconds: float = 60.0, why: Callable[[], object] = str) -> None:
    """Wait until `what()` is true; fail with the text of `why()` after so many seconds."""
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, why()
        time.sleep(0.2)


def munge() -> list[subprocess.Popen[bytes]]:
    """Begin munged, by which the parts of Slurm know each other, unless it runs; skip where that cannot be."""
    if shutil.which("munged") is None and not Path("/usr/sbin/munged").exists():
        pytest.skip("munge is not installed")
    if subprocess.run(["munge", "-n"], capture_output=True, check=False).returncode == 0:
        return []
    Path("/run/munge").mkdir(exist_ok=True)
    shutil.chown("/run/munge", "munge", "munge")
    daemon = subprocess.Popen(["/usr/sbin/munged", "--foreground", "--force"], user="munge", group="munge")
    until = time.monotonic() + 30
    while subprocess.run(["munge", "-n"], capture_output=True, check=False).returncode != 0:
        assert daemon.poll() is None
        assert time.monotonic() < until
        time.sleep(0.2)
    return [daemon]


@contextlib.contextmanager
def slurm_cluster(
    folder: Path,
    lines: Sequence[str] = (),
    *,
    cpus: int = 4,
    environ: Mapping[str, str] | None = None,
    ready: Callable[[], bool] | None = None,
) -> Iterator[Cluster]:
    """Begin a Slurm of one node in a folder, and end it; meanwhile SLURM_CONF names its slurm.conf.

    Skips the test where Slurm or munge is missing, or who runs the tests is not root.

    Args:
        folder: an empty folder for all that it writes.
        lines: lines added to slurm.conf, such as ``Prolog=/path/prolog.sh``; a key given here replaces the one above.
        cpus: cores of the node, which may be more than the machine has.
        environ: variables for the daemons, over those of this process.
        ready: says whether it is there; by default, once a node takes jobs.
    """
    if shutil.which("slurmctld") is None or shutil.which("slurmd") is None or os.geteuid() != 0:
        pytest.skip("no Slurm can be begun here (slurm-wlm, munge, root)")
    host = socket.gethostname()
    daemons = munge()
    for name in ("state", "spool"):
        (folder / name).mkdir(parents=True)
    text = CONF.format(host=host, folder=folder, ctld=free_port(), slurmd=free_port(), cpus=cpus)
    given = {line.partition("=")[0] for line in lines}
    kept = [line for line in text.splitlines() if line.partition("=")[0] not in given]
    cluster = Cluster(folder, host)
    cluster.conf.write_text("\n".join([*kept, *lines, ""]), encoding="utf-8")
    before = os.environ.get("SLURM_CONF")
    os.environ["SLURM_CONF"] = str(cluster.conf)
    env = {**os.environ, **(environ or {})}
    try:
        for name, *words in (("slurmctld", "-c"), ("slurmd",)):
            daemons.append(subprocess.Popen([name, "-D", *words], env=env, stderr=subprocess.DEVNULL))
        wait_for(ready or answers, 60, lambda: (folder / "slurmctld.log").read_text(encoding="utf-8")[-2000:])
        yield cluster
    finally:
        for daemon in reversed(daemons):
            daemon.terminate()
            daemon.wait(30)
        if before is None:
            del os.environ["SLURM_CONF"]
        else:
            os.environ["SLURM_CONF"] = before
