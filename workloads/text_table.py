"""Tables of text: CSV files as columns of strings, and numbers out of them, each with the line that it stands in."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattq.errors import WorkloadError, at
from wattq.workloads.files import sha256_hex

__all__ = [
    "TextTable",
    "amount",
    "decode",
    "factorize",
    "header_names",
    "numbered",
    "read_csv",
    "table_of",
    "whole_number",
]

_AMOUNT = re.compile(r"\d{1,300}(\.\d{0,300})?([eE][+-]?\d{1,3})?|\.\d{1,300}", re.ASCII)
_WHOLE = re.compile(r"\d{1,18}(\.0{1,9})?", re.ASCII)
_MISSING = frozenset(("", "nan", "NaN", "null", "NULL", "None", "<NA>", "-1"))
_LARGEST = 2.0**53 - 1
_SHORT = 40
_MOST_COLUMNS = 1000


def decode(data: bytes, source: str) -> str:
    """Return the text of a file with plain line ends: UTF-8 with or without a mark, else Latin-1.

    Raises:
        WorkloadError: when it is no text at all.
    """
    if b"\0" in data:
        raise WorkloadError(f"{source}: binary data, not a table of text; name the right file, or --format")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def header_names(cells: Sequence[str]) -> tuple[str, ...]:
    """Return column names as they are looked up: lower case, no blanks around."""
    return tuple(cell.strip().lower() for cell in cells)


@dataclass(frozen=True)
class TextTable:
    """Rows of text.

    Attributes:
        source: name of the file.
        sha256: digest of the plain content.
        columns: name -> texts without blanks around them, length n_rows.
        lines: line of the file in which each row begins, length n_rows.
    """

    source: str
    sha256: str
    columns: Mapping[str, NDArray[np.object_]]
    lines: NDArray[np.int64]

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return int(self.lines.size)

    def require(self, *names: str, what: str) -> None:
        """Refuse the table unless it has the columns.

        Raises:
            WorkloadError: names the missing columns, those found, and what they are for.
        """
        missing = [name for name in names if name not in self.columns]
        if missing:
            found = ", ".join(list(self.columns)[:40])
            raise WorkloadError(
                f"{at(self.source, 1)}: no column {' or '.join(map(repr, missing))} (there are {found[:400]}); "
                f"{what}; export it again with this column"
            )

    def column(self, name: str) -> NDArray[np.object_]:
        """Return the texts of a column, empty where the table does not have it."""
        if name in self.columns:
            return self.columns[name]
        return np.full(self.n_rows, "", dtype=object)

    def convert(self, name: str, function: Callable[[str], float | None], rule: str) -> NDArray[np.float64]:
        """Return the numbers of a column; each distinct text is read once.

        Args:
            name: the column; NaN throughout where the table does not have it.
            function: number of a text, NaN where it is unknown, None where the text breaks the rule.
            rule: what a cell must be, for the message.

        Raises:
            WorkloadError: names line, column and value of the first cell that breaks the rule.
        """
        if name not in self.columns:
            return np.full(self.n_rows, np.nan)
        codes, texts = factorize(self.columns[name])
        values = np.empty(len(texts))
        for code, text in enumerate(texts):
            value = function(text)
            if value is None:
                raise self.refusal(int(np.argmax(codes == code)), name, rule)
            values[code] = value
        return values[codes] if len(texts) else np.empty(0)

    def refusal(self, row: int, name: str, rule: str) -> WorkloadError:
        """Return the error of a cell that breaks a rule."""
        text = str(self.columns[name][row])
        shown = text if len(text) <= _SHORT else text[:_SHORT] + "..."
        place = f"{at(self.source, int(self.lines[row]))}: column {name!r} is {shown!r}"
        return WorkloadError(f"{place}; it must be {rule}; mend or remove the row")

    def select(self, mask: NDArray[np.bool_]) -> TextTable:
        """Return the table of some rows."""
        columns = {name: texts[mask] for name, texts in self.columns.items()}
        return TextTable(self.source, self.sha256, columns, self.lines[mask])


def amount(text: str) -> float | None:
    """Return a number of 0 or more, NaN where the cell is empty, ``NaN``, ``null`` or -1, None for anything else."""
    if text in _MISSING:
        return float("nan")
    value = float(text) if _AMOUNT.fullmatch(text) else float("inf")
    return value if value <= _LARGEST else None


def whole_number(text: str) -> float | None:
    """Return a whole number of 0 or more (``12`` or ``12.0``), NaN and None as in `amount`."""
    return amount(text) if text in _MISSING or _WHOLE.fullmatch(text) else None


def factorize(texts: NDArray[np.object_]) -> tuple[NDArray[np.int64], list[str]]:
    """Return a number for each text, in order of appearance, and the distinct texts."""
    import pandas as pd  # JSON alone must not cost its start

    codes, distinct = pd.factorize(texts)
    return codes.astype(np.int64), [str(text) for text in distinct]


def numbered(texts: NDArray[np.object_]) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Return a number for each text, -1 where it is empty, and the texts by number (in order of appearance)."""
    known = texts != ""
    codes, names = factorize(texts[known])
    numbers = np.full(texts.size, -1.0)
    numbers[known] = codes
    return numbers, tuple(names)


def read_csv(data: bytes, source: str, *, names: Sequence[str] = (), separator: str = ",") -> TextTable:
    """Return the rows of a CSV file; quoted cells may hold separators and line ends, blank lines are passed over.

    Args:
        data: the plain content.
        source: name of the file.
        names: the columns of a file without a header; empty where the first row names them.
        separator: one character.

    Raises:
        WorkloadError: names the line when a row has another number of cells than the header, or quotes do not match.
    """
    stream = io.StringIO(decode(data, source), newline="")
    reader = csv.reader(stream, delimiter=separator, strict=True)
    heads, rows, lines = header_names(names), [], []
    line = 0
    try:
        for row in reader:
            line, begin = reader.line_num, line + 1
            if not row:
                continue
            if not heads:
                heads = _checked_header(row, begin, source)
            elif len(row) != len(heads):
                raise WorkloadError(
                    f"{at(source, begin)}: {len(row)} cells; every row has {len(heads)} ({', '.join(heads)[:200]}); "
                    "mend or remove the line"
                )
            else:
                rows.append(row)
                lines.append(begin)
    except csv.Error as error:
        raise WorkloadError(f"{at(source, line + 1)}: {error}; a CSV row ends its quotes, mend the line") from None
    return table_of(source, sha256_hex(data), heads, rows, lines)


def _checked_header(row: list[str], line: int, source: str) -> tuple[str, ...]:
    heads = header_names(row)
    repeated = next((name for name in heads if heads.count(name) > 1), None) if len(heads) <= _MOST_COLUMNS else "..."
    if repeated is not None:
        raise WorkloadError(f"{at(source, line)}: column {repeated[:_SHORT]!r} is named twice; name each column once")
    return heads


def table_of(
    source: str, sha256: str, names: Sequence[str], rows: Iterable[Sequence[str]], lines: Sequence[int]
) -> TextTable:
    """Return the table of rows that all have one cell for each name."""
    parts = list(zip(*rows, strict=True)) or [()] * len(names)
    columns = {name: _texts(cells) for name, cells in zip(names, parts, strict=True)}
    return TextTable(source, sha256, columns, np.array(lines, dtype=np.int64))


def _texts(cells: Sequence[str]) -> NDArray[np.object_]:
    column = np.empty(len(cells), dtype=object)
    column[:] = [cell.strip() for cell in cells]
    return column
