"""Words of Slurm: durations, dates, lists of nodes and of array tasks."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime

__all__ = ["date_s", "duration_s", "expand_nodes", "expand_tasks", "plain"]

_NONE = frozenset({"", "n/a", "none", "unknown", "(null)", "null"})
_ENDLESS = frozenset({"unlimited", "infinite", "partition_limit", "not_set", "invalid"})
_DURATION = re.compile(r"(?:(\d{1,6})-)?(\d{1,9})(?::(\d{1,9}))?(?::(\d{1,9}))?$")
_PIECE = re.compile(r"([^\[\],]*)\[([0-9,\-]+)\]|([^\[\],]+)")
_TASKS = re.compile(r"(\d{1,9})(?:-(\d{1,9})(?::(\d{1,9}))?)?$")
_MOST_NODES = 200_000
_MOST_TASKS = 1_000_000


def plain(text: str) -> str:
    """Return a value, empty where Slurm says that there is none."""
    found = text.strip()
    return "" if found.lower() in _NONE else found


def duration_s(text: str) -> float:
    """Return a time limit in s: ``MM``, ``MM:SS``, ``HH:MM:SS``, ``D-HH``, ``D-HH:MM``, ``D-HH:MM:SS``, UNLIMITED.

    Raises:
        ValueError: for anything else.
    """
    word = text.strip()
    if word.lower() in _ENDLESS:
        return math.inf
    found = _DURATION.match(word)
    if found is None:
        raise ValueError(text)
    days, *rest = found.groups()
    numbers = [int(part) for part in rest if part is not None]
    if days is not None:
        numbers += [0] * (3 - len(numbers))
    elif len(numbers) < 3:
        numbers = [0, *numbers, *([0] if len(numbers) == 1 else [])]
    hours, minutes, seconds = numbers
    return float(int(days or 0) * 86400 + hours * 3600 + minutes * 60 + seconds)


def date_s(text: str) -> float | None:
    """Return a date as Slurm prints it in UTC (``2026-11-21T23:31:08``) in Unix s; None where it is not known.

    Raises:
        ValueError: it is no date.
    """
    word = plain(text)
    return datetime.fromisoformat(word).replace(tzinfo=UTC).timestamp() if word else None


def expand_nodes(text: str) -> tuple[str, ...]:
    """Return the names in a list of nodes such as ``rack[1-2]n[01-03,7],login``.

    Raises:
        ValueError: it is no list of nodes, or names more than 200,000.
    """
    found: list[str] = []
    for part in _split(plain(text)):
        found.extend(_names(part))
        if len(found) > _MOST_NODES:
            raise ValueError(text[:80])
    return tuple(found)


def _split(text: str) -> Iterator[str]:
    """Yield the parts of a list at the commas outside of brackets."""
    begin = depth = 0
    for at, sign in enumerate(text):
        depth += (sign == "[") - (sign == "]")
        if not 0 <= depth <= 1:
            raise ValueError(text[:80])
        if sign == "," and depth == 0:
            yield text[begin:at]
            begin = at + 1
    if depth:
        raise ValueError(text[:80])
    if text[begin:]:
        yield text[begin:]


def _names(part: str) -> list[str]:
    names, at = [""], 0
    while at < len(part):
        found = _PIECE.match(part, at)
        if found is None:
            raise ValueError(part[:80])
        ends = [found[3]] if found[3] is not None else [found[1] + number for number in _numbers(found[2])]
        if len(names) * len(ends) > _MOST_NODES:
            raise ValueError(part[:80])
        names = [begin + end for begin in names for end in ends]
        at = found.end()
    return names


def _numbers(text: str) -> Iterator[str]:
    for piece in text.split(","):
        low, dash, high = piece.partition("-")
        if not low.isdecimal() or (dash and not high.isdecimal()) or len(high) > 9:
            raise ValueError(text[:80])
        last = int(high) if dash else int(low)
        if not 0 <= last - int(low) < _MOST_NODES:
            raise ValueError(text[:80])
        for number in range(int(low), last + 1):
            yield f"{number:0{len(low)}d}"


def expand_tasks(text: str) -> tuple[int, ...]:
    """Return the tasks of a job array: ``4-9``, ``1,3,5-9:2``, with or without brackets and ``%2``.

    Raises:
        ValueError: it is no list of tasks, or names more than a million.
    """
    word = plain(text).strip("[]").partition("%")[0].strip("]")
    found: list[int] = []
    for piece in word.split(",") if word else ():
        match = _TASKS.match(piece)
        if match is None:
            raise ValueError(text[:80])
        low, high, step = int(match[1]), int(match[2] or match[1]), int(match[3] or 1)
        if step < 1 or (high - low) // step + len(found) >= _MOST_TASKS:
            raise ValueError(text[:80])
        found.extend(range(low, high + 1, step))
    return tuple(found)
