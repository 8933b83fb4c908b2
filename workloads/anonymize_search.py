"""The search for original ids in what is about to be written: the last check before a file appears."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

__all__ = ["IdSearch", "ids_named_in"]

_WORD = re.compile(r"\w+")
_LEAST_DIGITS = 4
_NAMED = re.compile(r"(?:user|uid|group|gid|account|project|app)s?[\s=:#_-]*(\d{1,18})(?!\d)", re.IGNORECASE)


class IdSearch:
    """Finds ids as whole words in texts, in time that grows with the text alone.

    Numbers of fewer than four digits are not sought: they are everywhere.

    Args:
        ids: the original ids, of any form.
        harmless: words that the format itself writes (states, names of columns), which tell nothing.
    """

    def __init__(self, ids: Iterable[str], harmless: Collection[str] = ()) -> None:
        self._by_word: dict[str, set[str]] = {}
        for original in ids:
            first = _WORD.search(original)
            if first is None or original in harmless or _too_short(original):
                continue
            self._by_word.setdefault(first[0], set()).add(original[first.start() :])

    def find(self, text: str, *, numbers: bool = True) -> str | None:
        """Return the first id that stands in a text, from its first letter or digit on, or None.

        Args:
            text: where to look.
            numbers: whether ids that are numbers are sought too.
        """
        for word in _WORD.finditer(text):
            for wanted in self._by_word.get(word[0], ()):
                here = text.startswith(wanted, word.start()) and _ends_at(text, word.start() + len(wanted))
                if here and (numbers or not wanted.isdigit()):
                    return wanted
        return None


def _too_short(original: str) -> bool:
    return original.isdigit() and len(original) < _LEAST_DIGITS


def _ends_at(text: str, end: int) -> bool:
    """Whether an id that ends at `end` is not the beginning of a longer word."""
    return not (text[end : end + 1].isalnum() and text[end - 1].isalnum())


def ids_named_in(text: str, ids: Collection[str]) -> list[str]:
    """Return the ids that a text names as ids (``user=21``, ``group 4``), for logs whose ids are plain numbers."""
    return [number for number in _NAMED.findall(text) if str(int(number)) in ids]
