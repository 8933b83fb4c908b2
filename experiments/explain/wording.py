"""Numbers, durations and tables as people read them."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence

__all__ = ["aligned", "clock", "count", "date", "duration", "number", "wrapped"]

_UNITS = ((30 * 86400.0, 86400.0, "d"), (2 * 3600.0, 3600.0, "h"), (120.0, 60.0, "min"), (0.0, 1.0, "s"))


def number(value: float) -> str:
    """Return a number with as many digits as say something."""
    if math.isnan(value):
        return "unknown"
    if math.isinf(value):
        return "for ever"
    if value == int(value) and abs(value) < 1e15:
        return f"{value:,.0f}"
    return f"{value:,.0f}" if abs(value) >= 1e4 else f"{value:.4g}"


def duration(seconds: float) -> str:
    """Return a duration in the unit that suits it."""
    if not math.isfinite(seconds):
        return number(seconds)
    size, unit = next((size, unit) for least, size, unit in _UNITS if abs(seconds) >= least or not least)
    value = seconds / size
    return f"{value:,.0f} {unit}" if value == int(value) or abs(value) >= 100 else f"{value:.3g} {unit}"


def clock(seconds: float) -> str:
    """Return a duration as hours, minutes and seconds, such as 12:05:00; parts of a second are left out."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


def date(seconds: float) -> str:
    """Return a date of the run, s."""
    return f"{seconds:,.0f} s" if math.isfinite(seconds) else "never"


def aligned(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table; cells stand at the left."""
    lines = [list(headings), *map(list, rows)]
    widths = [max(len(line[k]) for line in lines) for k in range(len(headings))]
    ruled = [lines[0], ["-" * width for width in widths], *lines[1:]]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in ruled
    )


def count(n: float, noun: str) -> str:
    """Return a number of things."""
    return f"{number(n)} {noun}{'s' * (n != 1)}"


def wrapped(text: str, indent: str = "") -> str:
    """Return a text in lines of at most 118 characters."""
    return textwrap.fill(text, 118, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)
