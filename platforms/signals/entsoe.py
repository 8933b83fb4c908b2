"""ENTSO-E's generation per kind, turned into a carbon intensity by stated emission factors."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from wattq.errors import SignalError, at
from wattq.platforms.signals.clock import find_zone, parse_date, read_clock
from wattq.platforms.signals.csv_text import csv_table, delimiter_of, header_cells
from wattq.platforms.signals.dated_rows import read_dates
from wattq.platforms.signals.emission_factors import GENERATION_TYPES
from wattq.platforms.signals.points import ReadOptions, number

__all__ = ["Generation", "generation_type", "is_entsoe_csv", "parse_entsoe_csv"]

FloatArray = NDArray[np.float64]

_TYPES = {name.lower(): name for name in GENERATION_TYPES}
_TAIL = re.compile(r"\s*-?\s*Actual (Aggregated|Consumption)\s*(\[MW\])?$", re.IGNORECASE)
_PAIR = re.compile(r"\('(?P<name>[^']*)', '(?P<what>[^']*)'\)")
_MTU = re.compile(r"MTU(?: \((?P<zone>[A-Z/]+)\))?")
_RANGE = re.compile(
    r"(\d\d)[./](\d\d)[./](\d{4}) (\d\d):(\d\d)(?::\d\d)?(?: \([A-Z]+\))? - .{16,19}(?P<zone> \([A-Z]+\))?"
)
_CLOCKS = {"CET/CEST": "Europe/Brussels", "UTC": "UTC", "BST": "Europe/London", "EET/EEST": "Europe/Helsinki"}


@dataclass
class Generation:
    """Power by kind of generation.

    Attributes:
        start_s: Unix seconds at which each row begins.
        power_mw: kind of generation -> float64, NaN where nothing is reported.
        line: line (or entry) of each row.
        time_zone: zone of the area.
        notes: what the clock made necessary.
        word: what `line` counts.
    """

    start_s: list[float]
    power_mw: dict[str, FloatArray]
    line: list[int]
    time_zone: str
    notes: list[str]
    word: str = "line"


def generation_type(cell: str) -> str | None:
    """Return the kind of generation that a column holds, None where it holds none (or consumption)."""
    pair = _PAIR.fullmatch(cell.strip())
    name, what = (pair["name"], pair["what"]) if pair else (cell.strip(), cell)
    if "consumption" in what.lower():
        return None
    return _TYPES.get(" ".join(_TAIL.sub("", name).split()).lower())


def is_entsoe_csv(header: str) -> bool:
    """Return whether a header names at least three kinds of generation."""
    return sum(generation_type(cell) is not None for cell in header_cells(header)) >= 3


def parse_entsoe_csv(text: str, header: str, path: str, options: ReadOptions) -> Generation:
    """Return the generation of a CSV export: dates first (or ``MTU`` ranges), one column per kind.

    Raises:
        SignalError: for bad dates and numbers, or a wall clock without zone.
    """
    cells, rows = csv_table(text, path, delimiter_of(header))
    column, zone = _time_column(cells, options)
    dates = read_dates(rows, lambda row: row[column], path, _date)
    zone = zone or _zone_of_cell(rows[0][1][column])
    stamps = read_clock(dates, find_zone(zone) if zone else None, path)
    power = {}
    for k, cell in enumerate(cells):
        kind = generation_type(cell)
        if kind and kind in power:
            raise SignalError(f"{path}: two columns of {kind!r}; keep one area per file")
        if kind:
            values = np.array([number(row[k], at(path, line)) for line, row in rows])
            power[kind] = values[stamps.row]
    lines = [rows[k][0] for k in stamps.row]
    return Generation(stamps.start_s, power, lines, zone or "UTC", stamps.notes)


def _time_column(cells: list[str], options: ReadOptions) -> tuple[int, str | None]:
    for k, cell in enumerate(cells):
        match = _MTU.match(cell.strip())
        if match:
            return k, options.time_zone or _CLOCKS.get(match["zone"] or "")
    return 0, options.time_zone


def _zone_of_cell(cell: str) -> str | None:
    match = _RANGE.fullmatch(cell.strip())
    return _CLOCKS.get(match["zone"].strip(" ()")) if match and match["zone"] else None


def _date(text: str) -> datetime | None:
    match = _RANGE.fullmatch(text)
    if not match:
        return parse_date(text)
    day, month, year, hour, minute = (int(match[k]) for k in range(1, 6))
    try:
        return datetime(year, month, day, hour, minute)
    except ValueError:
        return None
