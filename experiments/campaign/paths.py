"""Keys of a campaign by dotted paths: ``policies.eco.params.timeout``, ``workloads.*.generate.load``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wattq.errors import CampaignError

__all__ = ["assign"]


def assign(content: dict[str, Any], path: str, value: Any) -> None:
    """Set every key of a content that a path names; mappings on the way are made where they are missing.

    An entry of a list goes by its label, name or source, by its position from 0, or ``*`` stands for all of them.

    Args:
        content: a campaign as plain lists and mappings; changed in place.
        path: words with dots between them.
        value: what the keys get.

    Raises:
        CampaignError: the path names nothing.
    """
    words = path.split(".")
    places = _walk(content, words, path)
    found = False
    for place, word in places:
        found = True
        if isinstance(place, list):
            place[int(word)] = value
        else:
            place[word] = value
    if not found:
        raise CampaignError(f"key '{path}': there is no such entry in the file; check its names")


def _walk(place: Any, words: list[str], path: str) -> Iterator[tuple[Any, str]]:
    """Yield container and key of each place that the words name."""
    if isinstance(place, list):
        yield from _walk_list(place, words, path)
    elif not isinstance(place, dict):
        raise CampaignError(f"key '{path}': '{words[0]}' stands below a value that holds no keys")
    elif len(words) == 1:
        yield place, words[0]
    else:
        if place.get(words[0]) is None:
            place[words[0]] = {}
        yield from _walk(place[words[0]], words[1:], path)


def _walk_list(place: list[Any], words: list[str], path: str) -> Iterator[tuple[Any, str]]:
    # the name of an entry may hold dots itself, so that the longest one that fits is taken
    for length in range(len(words), 0, -1):
        rows = [row for row, entry in enumerate(place) if _named(row, entry, ".".join(words[:length]))]
        if rows:
            for row in rows:
                rest = words[length:]
                yield from _walk(place[row], rest, path) if rest else iter([(place, str(row))])
            return


def _named(row: int, entry: Any, word: str) -> bool:
    if word == "*" or word == str(row):
        return True
    return isinstance(entry, dict) and word in (entry.get("label"), entry.get("name"), entry.get("source"))
