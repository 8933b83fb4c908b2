"""Lists of nodes as Slurm writes them (``b[002-003,7],n001``), node by node."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

__all__ = ["MOST_NODES", "expand_nodes", "map_nodes"]

MOST_NODES = 2**16
"""Longest list that is taken apart; a longer one counts as one name."""

_NAME = re.compile(r"(?:[A-Za-z0-9_.:-]|\[[0-9,-]+\])+", re.ASCII)
_BRACKET = re.compile(r"\[([0-9,-]+)\]")
_RANGE = re.compile(r"(\d{1,9})(?:-(\d{1,9}))?", re.ASCII)


def expand_nodes(text: str) -> list[str] | None:
    """Return the names of a list in order, or None when it is no list of nodes or longer than `MOST_NODES`."""
    found: list[str] = []
    for word in _split(text):
        if not _NAME.fullmatch(word):
            return None
        names = _expand(word, MOST_NODES - len(found))
        if names is None:
            return None
        found += names
    return found


def _split(text: str) -> Iterator[str]:
    """Yield what stands between the commas outside brackets."""
    start = depth = 0
    for place, letter in enumerate(text):
        depth += (letter == "[") - (letter == "]")
        if letter == "," and depth == 0:
            yield text[start:place]
            start = place + 1
    yield text[start:]


def _expand(word: str, room: int) -> list[str] | None:
    names = [""]
    place = 0
    for bracket in _BRACKET.finditer(word):
        numbers = _numbers(bracket[1], room)
        if numbers is None or len(names) * len(numbers) > room:
            return None
        fixed = word[place : bracket.start()]
        names = [name + fixed + number for name in names for number in numbers]
        place = bracket.end()
    return [name + word[place:] for name in names] if len(names) <= room else None


def _numbers(text: str, room: int) -> list[str] | None:
    found: list[str] = []
    for part in text.split(","):
        match = _RANGE.fullmatch(part)
        if match is None:
            return None
        first, last = int(match[1]), int(match[2] or match[1])
        if not 0 <= last - first < room - len(found):
            return None
        found += [str(number).zfill(len(match[1])) for number in range(first, last + 1)]
    return found


def map_nodes(text: str, change: Callable[[str], str]) -> str:
    """Return a list with each name changed, in the order of the new names, between commas.

    What is no list, or too long, is changed as one name. The order is new, because neighbours in a list are neighbours
    in the machine room.
    """
    names = expand_nodes(text)
    return change(text) if names is None else ",".join(sorted(map(change, names)))
