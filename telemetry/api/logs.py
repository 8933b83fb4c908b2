"""Structured logs: one JSON object per line on standard error, with the number of the request."""

from __future__ import annotations

import json
import logging
import sys
import time
from typing import Any, TextIO

__all__ = ["LEVELS", "JsonFormatter", "Log", "say", "set_level"]

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
"""Levels of lines; those below the level in force are left out."""


_ENCODE = json.JSONEncoder(default=str).encode


class Log:
    """Lines of JSON.

    Args:
        stream: where they go; standard error, as it is at the time of each line, when None.
        level: the lowest level that is written.
    """

    def __init__(self, stream: TextIO | None = None, level: str = "info") -> None:
        self.stream = stream
        self.least = LEVELS[level]

    def write(self, level: str, event: str, **fields: Any) -> None:
        """Write a line: time, level, event and these fields; those that are None are left out."""
        if LEVELS[level] < self.least:
            return
        now_s = time.time()
        date = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now_s))
        known = {name: value for name, value in fields.items() if value is not None}
        line = {"time": f"{date}.{int(now_s % 1 * 1000):03d}Z", "level": level, "event": event, **known}
        stream = self.stream or sys.stderr
        stream.write(_ENCODE(line) + "\n")
        stream.flush()


_LOG = Log()


def say(level: str, event: str, **fields: Any) -> None:
    """Write a line to the log of the process."""
    _LOG.write(level, event, **fields)


def set_level(level: str) -> None:
    """Leave out lines below a level from now on."""
    _LOG.least = LEVELS[level]


class JsonFormatter(logging.Formatter):
    """Lines of other libraries (the server's) in the same form."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as one line of JSON."""
        date = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line: dict[str, Any] = {
            "time": f"{date}.{int(record.created % 1 * 1000):03d}Z",
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            "logger": record.name,
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line)
