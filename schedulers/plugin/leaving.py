"""How a scheduler process ends when something went wrong: one message on standard error, and an exit code."""

from __future__ import annotations

import signal
import sys
import threading
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from wattq.errors import WattqError

if TYPE_CHECKING:
    from wattq.schedulers.plugin.bridge import Bridge

__all__ = ["INTERRUPTED", "check_all_done", "leave", "leave_when_interrupted"]

INTERRUPTED = 130
"""Exit code after Ctrl-C."""


def leave(error: WattqError, program: str) -> NoReturn:
    """End the process with the message and the exit code of an error."""
    sys.stdout.flush()
    print(f"{program}: error: {error}", file=sys.stderr, flush=True)
    raise SystemExit(error.exit_code)


def leave_when_interrupted(program: str) -> None:
    """Let Ctrl-C end the process with `INTERRUPTED` and no traceback, wherever it is.

    Where Ctrl-C is ignored (a process in the background), it stays so.
    """

    def end(number: int, frame: FrameType | None) -> NoReturn:
        print(f"{program}: interrupted", file=sys.stderr, flush=True)
        raise SystemExit(INTERRUPTED)

    main = threading.current_thread() is threading.main_thread()
    if main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, end)


def check_all_done(bridge: Bridge) -> None:
    """Look at the end of a simulation whether every job ended or was rejected.

    Raises:
        WattqError: jobs are left over.
    """
    left = bridge.left_over()
    if left:
        raise WattqError(f"the simulation ended at {bridge.now_s} s with jobs left over: {left}")
