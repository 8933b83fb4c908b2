"""What a format's reader hands on: dated values with their lines, before gaps are looked for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf, isfinite, nan
from typing import Any

from wattq.errors import SignalError, at

__all__ = ["MAX_ROWS", "Points", "ReadOptions", "number", "unit_of"]

MAX_ROWS = 5_000_000
"""Most values of a series: 15 min for over a century."""

_MAX_VALUE = 1e9
_NUMBER = re.compile(r"[+-]?(\d{1,40}(\.\d{0,40})?|\.\d{1,40})([eE][+-]?\d{1,3})?", re.ASCII)
_GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?", re.ASCII)
_MISSING = frozenset(("", "-", "n/e", "n/a", "na", "nan", "null", "none", "nat"))
_SIGNS = {"€": "EUR", "EURO": "EUR", "£": "GBP", "$": "USD"}
_PRICE = re.compile(r"([A-Z]{3,4}|[€£$])/MWH")
_CARBON = re.compile(r"(GRAMS?|G)(CO2|CO₂)?(EQ|E)?/KWH|KG(CO2|CO₂)?(EQ|E)?/MWH")


@dataclass(frozen=True)
class ReadOptions:
    """What the caller says about a file; see `read_signal`."""

    quantity: str | None = None
    unit: str | None = None
    region: str | None = None
    column: str | None = None
    time_zone: str | None = None
    scope: str | None = None
    values: str = "actual"
    factors: Mapping[str, float] = field(default_factory=dict)


@dataclass
class Points:
    """Dated values of one file.

    Attributes:
        start_s: Unix seconds at which values begin, in the order of the file.
        value: the values; NaN where the file says that there is none.
        line: line of each value (or its number, where the file has no lines).
        end_s: Unix seconds at which values end, or None where the file tells starts only.
        quantity: as `Signal` has it, and so the other words.
        word: what `line` counts: ``line`` or ``entry``.
    """

    start_s: list[float]
    value: list[float]
    line: list[int]
    quantity: str
    unit: str
    end_s: list[float] | None = None
    region: str = ""
    kind: str = ""
    scope: str = ""
    source: str = ""
    time_zone: str = "UTC"
    synthetic: bool = False
    notes: list[str] = field(default_factory=list)
    word: str = "line"

    def place(self, path: str, index: int) -> str:
        """Return file and line of one value, for messages."""
        line = self.line[index]
        return at(path, line) if self.word == "line" else f"{path}, {self.word} {line}"


def number(cell: Any, place: str, *, grouped: bool = False) -> float:
    """Return a number, or NaN where the cell says that there is none.

    Args:
        cell: text, or a number or None of JSON.
        place: file and line, for messages.
        grouped: commas stand between thousands.

    Raises:
        SignalError: for anything else, and for numbers that no price or intensity can be.
    """
    value = _number_of_text(cell.strip(), grouped) if isinstance(cell, str) else _number_of_json(cell)
    if value is None or abs(value) > _MAX_VALUE:
        raise SignalError(
            f"{place}: {str(cell)[:60]!r} is no usable number; write a decimal number, or nothing where it is missing"
        )
    return value


def _number_of_text(text: str, grouped: bool) -> float | None:
    if text.lower() in _MISSING:
        return nan
    if _NUMBER.fullmatch(text):
        return float(text)
    return float(text.replace(",", "")) if grouped and _GROUPED.fullmatch(text) else None


def _number_of_json(value: Any) -> float | None:
    if value is None:
        return nan
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        found = float(value)
    except OverflowError:
        return inf
    return found if isfinite(found) else None


def unit_of(text: str, place: str) -> tuple[str, str]:
    """Return (quantity, unit) of a unit as people write it: ``€/MWh``, ``EUR / MWh``, ``gCO₂eq/kWh``, ``degC``.

    Raises:
        SignalError: for an unknown unit.
    """
    plain = re.sub(r"[\s.]", "", text).upper()
    price = _PRICE.fullmatch(plain)
    if price and (price[1] in _SIGNS or len(price[1]) == 3):
        return "price", f"{_SIGNS.get(price[1], price[1])}/MWh"
    if _CARBON.fullmatch(plain):
        return "carbon", "g/kWh"
    if plain in ("DEGC", "°C", "C"):
        return "temperature", "degC"
    if plain == "1":
        return "pue", "1"
    raise SignalError(
        f"{place}: unit {text[:60]!r} is unknown; known are EUR/MWh (or another currency), g/kWh, degC, 1 (PUE)"
    )
