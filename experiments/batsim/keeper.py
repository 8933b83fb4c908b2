"""The keeper: a small process that owns the processes of one simulation and outlives nobody.

It is run as a script (`wattq.experiments.batsim.processes` talks to it over pipes) and needs the standard library
alone. Each process it starts leads a process group of its own. On Linux the keeper adopts what its children leave
behind, daemons included, so that it can end all of it. When its standard input closes, because the supervisor asks
for it or died in whatever way (``kill -9`` included), it ends every process and then itself.

Standard input, one JSON object per line: ``{"start": name, "argv": [...], "env": {...}, "out": path, "err": path}``,
``{"stop": name}``. Standard output: ``{"started": name, "pid": n}``, ``{"failed": name, "why": text}``,
``{"ended": name, "code": n}`` (negative: a signal), and at the end ``{"left": [pids]}``, those that survived SIGKILL.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import signal
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

__all__ = ["Keeper", "descendants", "main"]

_SET_PDEATHSIG, _SET_CHILD_SUBREAPER = 1, 36
_LAST_WORD_S = 5.0
"""How long processes are waited for after SIGKILL; only one stuck inside the kernel takes longer."""


class Keeper:
    """Starts processes, reports their ends, and ends them all.

    Args:
        grace_s: time between SIGTERM and SIGKILL, s.
    """

    def __init__(self, grace_s: float) -> None:
        self.grace_s = grace_s
        self.running: dict[int, str] = {}
        self.groups: list[int] = []
        self.kill_at: dict[int, float] = {}
        self.wake, wake_end = os.pipe()
        for end in (self.wake, wake_end):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(wake_end, warn_on_full_buffer=False)
        self.told_to_end = False
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._end)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def _end(self, *_: object) -> None:
        self.told_to_end = True

    def serve(self) -> None:
        """Obey until standard input closes, then end everything."""
        rest = b""
        while not self.told_to_end:
            self._pause([0, self.wake], min(self.kill_at.values(), default=None))
            self.reap()
            self._kill_overdue()
            if select.select([0], [], [], 0)[0]:
                data = os.read(0, 1 << 16)
                if not data:
                    break
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    self._obey(json.loads(line))
        self.end_all()

    def _pause(self, channels: list[int], until: float | None) -> None:
        left = None if until is None else max(0.0, until - time.monotonic())
        if self.wake in select.select(channels, [], [], left)[0]:
            with contextlib.suppress(BlockingIOError):
                os.read(self.wake, 1 << 12)

    def _obey(self, order: dict[str, Any]) -> None:
        if "start" in order:
            self._start(order)
            return
        for pid, name in self.running.items():
            if name == order["stop"]:
                _signal_group(pid, signal.SIGTERM)
                self.kill_at[pid] = time.monotonic() + self.grace_s

    def _start(self, order: dict[str, Any]) -> None:
        """Start a process; it runs nothing before its id was told, so that no group is ever unknown."""
        gate, gate_end = os.pipe()
        fault, fault_end = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(gate_end)
            _become(order, gate, fault_end)
        os.close(gate)
        os.close(fault_end)
        with os.fdopen(fault, encoding="utf-8", errors="replace") as stream:
            why = stream.read()
        if why:
            say({"failed": order["start"], "why": why})
        else:
            self.running[pid] = order["start"]
            self.groups.append(pid)
            say({"started": order["start"], "pid": pid})
            with contextlib.suppress(BrokenPipeError):
                os.write(gate_end, b"!")
        os.close(gate_end)

    def reap(self) -> None:
        """Collect ended children, adopted ones included, and report those that were started here."""
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
                self.kill_at.pop(pid, None)
                if pid in self.running:
                    say({"ended": self.running.pop(pid), "code": os.waitstatus_to_exitcode(status)})

    def _kill_overdue(self) -> None:
        now = time.monotonic()
        for pid in [pid for pid, date in self.kill_at.items() if date <= now]:
            _signal_group(pid, signal.SIGKILL)
            self.kill_at[pid] = now + _LAST_WORD_S

    def end_all(self) -> None:
        """Send SIGTERM to everything below, wait for the grace period, send SIGKILL; report what is left."""
        left: list[int] = []
        for number, patience in ((signal.SIGTERM, self.grace_s), (signal.SIGKILL, _LAST_WORD_S)):
            deadline = time.monotonic() + patience
            reached: set[int] = set()
            while left := self._left():
                # a process may start another one at any moment: those that appear get the signal as well
                self._signal([pid for pid in left if pid not in reached], number)
                reached.update(left)
                if time.monotonic() >= deadline:
                    break
                self._pause([self.wake], min(deadline, time.monotonic() + 0.05))
        say({"left": left})

    def _left(self) -> list[int]:
        self.reap()
        return descendants(os.getpid()) if Path("/proc/self/stat").exists() else list(self.running)

    def _signal(self, pids: list[int], number: signal.Signals) -> None:
        for pid in pids:
            with contextlib.suppress(OSError):
                os.kill(pid, number)
        if not Path("/proc/self/stat").exists():
            for pid in self.groups:
                _signal_group(pid, number)


def descendants(ancestor: int) -> list[int]:
    """Return the processes below one, zombies left out, from Linux's /proc."""
    parents: dict[int, int] = {}
    for place in Path("/proc").iterdir():
        if place.name.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError):
                state, parent = (place / "stat").read_text(errors="replace").rpartition(")")[2].split()[:2]
                parents[int(place.name)] = int(parent) if state not in "ZX" else -1
    found, new = set[int](), {ancestor}
    while new:
        new = {pid for pid, parent in parents.items() if parent in new} - found
        found |= new
    return sorted(found)


def _become(order: dict[str, Any], gate: int, fault: int) -> NoReturn:
    """Turn a forked child into the program: group, files and signals first, then the gate, then the program."""
    code = 1
    try:
        os.setpgid(0, 0)
        _redirect(order["out"], order["err"])
        for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
            signal.signal(number, signal.SIG_DFL)
    except OSError as error:
        os.write(fault, (error.strerror or str(error)).encode())
    else:
        os.close(fault)
        # nothing comes when the keeper is gone
        if os.read(gate, 1):
            try:
                os.execve(order["argv"][0], order["argv"], order["env"])
            except (OSError, ValueError) as error:
                code = 127
                os.write(2, f"{order['argv'][0]}: {error}\n".encode(errors="replace"))
    finally:
        os._exit(code)


def _redirect(out: str, err: str) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(os.open(out, flags, 0o666), 1)
    os.dup2(1 if err == out else os.open(err, flags, 0o666), 2)


def say(message: dict[str, Any]) -> None:
    """Write a line for the supervisor, which may be gone."""
    with contextlib.suppress(OSError):
        os.write(1, json.dumps(message).encode() + b"\n")


def _signal_group(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(OSError):
        os.killpg(pid, number)


def _tie_to(parent: int) -> None:
    """Adopt orphans, and get SIGTERM when the supervisor dies (Linux; elsewhere the closing pipe tells)."""
    if sys.platform == "linux":
        prctl = ctypes.CDLL(None, use_errno=True).prctl
        prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        prctl(_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(1)


def main() -> None:
    """Run as a script: arguments are the supervisor's process id and the grace period in seconds."""
    keeper = Keeper(float(sys.argv[2]))
    _tie_to(int(sys.argv[1]))
    keeper.serve()


if __name__ == "__main__":
    main()
