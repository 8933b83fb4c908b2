"""Tables of text with a header: what ``sacct --parsable2`` (or ``--parsable``) prints, and CSV; columns as they stand.

Cells are never interpreted here. Slurm does not quote: a job name may hold ``|`` and line ends. A row with too few
cells goes on in the next line; a row with too many is mended where one column alone can hold free text, and does not
fit otherwise.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wattq.errors import WorkloadError, at
from wattq.workloads.anonymize_columns import FREE_TEXT, plain

__all__ = ["RawRow", "RawTable", "parse_table", "table_text"]

_DELIMITERS = "|,;\t"
_MOST_LINES = 100
_MOST_COLUMNS = 1000
_BLANK = " \t\r\n"
_LINE = re.compile(r"[^\n]*\n|[^\n]+")


@dataclass(frozen=True)
class RawRow:
    """A row.

    Attributes:
        cells: as many as the table has columns, or None where the line does not fit the header.
        text: the line or lines as they stand, with line ends and blank lines below.
    """

    cells: tuple[str, ...] | None
    text: str


@dataclass(frozen=True)
class RawTable:
    """A table.

    Attributes:
        names: names of the columns, as written.
        delimiter: ``|``, ``,``, ``;`` or a tab.
        trailing: whether lines end with a delimiter (``sacct --parsable``).
        head: the line of the header as it stands, with blank lines around it.
        rows: the rows in order.
    """

    names: tuple[str, ...]
    delimiter: str
    trailing: bool
    head: str
    rows: tuple[RawRow, ...]


def parse_table(data: bytes, source: str) -> RawTable:
    """Return the table of plain content; bytes that are no UTF-8 survive.

    Raises:
        WorkloadError: there is no header of different names between delimiters, or CSV quotes are broken.
    """
    text = data.decode("utf-8", "surrogateescape")
    lines = _LINE.findall(text)
    first = next((number for number, line in enumerate(lines) if line.strip(_BLANK)), None)
    if first is None:
        raise WorkloadError(f"{source}: empty; a table has a header and rows")
    head = lines[first]
    line = head.lstrip("\ufeff").rstrip("\r\n")
    delimiter = max(_DELIMITERS, key=line.count)
    names = _names(line, delimiter, at(source, first + 1))
    trailing = not names[-1]
    names = names[:-1] if trailing else names
    _check_names(names, at(source, first + 1))
    width = len(names) + trailing
    body = lines[first + 1 :]
    found = _piped(body, names, width) if delimiter == "|" else _quoted(body, delimiter, width, source, first + 2)
    head, rows = _rows("".join(lines[:first]) + head, found, len(names))
    return RawTable(names, delimiter, trailing, head, rows)


def _rows(
    head: str, found: Iterator[tuple[tuple[str, ...] | None, str]], n_columns: int
) -> tuple[str, tuple[RawRow, ...]]:
    """Return the header and the rows; blank lines go with what stands above them."""
    rows: list[RawRow] = []
    for cells, words in found:
        if cells != ():
            rows.append(RawRow(None if cells is None else cells[:n_columns], words))
        elif rows:
            rows[-1] = RawRow(rows[-1].cells, rows[-1].text + words)
        else:
            head += words
    return head, tuple(rows)


def _names(line: str, delimiter: str, place: str) -> tuple[str, ...]:
    if delimiter not in line:
        raise WorkloadError(
            f"{place}: no header of names between |, comma, semicolon or tab; "
            "write the log with sacct --parsable2, or as CSV with a header"
        )
    try:
        cells = line.split("|") if delimiter == "|" else next(csv.reader([line], delimiter=delimiter))
    except csv.Error as error:
        raise WorkloadError(f"{place}: broken CSV ({error}); mend the line") from None
    return tuple(cell.strip() for cell in cells)


def _check_names(names: Sequence[str], place: str) -> None:
    plain_names = [plain(name) for name in names]
    if len(names) > _MOST_COLUMNS:
        raise WorkloadError(f"{place}: {len(names)} columns, more than {_MOST_COLUMNS}; is this a log of jobs?")
    if not all(plain_names) or any(name.isdigit() for name in plain_names):
        raise WorkloadError(
            f"{place}: the first line must be a header; each column needs a name, put one above the rows"
        )
    twice = next((name for name in names if plain_names.count(plain(name)) > 1), None)
    if twice:
        raise WorkloadError(f"{place}: column '{twice}' stands there twice; keep one of them")


def _piped(lines: Sequence[str], names: Sequence[str], width: int) -> Iterator[tuple[tuple[str, ...] | None, str]]:
    free = [column for column, name in enumerate(names) if plain(name) in FREE_TEXT]
    start = 0
    while start < len(lines):
        end = start + 1
        delimiters = lines[start].count("|")
        if not lines[start].strip(_BLANK):
            yield (), lines[start]
            start = end
            continue
        # only free text can hold a line end, so without such a column every line is a row
        while free and delimiters < width - 1 and end < min(len(lines), start + _MOST_LINES):
            delimiters += lines[end].count("|")
            end += 1
        if end > start + 1 and delimiters != width - 1:
            end = start + 1  # the next lines are rows of their own: this line alone does not fit
        text = "".join(lines[start:end])
        yield _fit(text.rstrip("\r\n").split("|"), width, free), text
        start = end


def _fit(cells: list[str], width: int, free: Sequence[int]) -> tuple[str, ...] | None:
    extra = len(cells) - width
    if extra > 0 and len(free) == 1:
        place = free[0]
        cells[place : place + extra + 1] = ["|".join(cells[place : place + extra + 1])]
    return tuple(cells) if len(cells) == width else None


def _quoted(
    lines: Sequence[str], delimiter: str, width: int, source: str, first: int
) -> Iterator[tuple[tuple[str, ...] | None, str]]:
    taken: list[str] = []

    def fed() -> Iterator[str]:
        for line in lines:
            taken.append(line)
            yield line

    reader = csv.reader(fed(), delimiter=delimiter)
    try:
        for cells in reader:
            text = "".join(taken)
            taken.clear()
            if text.strip(_BLANK):
                yield (tuple(cells) if len(cells) == width else None), text
            else:
                yield (), text
    except csv.Error as error:
        raise WorkloadError(f"{at(source, first + reader.line_num - 1)}: broken CSV ({error}); mend the line") from None


def table_text(names: Sequence[str], rows: Sequence[Sequence[str]], delimiter: str, *, trailing: bool) -> str:
    """Return a table in the form of the one that was read.

    Args:
        names: names of the columns.
        rows: cells.
        delimiter: of the table that was read.
        trailing: whether lines end with a delimiter.
    """
    if delimiter == "|":
        end = "|\n" if trailing else "\n"
        return "".join("|".join(cells) + end for cells in (names, *rows))
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
    extra = [""] if trailing else []
    writer.writerow([*names, *extra])
    writer.writerows([*cells, *extra] for cells in rows)
    return out.getvalue()
