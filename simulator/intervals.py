"""Interval strings of host numbers, as Batsim reads and writes them: ``0-1 3``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from wattq.errors import InvalidInputError

__all__ = ["format_intervals", "merge_intervals", "parse_intervals"]

_PART = re.compile(r"^(\d{1,9})(?:-(\d{1,9}))?$", re.ASCII)


def merge_intervals(pairs: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return sorted intervals in which overlapping and adjacent ones are joined."""
    merged: list[tuple[int, int]] = []
    for first, last in sorted(pairs):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged


def parse_intervals(text: str, place: str, n_hosts: int | None = None) -> list[tuple[int, int]]:
    """Read an interval string; parts may overlap and stand in any order.

    Args:
        text: such as ``0-1 3``.
        place: where it stands, for messages.
        n_hosts: number of hosts; None leaves the numbers unchecked.

    Raises:
        InvalidInputError: the text breaks the form, is empty, or names a host that does not exist.
    """
    pairs = []
    for part in text.split():
        match = _PART.match(part)
        if match is None:
            raise InvalidInputError(f"{place}: '{part}' is not a host or an interval; write them like '0-1 3'")
        first = int(match[1])
        last = int(match[2]) if match[2] else first
        if last < first or (n_hosts is not None and last >= n_hosts):
            raise InvalidInputError(
                f"{place}: '{part}' is outside of hosts 0 to {(n_hosts or 10**9) - 1}, or runs backwards; mend it"
            )
        pairs.append((first, last))
    if not pairs:
        raise InvalidInputError(f"{place}: no hosts given; write them like '0-1 3'")
    return merge_intervals(pairs)


def format_intervals(pairs: Iterable[Sequence[int]]) -> str:
    """Return the text of intervals; those that overlap or touch are joined."""
    rows = list(pairs)
    if len(rows) > 1:
        rows = list(merge_intervals((first, last) for first, last in rows))
    return " ".join([str(first) if first == last else f"{first}-{last}" for first, last in rows])
