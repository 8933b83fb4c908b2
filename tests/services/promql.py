"""Reads PromQL as far as tests need it: which series an expression asks for, with which labels."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Asked", "grouping_labels", "names_matching", "series_asked"]

_SELECTOR = re.compile(r'([A-Za-z_:][\w:]*)?\{((?:[^{}"]|"(?:[^"\\]|\\.)*")*)\}')
_MATCHER = re.compile(r'([A-Za-z_]\w*)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"')
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^()]*)\)")
_WORDS = {"by", "without", "on", "ignoring", "group_left", "group_right", "and", "or", "unless", "bool", "offset"}


@dataclass(frozen=True)
class Asked:
    """A selector: name (empty where a matcher gives it), and its matchers (label, operator, value)."""

    name: str
    matchers: tuple[tuple[str, str, str], ...] = ()


def grouping_labels(expr: str) -> set[str]:
    """Return the labels that an expression groups by or matches on."""
    return {label.strip() for inside in _GROUPING.findall(expr) for label in inside.split(",") if label.strip()}


def series_asked(expr: str) -> Iterator[Asked]:
    """Yield the selectors of an expression."""
    for name, inside in _SELECTOR.findall(expr):
        yield Asked(name, tuple(_MATCHER.findall(inside)))
    rest = _GROUPING.sub(" ", _SELECTOR.sub(" ", expr))
    rest = re.sub(r"\[[^\]]*\]|\boffset\s+\w+|\b[\d.]+(?:e\d+|[smhdwy])?\b", " ", rest)
    for word, call in re.findall(r"([A-Za-z_:][\w:]*)\s*(\(?)", rest):
        if not call and word not in _WORDS:
            yield Asked(word)


def names_matching(pattern: str, names: set[str]) -> set[str]:
    """Return the names that a matcher ``__name__=~`` selects."""
    return {name for name in names if re.fullmatch(pattern, name)}
