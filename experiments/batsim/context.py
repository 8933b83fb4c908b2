"""What Batsim says about a run before it starts, and whether the socket's port is free."""

from __future__ import annotations

import errno
import json
import re
import socket
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wattq.errors import WattqError
from wattq.experiments.batsim.processes import Ended, Processes
from wattq.experiments.batsim.wording import ending, last_line

__all__ = ["ANSWER_S", "Context", "SetupError", "ask_context", "port_is_free", "port_of", "wait_for_port"]

ANSWER_S = 60.0
"""Time that Batsim has to print its execution context, s; it reads no input file for that."""

_OPTION = "--dump-execution-context"
_POLL_S = 0.1
_MAX_ANSWER = 1 << 20


class SetupError(WattqError):
    """Raised when a simulation cannot be started; robin's exit code 1."""


@dataclass(frozen=True)
class Context:
    """What ``batsim --dump-execution-context`` says.

    Attributes:
        endpoint: ZeroMQ endpoint of the scheduler, such as ``tcp://localhost:28000``.
        prefix: start of the result files' names.
        external_scheduler: whether Batsim talks to a scheduler (False with ``--no-sched``).
    """

    endpoint: str
    prefix: str
    external_scheduler: bool


def ask_context(processes: Processes, batcmd: str, *, patience_s: float = ANSWER_S) -> Context:
    """Run Batsim's command with ``--dump-execution-context`` behind it, through bash, and read the answer.

    Raises:
        SetupError: the command fails, does not end, or answers something else.
    """
    with tempfile.TemporaryDirectory(prefix="wattq-robin-") as folder:
        out, err = Path(folder) / "out", Path(folder) / "err"
        # a command that ends in a line break would leave the option on a line of its own
        command = f"{batcmd.rstrip()} {_OPTION}"
        processes.start("context", ["bash", "-eux", "-c", command], out, err)
        ended = processes.wait(time.monotonic() + patience_s)
        if ended is None:
            processes.stop("context")
            processes.wait()
            raise SetupError(f"batcmd with {_OPTION} did not end within {patience_s:g} s and was stopped")
        return _context(ended, out, err)


def _context(ended: Ended, out: Path, err: Path) -> Context:
    if ended.code != 0:
        raise SetupError(f"batcmd with {_OPTION} {ending(ended.code)}: {last_line(err) or 'it printed no error'}")
    with out.open("rb") as stream:
        answer = stream.read(_MAX_ANSWER)
    try:
        content = json.loads(answer)
    except (ValueError, RecursionError):
        shown = answer[:80].decode(errors="replace").strip()
        raise SetupError(
            f"batcmd with {_OPTION} printed {shown!r}, no JSON; batcmd must be one Batsim command"
        ) from None
    return Context(
        _entry(content, "socket_endpoint", str),
        _entry(content, "export_prefix", str),
        _entry(content, "external_scheduler", bool),
    )


def _entry(content: Any, key: str, kind: type) -> Any:
    value = content.get(key) if isinstance(content, dict) else None
    if not isinstance(value, kind):
        raise SetupError(f"batcmd with {_OPTION} printed JSON without {key} ({kind.__name__}); is it Batsim 3 or 4?")
    return value


def port_of(endpoint: str) -> int | None:
    """Return the TCP port of a ZeroMQ endpoint, None for another transport such as ``ipc://``.

    Raises:
        SetupError: a TCP endpoint without a port from 1 to 65535.
    """
    if not endpoint.startswith("tcp"):
        return None
    match = re.fullmatch(r"tcp://.*:(\d{1,9})", endpoint, re.DOTALL)
    if match is None or not 0 < int(match[1]) < 65536:
        raise SetupError(f"Batsim's socket endpoint {endpoint!r} has no port from 1 to 65535; mend its -s option")
    return int(match[1])


def port_is_free(port: int) -> bool:
    """Return whether a scheduler could listen on a TCP port of all interfaces.

    The port is bound as ZeroMQ does (``SO_REUSEADDR``), without listening: connections of a run that just ended
    do not count, and nobody else is kept from binding.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError as error:
            if error.errno == errno.EACCES:
                raise SetupError(f"port {port} may not be used by this user; take one above 1023") from error
            return False
    return True


def wait_for_port(port: int, patience_s: float, pause: Callable[[float], object]) -> None:
    """Wait until a port is free.

    Args:
        port: the port.
        patience_s: longest wait, s; it is looked at once in any case.
        pause: waits until a date of `time.monotonic`.

    Raises:
        SetupError: it is still in use.
    """
    deadline = time.monotonic() + patience_s
    while not port_is_free(port):
        if time.monotonic() >= deadline:
            raise SetupError(
                f"port {port} is still in use after {patience_s:g} s (ready-timeout): another scheduler or Batsim runs "
                "there; end it, or give Batsim and the scheduler another socket endpoint"
            )
        pause(min(deadline, time.monotonic() + _POLL_S))
