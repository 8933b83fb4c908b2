"""How the program ends: its exit codes, and the abort signal where Batsim aborts."""

from __future__ import annotations

import faulthandler
import os
import resource
import signal
import sys
from typing import NoReturn

from wattq.errors import WattqError

__all__ = [
    "MISSING_LIST",
    "MISSING_PLATFORM",
    "UNSUPPORTED",
    "USAGE",
    "FilesMissingError",
    "OutputError",
    "SchedulerSilentError",
    "abort",
    "complain",
]

MISSING_PLATFORM, MISSING_LIST, UNSUPPORTED, USAGE = 1, 2, 5, 255


class FilesMissingError(WattqError):
    """Raised when input files do not exist; the exit code tells which, as bits."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.exit_code = code


class SchedulerSilentError(WattqError):
    """Raised when the scheduler does not answer within --scheduler-timeout."""

    exit_code = 6


class OutputError(WattqError):
    """Raised when the results cannot be written; none of them is left behind."""

    exit_code = 7


def complain(message: str) -> None:
    """Say why the program ends, on stderr; a stderr that is closed is no error."""
    try:
        os.write(2, f"wattq-batsim: {message}\n".encode("utf-8", "backslashreplace"))
    except OSError:
        return


def abort() -> NoReturn:
    """Die by the abort signal, as Batsim does, without a memory dump of the interpreter."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            continue
    faulthandler.disable()
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    signal.signal(signal.SIGABRT, signal.SIG_DFL)
    os.abort()
