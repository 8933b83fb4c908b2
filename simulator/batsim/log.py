"""What is said on stderr while a simulation runs, by category and level."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Final, TextIO

__all__ = ["CATEGORIES", "LEVELS", "Log", "thresholds_of"]

TRACE, DEBUG, VERBOSE, INFO, WARNING, ERROR, CRITICAL = range(7)
_NAMES = ("TRACE", "DEBUG", "VERBOSE", "INFO", "WARNING", "ERROR", "CRITICAL")

#: The categories: inputs, outputs and the end (batsim), each message (network), what becomes of it (server).
CATEGORIES: Final = ("batsim", "network", "server")
# Least level of (batsim, network, server) by verbosity.
LEVELS: Final[Mapping[str, tuple[int, int, int]]] = {
    "quiet": (ERROR, ERROR, ERROR),
    "network-only": (ERROR, INFO, ERROR),
    "information": (INFO, INFO, INFO),
    "debug": (DEBUG, DEBUG, DEBUG),
}


def thresholds_of(level: str) -> Mapping[str, int]:
    """Return the least level that is logged, by category."""
    return dict(zip(CATEGORIES, LEVELS[level], strict=True))


class Log:
    """Writes lines like ``[12.000000] [network/INFO] Sending '...'``; the date is that of the simulation, in s.

    Args:
        thresholds: least level that is logged, by category.
        stream: where to; stderr when None. A stream that is gone is no error.
    """

    def __init__(self, thresholds: Mapping[str, int], stream: TextIO | None = None) -> None:
        self._thresholds = thresholds
        self._stream = stream or sys.stderr

    def shows(self, category: str, level: int) -> bool:
        """Return whether a line of this category and level is logged."""
        return level >= self._thresholds[category]

    def say(self, category: str, level: int, text: str, date: str = "0.000000") -> None:
        """Log a line, unless its level is too low."""
        if self.shows(category, level):
            self._write(f"[{date}] [{category}/{_NAMES[level]}] {text}\n")

    def info(self, text: str, date: str = "0.000000") -> None:
        """Log a line about inputs or outputs."""
        self.say("batsim", INFO, text, date)

    def _write(self, line: str) -> None:
        try:
            self._stream.write(line)
            self._stream.flush()
        except (OSError, ValueError):
            # Nobody reads the log any more; the simulation does not depend on it.
            self._thresholds = dict.fromkeys(self._thresholds, CRITICAL + 1)
