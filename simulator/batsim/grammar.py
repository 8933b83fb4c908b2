"""How a command line is taken apart: long names that may be shortened, bundled letters, values beside or behind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Option", "UsageError", "split"]


class UsageError(Exception):
    """Raised when a command line does not match the options; the message names the word and the rule."""


@dataclass(frozen=True)
class Option:
    """One option of a command line.

    Attributes:
        name: its long form, with the hyphens.
        letter: its short form, such as ``-p``; empty when it has none.
        value: what its value is called; empty for a flag.
        repeat: whether it may be given several times.
        default: the value of an option that is not given, as text.
    """

    name: str
    letter: str = ""
    value: str = ""
    repeat: bool = False
    default: str = ""


def split(words: Sequence[str], options: Sequence[Option]) -> Mapping[str, list[str]]:
    """Return the values of each option that occurs, by long name; a flag has one empty value per occurrence.

    A long option may be shortened as long as one option alone begins so (``--verb quiet``); ``--name=value`` and
    ``--name value`` are the same; letters bundle (``-Eq``), and the last of them may carry its value (``-eout``).

    Raises:
        UsageError: a word is no option, a value is missing or one too many.
    """
    given: dict[str, list[str]] = {}
    left = list(words)
    while left:
        word = left.pop(0)
        if word.startswith("--") and word != "--":
            _long(word, left, options, given)
        elif word.startswith("-") and word not in ("-", "--"):
            _letters(word, left, options, given)
        else:
            raise UsageError(f"unexpected argument '{word}': everything is given by options")
    return given


def _long(word: str, left: list[str], options: Sequence[Option], given: dict[str, list[str]]) -> None:
    """Take one long option, and its value."""
    name, equals, value = word.partition("=")
    similar = [o for o in options if o.name == name] or [o for o in options if o.name.startswith(name)]
    if not similar:
        raise UsageError(f"unknown option '{name}'")
    if len(similar) > 1:
        raise UsageError(f"'{name}' may mean {', '.join(o.name for o in similar)}; write more of it")
    option = similar[0]
    if not option.value and equals:
        raise UsageError(f"option '{option.name}' takes no value, but got '{value}'")
    if option.value and not equals:
        value = _next(option.name, left)
    given.setdefault(option.name, []).append(value)


def _letters(word: str, left: list[str], options: Sequence[Option], given: dict[str, list[str]]) -> None:
    """Take a bundle of one-letter options, and the value of the last one."""
    for at, character in enumerate(word[1:], 2):
        option = next((o for o in options if o.letter == f"-{character}"), None)
        if option is None:
            raise UsageError(f"unknown option '-{character}'" + (f" in '{word}'" if len(word) > 2 else ""))
        if option.value:
            value = word[at:] or _next(option.letter, left)
            given.setdefault(option.name, []).append(value)
            return
        given.setdefault(option.name, []).append("")


def _next(name: str, left: list[str]) -> str:
    """Return the word behind an option as its value."""
    if not left or left[0] in ("", "--"):
        raise UsageError(f"option '{name}' needs a value")
    return left.pop(0)
