"""Numbers written so that Batsim reads exactly the double that is meant.

Batsim's JSON library does not always read the nearest double of a decimal text (`wattq.workloads.rapid_numbers`), so
the shortest text that Python would read back may arrive one step off.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from fractions import Fraction

from wattq.workloads.rapid_numbers import parse_number

__all__ = ["exact_json", "exact_text"]

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|-?\d[\d.]*(?:[eE][+-]?\d+)?')
_SUSPECT = re.compile(r"[\d.]{16}|[eE][+-]?\d\d")
_DIGITS = (17, 16, *range(18, 201))
_STEPS = 6


def exact_json(text: str) -> str:
    """Return a JSON text in which every number with a fraction or exponent arrives at Batsim as the double it is here.

    See `exact_text` for the few that cannot.
    """
    if _SUSPECT.search(text) is None:
        return text
    return _TOKEN.sub(lambda match: _token(match[0]), text)


def _token(token: str) -> str:
    if token.startswith('"') or not set(token) & set(".eE"):
        return token
    return token if parse_number(token) == float(token) else exact_text(float(token))


def exact_text(value: float) -> str:
    """Return a JSON number that Batsim reads as exactly this finite double.

    About one double in 10,000 of those with more than 15 digits that are read one step off (one in 100,000 of all)
    has no such text of up to 200 digits; it keeps its shortest text, and arrives 1e-16 (relative) off.
    """
    return next((text for text in _candidates(value) if parse_number(text) == value), repr(value))


def _candidates(value: float) -> Iterator[str]:
    """Yield decimal texts near a value, the likeliest first: whole numbers of 16 to 200 digits times a power of ten.

    Batsim rounds the whole number to a double, then divides by the power; how finely the quotients lie depends on the
    number of digits, so that one of them hits the value where others step over it.
    """
    yield repr(value)
    if value == 0.0 or not math.isfinite(value):
        return
    sign, exact = ("-" if value < 0 else ""), Fraction(abs(value))
    for digits in _DIGITS:
        nearest, power = _scaled(exact, digits)
        spacing = max(1, int(math.ulp(float(nearest))))
        for distance in range(-_STEPS, _STEPS + 1):
            yield f"{sign}{nearest + distance * spacing}e{power}"


def _scaled(exact: Fraction, digits: int) -> tuple[int, int]:
    """Return the whole number of so many digits, and the power of ten, whose product is nearest to a fraction."""
    power = math.floor(math.log10(exact)) + 1 - digits
    scaled = exact / Fraction(10) ** power
    return round(scaled), power
