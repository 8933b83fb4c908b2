"""The keeper as a process: one on each node, begun by whichever hook finds none, gone when there is nothing to do."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from wattq.telemetry.slurm.hook import Hook

__all__ = ["WORDS", "beat", "ensure_keeper", "only_keeper"]

WORDS = "wattq.telemetry.slurm"
_LOCK = "keeper.lock"
_BEAT = "keeper.json"


def ensure_keeper(hook: Hook) -> None:
    """Begin the keeper unless it is at work; one that has not moved for long is ended first.

    Raises:
        OSError: it cannot be begun.
    """
    folder = hook.state.path
    if _locked(folder):
        pid = _hung(folder, 120.0 + 3 * hook.settings.slurm.sample_s)
        if pid is None:
            return
        hook.log.say(f"the keeper (process {pid}) hangs, and is begun anew")
        with suppress(OSError):
            os.kill(pid, signal.SIGKILL)
    hook.detach("keep")


@contextmanager
def only_keeper(folder: Path) -> Iterator[bool]:
    """Hold the right to be the keeper of this node; yields whether it is held."""
    with (folder / _LOCK).open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield True


def beat(folder: Path) -> None:
    """Tell that the keeper is alive."""
    with suppress(OSError):
        part = folder / f"{_BEAT}.part"
        part.write_text(json.dumps({"pid": os.getpid(), "time_s": time.time()}), encoding="ascii")
        part.replace(folder / _BEAT)


def _locked(folder: Path) -> bool:
    with suppress(OSError), only_keeper(folder) as held:
        return not held
    return False


def _hung(folder: Path, limit_s: float) -> int | None:
    """Return the process of a keeper that has not told anything for so long, if it is one."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        told = json.loads((folder / _BEAT).read_text(encoding="ascii"))
        pid = int(told["pid"])
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        if time.time() - float(told["time_s"]) > limit_s and WORDS.encode() in command and b"keep" in command:
            return pid
    return None
