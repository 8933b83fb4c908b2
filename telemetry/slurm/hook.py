"""What every hook works with: settings, environment, state of the node, a log of its own, and a time box."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from wattq.settings import Settings, load_settings
from wattq.telemetry.slurm.ask import PLACES
from wattq.telemetry.slurm.job_log import utc
from wattq.telemetry.slurm.state import StateFolder

__all__ = ["Hook", "OwnLog", "TimeBoxError", "time_box"]

ROOT_VARIABLE = "WATTQ_HOOK_ROOT"
"""Folder that holds sys and proc, for tests and containers; / when it is not set."""

_LOG_BYTES = 5_000_000


class TimeBoxError(BaseException):
    """Raised in a hook when its time is over; no handler of errors takes it for one."""


@contextlib.contextmanager
def time_box(seconds: float) -> Iterator[None]:
    """Raise `TimeBoxError` in the block once so much time has passed; only in the main thread."""

    def over(number: int, frame: FrameType | None) -> None:
        raise TimeBoxError

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.05))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)


class OwnLog:
    """The hooks' own log: a line for each thing worth knowing. It never fails and never grows beyond 10 MB."""

    def __init__(self, path: Path, what: str) -> None:
        self.path, self._what = path, what

    def say(self, text: str) -> None:
        """Write a line."""
        with contextlib.suppress(OSError):
            self.path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            self._turn()
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            file = os.open(self.path, flags, 0o640)
            try:
                words = "".join(letter if letter.isprintable() else " " for letter in text)[:2000]
                os.write(file, f"{utc(time.time())} {self._what}[{os.getpid()}]: {words}\n".encode())
            finally:
                os.close(file)

    def _turn(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            if self.path.stat().st_size > _LOG_BYTES:
                self.path.replace(self.path.with_name(self.path.name + ".1"))


@dataclass(frozen=True)
class Hook:
    """A hook at work.

    Attributes:
        settings: in force.
        environ: variables that slurmd gave.
        node: name of this node.
        root: folder that holds ``sys`` and ``proc``.
        log: of its own.
    """

    settings: Settings
    environ: Mapping[str, str]
    node: str
    root: Path
    log: OwnLog = field(repr=False)

    @classmethod
    def begin(cls, what: str, environ: Mapping[str, str]) -> Hook:
        """Return a hook with the settings that hold for it; broken ones are told in the log, and defaults used.

        Raises:
            WattqError: never; a wrong settings file must not stop a job.
        """
        try:
            settings, problem = load_settings(environ=environ), ""
        except Exception as error:
            settings, problem = Settings(), f"{error}; going on with defaults"
        log = OwnLog(Path(settings.slurm.log_dir) / "hooks.log", what)
        if problem:
            log.say(problem)
        node = settings.node.name or environ.get("SLURMD_NODENAME") or socket.gethostname().partition(".")[0]
        return cls(settings, environ, node, Path(environ.get(ROOT_VARIABLE) or "/"), log)

    @property
    def state(self) -> StateFolder:
        """The state of this node.

        Raises:
            TelemetryError: it cannot be used.
        """
        return StateFolder(Path(self.settings.slurm.state_dir))

    @property
    def log_dir(self) -> Path:
        """Where the logs of jobs are."""
        return Path(self.settings.slurm.log_dir)

    def detach(self, *words: str) -> int:
        """Begin a part of the hooks that outlives this one; returns its process number.

        slurmd kills the process group of a hook that ends and waits for who holds its standard output, so the part gets
        a session of its own and no file of the hook. Variables of the job are left out, lest it counts as the job's.

        Raises:
            OSError: it cannot be begun.
        """
        environ = {name: text for name, text in self.environ.items() if not name.startswith(("SLURM_JOB", "SLURM_ST"))}
        environ.setdefault("PATH", PLACES)
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "wattq.telemetry.slurm", *words],
            env=environ,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        # It is not waited for: this hook ends, and the init process takes care of what it leaves.
        process.returncode = 0
        return process.pid
