"""Rows of CSV with a date and a value: what most files of signals are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from wattq.errors import SignalError, at
from wattq.platforms.signals.clock import find_zone, parse_date, read_clock
from wattq.platforms.signals.csv_text import Row
from wattq.platforms.signals.points import Points, number

__all__ = ["dated_points", "read_dates"]

DateParser = Callable[[str], datetime | None]


def read_dates(
    rows: Sequence[Row], cell_of: Callable[[list[str]], str], path: str, parse: DateParser = parse_date
) -> list[datetime]:
    """Return the date of each row.

    Raises:
        SignalError: with the line of a cell that is no date.
    """
    dates = []
    for line, cells in rows:
        text = cell_of(cells).strip()
        date = parse(text)
        if date is None:
            raise SignalError(
                f"{at(path, line)}: {text[:60]!r} is no date; dates look like 2021-01-31 14:30, 2021-01-31T14:30Z "
                "or 2021-01-31T14:30+01:00"
            )
        dates.append(date)
    return dates


def dated_points(
    rows: Sequence[Row],
    path: str,
    *,
    date: int | Callable[[list[str]], str],
    value: int | Callable[[list[str]], str],
    time_zone: str | None,
    quantity: str,
    unit: str,
    parse: DateParser = parse_date,
    grouped: bool = False,
) -> Points:
    """Return the points of rows with one date and one value.

    Args:
        rows: below the header, with line numbers.
        path: file, for messages.
        date: column of the date, or what gives its text.
        value: column of the value, or what gives its text.
        time_zone: zone of dates without offset; None where the file does not say.
        quantity: of the signal.
        unit: of the signal.
        parse: reads a date.
        grouped: commas stand between thousands.

    Raises:
        SignalError: with the line of a date or number that is none.
    """
    date_of = date if callable(date) else lambda cells: cells[date]
    value_of = value if callable(value) else lambda cells: cells[value]
    dates = read_dates(rows, date_of, path, parse)
    stamps = read_clock(dates, find_zone(time_zone) if time_zone else None, path)
    values = [number(value_of(cells), at(path, line), grouped=grouped) for line, cells in rows]
    return Points(
        start_s=stamps.start_s,
        value=[values[row] for row in stamps.row],
        line=[rows[row][0] for row in stamps.row],
        quantity=quantity,
        unit=unit,
        time_zone=time_zone or "UTC",
        notes=stamps.notes,
    )
