"""Words of the command line as values: ``KEY=VALUE`` pairs and their types."""

from __future__ import annotations

from collections.abc import Iterable

from wattq.errors import InvalidInputError

__all__ = ["check_tau", "pairs", "scalar"]


def pairs(words: Iterable[str], option: str) -> dict[str, bool | int | float | str | None]:
    """Return ``KEY=VALUE`` words as a mapping; values are typed by `scalar`.

    Raises:
        InvalidInputError: a word without ``=`` or key, or a key given twice.
    """
    found: dict[str, bool | int | float | str | None] = {}
    for word in words:
        key, equals, value = word.partition("=")
        key = key.strip().replace("-", "_")
        if not equals or not key:
            raise InvalidInputError(
                f"{option} '{word}': a pair KEY=VALUE is expected, such as {option} order=submission"
            )
        if key in found:
            raise InvalidInputError(f"{option} '{word}': '{key}' is given twice; keep one")
        found[key] = scalar(value.strip())
    return found


def scalar(text: str) -> bool | int | float | str | None:
    """Return a text as true/false, none, a whole number, a number, or itself, whichever fits first."""
    words: dict[str, bool | None] = {"true": True, "false": False, "none": None}
    if text.lower() in words:
        return words[text.lower()]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def check_tau(tau_s: float) -> None:
    """Refuse a bound of the bounded slowdown that is no positive number of seconds."""
    if not 0 < tau_s < float("inf"):
        raise InvalidInputError(f"--tau {tau_s}: the bound of the bounded slowdown is a number of seconds above 0")
