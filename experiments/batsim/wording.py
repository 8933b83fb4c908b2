"""How the ends of processes are put in words."""

from __future__ import annotations

import re
import signal
from pathlib import Path

__all__ = ["ending", "last_line", "quotation"]

_TAIL_BYTES = 1 << 14
_LONGEST = 200


def ending(code: int) -> str:
    """Return what an exit code says: ``ended with exit code 134 (SIGABRT)``, ``was ended by SIGKILL``.

    A shell that ran a program which died of signal n ends with code 128 + n.
    """
    if code < 0:
        return f"was ended by {_signal_name(-code) or f'signal {-code}'}"
    name = _signal_name(code - 128)
    return f"ended with exit code {code}" + (f" ({name})" if name else "")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return ""


def quotation(*logs: Path) -> str:
    """Return the last words of the first log that says something, with its path; else that the first says nothing."""
    for log in logs:
        line = last_line(log)
        if line:
            return f"last line of {log}: {line!r}"
    return f"{logs[0]} says nothing"


def last_line(log: Path) -> str:
    """Return the last line of a log that says something; '' when there is none, or no file.

    Lines of ``bash -x`` (the commands themselves) say nothing; control characters are left out.
    """
    try:
        with log.open("rb") as stream:
            stream.seek(max(0, log.stat().st_size - _TAIL_BYTES))
            text = stream.read(_TAIL_BYTES).decode(errors="replace")
    except OSError:
        return ""
    for line in reversed(text.splitlines()):
        clean = re.sub(r"\x1b\[[0-9;]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]", "", line).strip()
        if clean and not clean.startswith("+ "):
            return clean if len(clean) <= _LONGEST else f"{clean[: _LONGEST - 3]}..."
    return ""
