"""Plain CSV of a price, an intensity or another series: a column of dates, and one of values."""

from __future__ import annotations

import re

from wattq.errors import SignalError, at
from wattq.platforms.signals.csv_text import column_named, csv_table, delimiter_of
from wattq.platforms.signals.dated_rows import dated_points
from wattq.platforms.signals.points import Points, ReadOptions, unit_of

__all__ = ["parse_plain_csv"]

_DATES = re.compile(
    r"(date|time|datetime|timestamp|start|from|utc|period)\b.*|.*\b(date|time|datetime)\b.*|", re.IGNORECASE
)
_IN_BRACKETS = re.compile(r"[(\[]([^()\[\]]*/[^()\[\]]*)[)\]]")
_BARE_UNIT = re.compile(r"(?<![\w/])([A-Za-z€£$]{1,4}\s?/\s?MWh|g\s?(CO2|CO₂)?(eq|e)?\s?/\s?kWh)(?!\w)", re.IGNORECASE)
_UNIT_COLUMNS = ("unit", "currency")


def parse_plain_csv(text: str, header: str, path: str, options: ReadOptions) -> Points:
    """Return the values of the column asked for, or of the only one beside the dates.

    Dates with UTC offset are instants; others are the wall clock of `options.time_zone`, or UTC where the header says
    so. The unit stands in the heading (``Price (EUR/MWh)``), in a column ``unit`` or ``currency``, or in
    `options.unit`; the bare headings ``Date,Price`` mean EUR/MWh.

    Raises:
        SignalError: when the value's column, its unit or the zone of a wall clock is not known, for units that change
            within the file, and for bad dates and numbers.
    """
    cells, rows = csv_table(text, path, delimiter_of(header))
    names = [cell.strip() for cell in cells]
    date = _date_column(names, path)
    value = _value_column(names, date, options.column, path)
    quantity, unit, notes = _unit(names, value, rows, options, path)
    zone = options.time_zone or ("UTC" if re.search(r"\bUTC\b", names[date], re.IGNORECASE) else None)
    points = dated_points(
        rows, path, date=date, value=value, time_zone=zone, quantity=quantity, unit=unit, grouped=";" in header
    )
    points.notes += notes
    return points


def _date_column(names: list[str], path: str) -> int:
    found = next((k for k, name in enumerate(names) if _DATES.fullmatch(name)), None)
    if found is None:
        listed = ", ".join(repr(name[:60]) for name in names[:20])
        raise SignalError(
            f"{at(path, 1)}: no column of dates among {listed}; its heading contains Date, Time, Datetime or UTC"
        )
    return found


def _value_column(names: list[str], date: int, wanted: str | None, path: str) -> int:
    if wanted is not None:
        return column_named(names, wanted, path)
    others = [k for k, name in enumerate(names) if k != date and name.lower() not in (*_UNIT_COLUMNS, "region")]
    if len(others) != 1:
        listed = ", ".join(repr(names[k][:60]) for k in others[:20])
        raise SignalError(f"{path}: {len(others)} columns beside the dates ({listed}); name one (column, --column)")
    return others[0]


def _unit(
    names: list[str], value: int, rows: list[tuple[int, list[str]]], options: ReadOptions, path: str
) -> tuple[str, str, list[str]]:
    heading = names[value]
    place = f"{path}, column {heading[:60]!r}"
    brackets, bare = _IN_BRACKETS.search(heading), _BARE_UNIT.search(heading)
    column = next((k for k, name in enumerate(names) if name.lower() in _UNIT_COLUMNS), None)
    if brackets or bare:
        stated = brackets[1] if brackets else heading[bare.start() : bare.end()] if bare else ""
        return *unit_of(stated, place), []
    if column is not None and column != value:
        return *_unit_of_rows(rows, column, path), []
    if options.unit is not None:
        return *unit_of(options.unit, place), []
    if options.quantity in ("carbon", "pue", "temperature"):
        return options.quantity, {"carbon": "g/kWh", "pue": "1", "temperature": "degC"}[options.quantity], []
    if [name.lower() for name in names] == ["date", "price"]:
        return "price", "EUR/MWh", ["no unit in the file: EUR/MWh is taken, as files 'Date,Price' mean it"]
    raise SignalError(
        f"{place}: the unit is not known; name it (unit, --unit), for example EUR/MWh or g/kWh, or write it into the "
        "heading: Price (EUR/MWh)"
    )


def _unit_of_rows(rows: list[tuple[int, list[str]]], column: int, path: str) -> tuple[str, str]:
    first = rows[0][1][column].strip()
    for line, cells in rows:
        if cells[column].strip() != first:
            raise SignalError(
                f"{at(path, line)}: {cells[column].strip()[:40]!r} after {first[:40]!r}: one file holds one unit and "
                "one currency; convert the values or split the file"
            )
    return unit_of(first if "/" in first else f"{first}/MWh", at(path, rows[0][0]))
