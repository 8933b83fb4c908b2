"""Values as Slurm writes them: time limits and trackable resources."""

from __future__ import annotations

import math
import re

__all__ = ["nodes", "seconds"]

_TIME = re.compile(r"(?:(\d{1,6})-)?(\d{1,6})(?::(\d{1,2}))?(?::(\d{1,2}))?")
_NODES = re.compile(r"node=(\d{1,15})")


def seconds(value: object) -> float:
    """Return a time limit in s.

    Slurm's forms: ``minutes``, ``minutes:seconds``, ``hours:minutes:seconds``, ``days-hours``, ``days-hours:minutes``
    and ``days-hours:minutes:seconds``; a bare number is in minutes.

    Raises:
        ValueError: it is none of them, or not above 0.
    """
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf:
        return 60.0 * value
    found = _TIME.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise ValueError(
            f"{value!r} is no time limit; write minutes, or D-HH:MM:SS in quotes, such as '1-00:00:00' for a day"
        )
    days, *parts = found.groups()
    numbers = [int(part) for part in parts if part is not None]
    if days is None:
        # Two parts are minutes and seconds, one is minutes.
        numbers = [0] * (3 - max(len(numbers), 2)) + numbers
    hours, minutes, rest = [*numbers, 0, 0][:3]
    total = 86400.0 * int(days or 0) + 3600.0 * hours + 60.0 * minutes + rest
    if not total > 0:
        raise ValueError(f"{value!r} is no time above 0")
    return total


def nodes(value: object) -> int:
    """Return the number of hosts in a list of trackable resources, such as 8 for ``node=8``.

    Raises:
        ValueError: another resource is named, or the number is not above 0.
    """
    found = _NODES.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None or int(found[1]) < 1:
        raise ValueError(
            f"{value!r} is not valid; write node=N with N above 0 (jobs get whole hosts, so other resources cannot "
            "be limited)"
        )
    return int(found[1])
