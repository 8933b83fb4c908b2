"""Values of parameters: numbers, shares and truth values from what a user wrote; a bad one is a ValueError."""

from __future__ import annotations

__all__ = ["number", "share", "truth"]

_WORDS = {"true": 1.0, "yes": 1.0, "1": 1.0, "false": 0.0, "no": 0.0, "0": 0.0}


def number(value: object, least: float = 0.0, most: float = 1e300) -> float:
    """Return a number within bounds, from a number or its text.

    Raises:
        ValueError: it is no number, or lies outside of the bounds.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(value)
    try:
        found = float(value)
    except OverflowError:
        raise ValueError(value) from None
    if not least <= found <= most:
        raise ValueError(value)
    return found


def share(value: object) -> float:
    """Return a share from 0 to 1.

    Raises:
        ValueError: it is none.
    """
    return number(value, 0.0, 1.0)


def truth(value: object) -> float:
    """Return 1 for true and 0 for false, from a truth value or its text.

    Raises:
        ValueError: it is neither.
    """
    word = str(value).strip().lower()
    if word not in _WORDS:
        raise ValueError(value)
    return _WORDS[word]
