"""Command lines read without a shell: words, and options with their values."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import PurePath

from wattq.errors import UnsupportedError

__all__ = ["KEEP", "options_of", "words_of"]

KEEP = "run the file as it is, with robin or wattq robin"
"""Remedy in messages on what cannot be carried over."""


def words_of(command: str, place: str, programs: Sequence[str]) -> list[str]:
    """Return the words behind the program of a command that is one plain call, without anything for the shell to do.

    Args:
        command: the command line.
        place: file and key for messages.
        programs: names that the program may have, in whatever folder.

    Raises:
        UnsupportedError: it needs a shell, or runs another program.
    """
    plain = command.strip().replace("\\\n", " ")
    found = re.search(r"[$`\n]", plain)
    if found is not None:
        raise _needs_shell(place, found[0])
    lexer = shlex.shlex(plain, posix=True, punctuation_chars=True)
    lexer.whitespace_split, lexer.commenters = True, ""
    try:
        words = list(lexer)
    except ValueError as error:
        raise UnsupportedError(f"{place}: {command!r}: {error}; close the quotation") from None
    for word in words:
        if set(word) <= set("();<>|&") or word.startswith("#"):
            raise _needs_shell(place, word)
    if not words or PurePath(words[0]).name not in programs:
        raise UnsupportedError(
            f"{place}: it runs {words[0] if words else command!r}, which cannot be carried over (one call of "
            f"{' or '.join(programs)} can); {KEEP}"
        )
    return words[1:]


def _needs_shell(place: str, what: str) -> UnsupportedError:
    return UnsupportedError(f"{place}: {what!r} is for the shell and cannot be carried over; {KEEP}")


def options_of(
    words: Sequence[str], place: str, *, valued: Mapping[str, str], flags: Mapping[str, str]
) -> tuple[dict[str, list[str]], list[str]]:
    """Return the options of a command by name, each with its values in their order, and the words that are no option.

    Args:
        words: the words behind the program.
        place: file and key for messages.
        valued: short or long option with a value -> its name.
        flags: option without a value -> its name.

    Raises:
        UnsupportedError: an option that is not named, or whose value is missing.
    """
    options: dict[str, list[str]] = {}
    rest: list[str] = []
    queue = list(words)
    while queue:
        word = queue.pop(0)
        option, value = _split(word)
        if option in valued:
            if value is None and not queue:
                raise UnsupportedError(f"{place}: option {option} has no value; give one")
            options.setdefault(valued[option], []).append(queue.pop(0) if value is None else value)
        elif option in flags and value is None:
            options[flags[option]] = []
        elif option:
            raise UnsupportedError(f"{place}: option {word} cannot be carried over; {KEEP}")
        else:
            rest.append(word)
    return options, rest


def _split(word: str) -> tuple[str, str | None]:
    """Return the option that a word is and the value that it carries; '' when it is no option."""
    if word.startswith("--") and len(word) > 2:
        option, equals, value = word.partition("=")
        return option, value if equals else None
    if word.startswith("-") and len(word) > 1:
        return word[:2], word[2:] or None
    return "", None
