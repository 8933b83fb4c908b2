"""Day-ahead prices as the German market data platform SMARD exports them: one column per zone, Berlin's wall clock."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

from wattq.errors import SignalError
from wattq.platforms.signals.csv_text import Row, csv_table
from wattq.platforms.signals.dated_rows import dated_points
from wattq.platforms.signals.points import Points, ReadOptions, unit_of

__all__ = ["is_smard", "parse_smard"]

_HEAD = re.compile(r"(Date|Datum);(Time of day|Uhrzeit|Anfang|Ende)|Start date;End date|Datum von;Datum bis")
_ZONE = re.compile(r"(?P<name>[^\[\]]+?)\s*\[(?P<unit>[^\]]*)\].*")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_ENGLISH = re.compile(r"([A-Z][a-z]{2}) (\d{1,2}), (\d{4})[; ] ?(\d{1,2}):(\d\d)\s?(AM|PM)", re.ASCII)
_GERMAN = re.compile(r"(\d\d)\.(\d\d)\.(\d{4})[; ](\d\d):(\d\d)", re.ASCII)

_SPLIT = datetime(2018, 10, 1)
_NEW, _OLD = "Germany/Luxembourg", "Germany/Austria/Luxembourg"
_STITCHED = {"DE": (_OLD, _NEW), "DE-LU": (_OLD, _NEW), "LU": (_OLD, _NEW), "AT": (_OLD, "Austria")}
_CODES = {
    "BE": "Belgium", "CH": "Switzerland", "CZ": "Czech Republic", "DK1": "Denmark 1", "DK2": "Denmark 2",
    "FR": "France", "HU": "Hungary", "IT-NORTH": "Northern Italy", "NL": "Netherlands", "NO2": "Norway 2",
    "PL": "Poland", "SE4": "Sweden 4", "SI": "Slovenia",
}  # fmt: skip
_GERMAN_NAMES = {
    "Deutschland/Luxemburg": _NEW, "Deutschland/Österreich/Luxemburg": _OLD, "Österreich": "Austria",
    "DE/AT/LU": _OLD,
}  # fmt: skip


def is_smard(header: str) -> bool:
    """Return whether a header is that of SMARD."""
    return bool(_HEAD.match(header)) and "/MWh]" in header


def parse_smard(text: str, path: str, options: ReadOptions) -> Points:
    """Return the prices of one zone, named by its column, or by a code such as FR or DK1.

    Germany's zone lost Austria on 1 October 2018, and its column changes then: the codes DE and AT take the column
    ``Germany/Austria/Luxembourg`` before that day (wall clock), their own from then on; the notes say so.

    Raises:
        SignalError: when no column is named, for unknown ones, columns in different currencies, bad dates and numbers.
    """
    header, rows = csv_table(text, path, ";")
    zones = _zones(header)
    names = _asked(options.column or options.region, zones, path)
    units = {unit_of(zones[name][1], f"{path}, column {name!r}") for name in names}
    if len(units) > 1:
        raise SignalError(f"{path}: the columns {' and '.join(names)} have different units; choose one column")
    quantity, unit = units.pop()
    german = header[0].startswith("Datum")
    points = dated_points(
        rows,
        path,
        date=_date_text,
        value=_cell(rows, [zones[name][0] for name in names], german),
        time_zone=options.time_zone or "Europe/Berlin",
        quantity=quantity,
        unit=unit,
        parse=_date,
        grouped=not german,
    )
    points.region, points.source = options.region or names[-1], "SMARD (Bundesnetzagentur)"
    if len(names) > 1:
        points.notes.append(f"column '{names[0]}' before 2018-10-01, '{names[1]}' from then on (the zone was split)")
    return points


def _zones(header: list[str]) -> dict[str, tuple[int, str]]:
    found = {}
    for k, cell in enumerate(header):
        match = _ZONE.fullmatch(cell.strip())
        if match:
            found[_GERMAN_NAMES.get(match["name"], match["name"])] = (k, match["unit"])
    return found


def _asked(wanted: str | None, zones: dict[str, tuple[int, str]], path: str) -> tuple[str, ...]:
    listed = ", ".join(list(zones)[:40])
    if wanted is None:
        if len(zones) == 1:
            return tuple(zones)
        raise SignalError(
            f"{path}: {len(zones)} columns of prices ({listed}); name one, or DE for Germany's two columns "
            "(column, --column)"
        )
    stitched = _STITCHED.get(wanted.upper())
    if stitched and all(name in zones for name in stitched):
        return stitched
    by_name = {name.lower(): name for name in zones}
    plain = wanted.partition("[")[0].strip()
    name = by_name.get(_GERMAN_NAMES.get(plain, plain).lower()) or by_name.get(_CODES.get(wanted.upper(), "").lower())
    if name is None:
        raise SignalError(f"{path}: no column of {wanted[:60]!r}; there are {listed}")
    return (name,)


def _date_text(cells: list[str]) -> str:
    return cells[0] if " " in cells[0].strip() and ":" in cells[0] else f"{cells[0].strip()};{cells[1].strip()}"


def _cell(rows: list[Row], columns: list[int], german: bool) -> Callable[[list[str]], str]:
    def cell(cells: list[str]) -> str:
        column = columns[0]
        if len(columns) > 1:
            date = _date(_date_text(cells))
            column = columns[0] if date is not None and date < _SPLIT else columns[1]
        text = cells[column]
        return text.replace(".", "").replace(",", ".") if german else text

    return cell


def _date(text: str) -> datetime | None:
    english, german = _ENGLISH.fullmatch(text), _GERMAN.fullmatch(text)
    try:
        if english and english[1] in _MONTHS and 1 <= int(english[4]) <= 12:
            hour = int(english[4]) % 12 + (12 if english[6] == "PM" else 0)
            return datetime(int(english[3]), _MONTHS.index(english[1]) + 1, int(english[2]), hour, int(english[5]))
        if german:
            return datetime(int(german[3]), int(german[2]), int(german[1]), int(german[4]), int(german[5]))
    except ValueError:
        return None
    return None
