"""Words of Slurm: durations, dates, lists of nodes and of array tasks."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime

from wattq.workloads.anonymize_nodes import expand_nodes

__all__ = ["date_s", "duration_s", "expand_tasks", "node_names", "plain"]

_NONE = frozenset({"", "n/a", "none", "unknown", "(null)", "null"})
_ENDLESS = frozenset({"unlimited", "infinite", "partition_limit", "not_set", "invalid"})
_DURATION = re.compile(r"(?:(\d{1,6})-)?(\d{1,9})(?::(\d{1,9}))?(?::(\d{1,9}))?$")
_TASKS = re.compile(r"(\d{1,9})(?:-(\d{1,9})(?::(\d{1,9}))?)?$")
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


def node_names(text: str) -> tuple[str, ...]:
    """Return the names in a list of nodes such as ``rack[1-2]n[01-03,7],login``.

    Raises:
        ValueError: it is no list of nodes, or names more than 65,536.
    """
    word = plain(text)
    names = expand_nodes(word) if word else []
    if names is None:
        raise ValueError(text[:80])
    return tuple(names)


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
