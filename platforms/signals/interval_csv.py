"""wattq's own CSV of a signal: ``from,to,forecast,actual,region`` and, where needed, ``unit``; written and read."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path

from wattq.errors import SignalError, at
from wattq.files import compress_for, write_whole
from wattq.platforms.signals.clock import find_zone, iso_text, parse_date, read_clock
from wattq.platforms.signals.csv_text import Row, column_named, csv_table
from wattq.platforms.signals.dated_rows import read_dates
from wattq.platforms.signals.points import Points, ReadOptions, number, unit_of
from wattq.platforms.signals.series import Signal

__all__ = ["COLUMNS", "MARK", "interval_text", "is_interval_csv", "parse_interval_csv", "write_signal"]

COLUMNS = ("from", "to", "forecast", "actual", "region")
"""Columns of the CSV; ``unit`` follows where the values are no carbon intensity."""

MARK = "# wattq signal "
_ABOUT = ("kind", "scope", "source", "time_zone")


def is_interval_csv(header: str) -> bool:
    """Return whether a header is that of wattq's own CSV."""
    names = [cell.strip().lower() for cell in header.split(",")]
    return names[:2] == ["from", "to"] and ("actual" in names or "forecast" in names)


def interval_text(rows: Sequence[Sequence[object]], *, unit: str = "g/kWh", about: Signal | None = None) -> str:
    """Return the CSV of rows (from, to, forecast, actual, region); dates are texts, missing values None.

    Args:
        rows: intervals in order.
        unit: of the values.
        about: signal whose kind, scope, source, zone and notes stand in a comment line above the header.
    """
    out = io.StringIO()
    if about is not None:
        words = {name: getattr(about, name) for name in (*_ABOUT, "quantity", "synthetic", "notes")}
        out.write(f"{MARK}{json.dumps(words, ensure_ascii=False)}\n")
    more = [] if unit == "g/kWh" else [unit]
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*COLUMNS, *(["unit"] if more else [])])
    writer.writerows([*("" if cell is None else cell for cell in row), *more] for row in rows)
    return out.getvalue()


def write_signal(signal: Signal, path: str | Path) -> Path:
    """Write a signal as wattq's CSV, by the name also gzip or xz; reading it back gives the same values and times.

    Raises:
        MissingFileError: when the folder cannot be written.
    """
    dates = [iso_text(float(edge)) for edge in signal.edges_s]
    values = [repr(float(value)) for value in signal.value]
    rows = [
        (start, end, None, value, signal.region)
        for start, end, value in zip(dates[:-1], dates[1:], values, strict=True)
    ]
    text = interval_text(rows, unit=signal.unit, about=signal)
    return write_whole(path, compress_for(path, text.encode()))


def parse_interval_csv(text: str, path: str, options: ReadOptions) -> Points:
    """Return the column ``actual`` (or ``forecast``, where `options.values` says so).

    Raises:
        SignalError: for bad dates and numbers, units that change within the file, or several regions with none named.
    """
    header, body = csv_table(text, path)
    names = [cell.strip().lower() for cell in header]
    body = _of_region(body, names, options.region, path)
    about = _about(text, path)
    quantity, unit = _unit(body, names, options, path)
    starts, ends = (_times(body, column_named(header, name, path), options, path) for name in ("from", "to"))
    column = column_named(header, options.values, path)
    points = Points(
        start_s=starts,
        end_s=ends,
        value=[number(cells[column], at(path, line)) for line, cells in body],
        line=[line for line, _ in body],
        quantity=quantity,
        unit=unit,
        region=body[0][1][names.index("region")].strip() if "region" in names else "",
    )
    _describe(points, about, options)
    return points


def _times(rows: Sequence[Row], column: int, options: ReadOptions, path: str) -> list[float]:
    dates = read_dates(rows, lambda cells: cells[column], path, parse_date)
    zone = find_zone(options.time_zone) if options.time_zone else None
    stamps = read_clock(dates, zone, path)
    if len(stamps.row) != len(rows) or stamps.notes:
        raise SignalError(
            f"{path}: dates of intervals that the clocks of {zone} skip or show twice, or with wrong offsets; "
            "write them in UTC, such as 2021-01-31T14:30Z"
        )
    return stamps.start_s


def _of_region(rows: list[Row], names: list[str], wanted: str | None, path: str) -> list[Row]:
    if "region" not in names:
        chosen = rows
    else:
        column = names.index("region")
        regions = list(dict.fromkeys(cells[column].strip() for _, cells in rows))
        if len(regions) > 1 and wanted is None:
            raise SignalError(f"{path}: {len(regions)} regions ({', '.join(regions[:8])}); name one (region, --region)")
        named = wanted is not None and regions != [""]
        chosen = [row for row in rows if row[1][column].strip() == wanted] if named else rows
    if not chosen:
        raise SignalError(f"{path}: no rows{f' of the region {wanted[:60]!r}' if wanted else ''}")
    return chosen


def _unit(rows: list[Row], names: list[str], options: ReadOptions, path: str) -> tuple[str, str]:
    if "unit" not in names:
        return unit_of(options.unit or "g/kWh", path)
    column = names.index("unit")
    first = rows[0][1][column]
    for line, cells in rows:
        if cells[column] != first:
            raise SignalError(
                f"{at(path, line)}: the unit changes from {first[:40]!r} to {cells[column][:40]!r}; one file holds one "
                "unit, convert the values or split the file"
            )
    return unit_of(first, at(path, rows[0][0]))


def _about(text: str, path: str) -> dict[str, object]:
    first = text[: text.find("\n")] if "\n" in text else text
    if not first.startswith(MARK):
        return {}
    try:
        found = json.loads(first[len(MARK) :])
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise SignalError(f"{at(path, 1)}: the comment of wattq is damaged; remove the line, or write the file again")
    return found


def _describe(points: Points, about: dict[str, object], options: ReadOptions) -> None:
    for name in _ABOUT:
        word = about.get(name)
        if isinstance(word, str) and word:
            setattr(points, name, word)
    notes = about.get("notes")
    points.notes += [str(note)[:1000] for note in notes[:100]] if isinstance(notes, list) else []
    points.synthetic = about.get("synthetic") is True
    if options.values == "forecast":
        points.notes.append("stored forecasts, as last revised: not what was known when a decision was made")
