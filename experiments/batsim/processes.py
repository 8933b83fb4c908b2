"""Two processes under watch: started, waited for, stopped, and never left behind."""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

from wattq.errors import WattqError

__all__ = ["GRACE_S", "Ended", "Processes", "ProcessesError", "Terminated"]

GRACE_S = 2.0
"""Time between SIGTERM and SIGKILL, s."""

_KEEPER = Path(__file__).with_name("keeper.py")
_LONGEST_POLL_S = 3600.0


class ProcessesError(WattqError):
    """Raised when a process cannot be started, or the keeper of the processes is gone."""


class Terminated(BaseException):
    """Raised by `Processes.wait` after SIGTERM was received."""


@dataclass(frozen=True)
class Ended:
    """A process that ended.

    Attributes:
        name: name it was started under.
        code: exit code; minus the signal's number when a signal ended it.
    """

    name: str
    code: int


class Processes:
    """Processes that end at the latest with this object (use it in a ``with``).

    They are children of a keeper process (`wattq.experiments.batsim.keeper`), each in a process group of its own.
    When the block ends, in whatever way, or this process dies, even by ``kill -9``, the keeper sends SIGTERM to all
    of them and everything they started, then SIGKILL after a grace period. On Linux this reaches processes that left
    their group or session too; elsewhere it reaches the groups. When the keeper itself is ended by ``kill -9``, this
    object kills the groups. Three things get away: what left its group when the keeper is killed so, everything when
    keeper and this process are killed so at once, and a process that the kernel does not let die.

    In the main thread, SIGTERM is caught while the block runs and raised as `Terminated` by `wait`.

    Args:
        env: whole environment of the processes; that of this process when None.
        grace_s: time between SIGTERM and SIGKILL, s.

    Attributes:
        terminated: whether SIGTERM was received.

    Raises:
        ProcessesError: the keeper cannot be started.
    """

    def __init__(self, *, env: Mapping[str, str] | None = None, grace_s: float = GRACE_S) -> None:
        self._env = dict(os.environ if env is None else env)
        self._grace_s = grace_s
        self._rest = b""
        self._news: deque[dict[str, Any]] = deque()
        self._pids: dict[str, int] = {}
        self.terminated = False

    def __enter__(self) -> Self:
        self._catch_sigterm()
        try:
            self._keeper = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_KEEPER), str(os.getpid()), str(self._grace_s)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                start_new_session=True,
            )
        except OSError as error:
            self._release_sigterm()
            raise ProcessesError(f"no process can be started ({error.strerror or error})") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._close()
        finally:
            self._release_sigterm()

    def start(self, name: str, argv: Sequence[str], out: Path | str, err: Path | str) -> int:
        """Start a process with standard output and error in files; return its id, which is its group's too.

        Args:
            name: name for messages and `stop`.
            argv: program (found on the environment's PATH) and arguments.
            out: file for standard output.
            err: file for standard error; the same as ``out`` for both in one.

        Raises:
            ProcessesError: the program or a file is missing or not allowed.
        """
        program = shutil.which(argv[0], path=self._env.get("PATH", os.defpath))
        if program is None:
            raise ProcessesError(f"{name} cannot be started: no program '{argv[0]}' on PATH")
        if any("\0" in word for word in argv):
            raise ProcessesError(f"{name} cannot be started: a NUL character stands in its command")
        order = {"start": name, "argv": [program, *argv[1:]], "env": self._env, "out": str(out), "err": str(err)}
        self._tell(order)
        while True:
            answer = self._receive(None)
            if answer is not None and answer.get("started") == name:
                self._pids[name] = int(answer["pid"])
                return self._pids[name]
            if answer is not None and answer.get("failed") == name:
                raise ProcessesError(f"{name} cannot be started ({answer['why']}); its output goes to {out}")
            if answer is not None:
                self._news.append(answer)

    def wait(self, deadline: float | None = None) -> Ended | None:
        """Return the next process that ended, or None at a date of `time.monotonic`.

        Raises:
            Terminated: SIGTERM was received.
            ProcessesError: the keeper is gone.
        """
        news = self._news.popleft() if self._news else self._receive(deadline)
        if news is None:
            return None
        self._pids.pop(news["ended"], None)
        return Ended(str(news["ended"]), int(news["code"]))

    def stop(self, name: str) -> None:
        """Send SIGTERM to a process's group, and SIGKILL after the grace period; its end comes by `wait`."""
        self._tell({"stop": name})

    def _tell(self, order: Mapping[str, Any]) -> None:
        data = json.dumps(order).encode() + b"\n"
        try:
            assert self._keeper.stdin is not None
            while data:
                data = data[self._keeper.stdin.write(data) or 0 :]
        except OSError:
            raise self._keeper_gone() from None

    def _receive(self, deadline: float | None) -> dict[str, Any] | None:
        """Return the keeper's next message, or None at the deadline."""
        while b"\n" not in self._rest:
            if not self._ready(deadline):
                return None
            assert self._keeper.stdout is not None
            data = self._keeper.stdout.read(1 << 16)
            if not data:
                raise self._keeper_gone()
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        message: dict[str, Any] = json.loads(line)
        return message

    def _ready(self, deadline: float | None) -> bool:
        """Wait until the keeper says something (True) or a date comes (False)."""
        poll = select.poll()
        assert self._keeper.stdout is not None
        poll.register(self._keeper.stdout, select.POLLIN)
        poll.register(self._sigterm, select.POLLIN)
        while True:
            left = _LONGEST_POLL_S if deadline is None else deadline - time.monotonic()
            # the kernel counts whole milliseconds; rounded up, or the last one would be a busy loop
            ready = poll.poll(int(1000 * min(max(left, 0.0), _LONGEST_POLL_S) + 0.999))
            if any(channel == self._sigterm for channel, _ in ready):
                raise Terminated
            if ready:
                return True
            if deadline is not None and time.monotonic() >= deadline:
                return False

    def _keeper_gone(self) -> ProcessesError:
        return ProcessesError("the keeper of Batsim and the scheduler was ended from outside; both were stopped")

    def _close(self) -> None:
        assert self._keeper.stdout is not None
        try:
            # closes the keeper's input; it ends when everything below it has, and its output is read meanwhile
            self._keeper.communicate(timeout=self._grace_s + 15.0)
        except subprocess.TimeoutExpired:
            self._keeper.kill()
            self._keeper.wait()
        finally:
            self._keeper.stdout.close()
            if self._keeper.poll() != 0:
                self._kill_groups()

    def _kill_groups(self) -> None:
        for pid in self._pids.values():
            with contextlib.suppress(OSError):
                os.killpg(pid, signal.SIGKILL)
        self._pids.clear()

    def _catch_sigterm(self) -> None:
        self._sigterm, self._sigterm_end = os.pipe()
        self._old_handler: Any = None
        self._caught = threading.current_thread() is threading.main_thread()
        if self._caught:
            self._old_handler = signal.signal(signal.SIGTERM, self._on_sigterm)

    def _on_sigterm(self, number: int, frame: FrameType | None) -> None:
        self.terminated = True
        os.write(self._sigterm_end, b"T")

    def _release_sigterm(self) -> None:
        if self._caught:
            signal.signal(signal.SIGTERM, self._old_handler if self._old_handler is not None else signal.SIG_DFL)
        for end in (self._sigterm, self._sigterm_end):
            os.close(end)
