"""Rows of comma- or semicolon-separated text with their line numbers."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence

from wattq.errors import SignalError, at
from wattq.platforms.signals.points import MAX_ROWS

__all__ = ["Row", "column_named", "csv_table", "decode", "delimiter_of", "header_cells", "header_of"]

Row = tuple[int, list[str]]
"""Line number in the file, and its cells."""


def decode(data: bytes, path: str) -> str:
    """Return UTF-8 text, without byte order mark.

    Raises:
        SignalError: for other encodings.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SignalError(f"{at(path, line)}: not UTF-8 text (byte {error.start}); save the file as UTF-8") from None


def header_of(text: str) -> str:
    """Return the first line that is neither blank nor a comment."""
    lines = (match.group().strip() for match in re.finditer(r"[^\n]+", text[:100_000]))
    return next((line for line in lines if line and not line.startswith("#")), "")


def delimiter_of(header: str) -> str:
    """Return comma, semicolon or tab: the one that a header has most of."""
    return max(",;\t", key=header.count)


def header_cells(header: str) -> list[str]:
    """Return the headings of a header line, none where it is no CSV."""
    try:
        return next(csv.reader([header], delimiter=delimiter_of(header), strict=True), [])
    except csv.Error:
        return []


def csv_table(text: str, path: str, delimiter: str = ",") -> tuple[list[str], list[Row]]:
    """Return the cells of the header and the rows below; lines that are blank, and comments above, are left out.

    Raises:
        SignalError: for no rows, a row with fewer or more cells than the header, or text that is no CSV.
    """
    rows = list(_rows(text, path, delimiter))
    if len(rows) < 2:
        raise SignalError(f"{path}: {'no rows below the header' if rows else 'no rows'}; the file may be cut off")
    return rows[0][1], rows[1:]


def _rows(text: str, path: str, delimiter: str) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    width = 0
    try:
        for count, cells in enumerate(reader):
            if count > MAX_ROWS:
                raise SignalError(f"{path}: more than {MAX_ROWS} lines; split the file")
            if not any(cell.strip() for cell in cells) or (not width and cells[0].lstrip().startswith("#")):
                continue
            width = width or len(cells)
            if len(cells) != width:
                raise SignalError(f"{at(path, reader.line_num)}: {len(cells)} cells; the header has {width}")
            yield reader.line_num, cells
    except csv.Error as error:
        raise SignalError(f"{at(path, reader.line_num)}: not CSV ({error}); mend the line") from None


def column_named(header: Sequence[str], name: str, path: str) -> int:
    """Return the index of a column by its name, upper or lower case.

    Raises:
        SignalError: when there is none, or more than one.
    """
    found = [k for k, cell in enumerate(header) if cell.strip().lower() == name.strip().lower()]
    if len(found) != 1:
        listed = ", ".join(repr(cell.strip()[:60]) for cell in header[:40])
        raise SignalError(f"{path}: {len(found) or 'no'} columns {name[:60]!r}; there are {listed}")
    return found[0]
