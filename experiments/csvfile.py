"""Comma-separated files of Batsim, read strictly: every message names the file, the line and the column."""

from __future__ import annotations

import csv
import gzip
import io
import lzma
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import numpy as np
from numpy.typing import NDArray

from wattq.errors import InvalidInputError, MissingFileError, at

__all__ = ["MAX_TEXT_BYTES", "CsvTable", "find_file", "read_csv", "read_text"]

MAX_TEXT_BYTES = 2**30
"""Largest decompressed file that is read (1 GiB); a longer one is refused rather than fill the memory."""

_SUFFIXES = ("", ".gz", ".xz")


def find_file(directory: Path, name: str) -> Path | None:
    """Return the path of ``name`` in a directory, plain or compressed (.gz, .xz), or None."""
    candidates = (directory / f"{name}{suffix}" for suffix in _SUFFIXES)
    return next((path for path in candidates if path.is_file()), None)


def _open(path: Path) -> IO[bytes]:
    if path.suffix == ".gz":
        return cast("IO[bytes]", gzip.GzipFile(path))
    if path.suffix == ".xz":
        return cast("IO[bytes]", lzma.LZMAFile(path))
    return path.open("rb")


def read_text(path: Path) -> str:
    """Return the content of a UTF-8 text file, plain, gzip or xz (told by the suffix).

    Raises:
        MissingFileError: the file does not exist or cannot be read.
        InvalidInputError: truncated or corrupt compression, not UTF-8, or longer than `MAX_TEXT_BYTES`.
    """
    try:
        with _open(path) as stream:
            data = stream.read(MAX_TEXT_BYTES + 1)
    except (EOFError, lzma.LZMAError, gzip.BadGzipFile, ValueError) as error:
        raise InvalidInputError(f"{at(path)}: damaged or truncated compression ({error}); fetch it again") from error
    except OSError as error:
        raise MissingFileError(f"{at(path)}: cannot be read ({error.strerror or error})") from error
    except Exception as error:  # zlib.error has no common base with the rest
        raise InvalidInputError(f"{at(path)}: damaged compression ({error}); fetch it again") from error
    if len(data) > MAX_TEXT_BYTES:
        raise InvalidInputError(f"{at(path)}: longer than {MAX_TEXT_BYTES} bytes once decompressed; not read")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InvalidInputError(f"{at(path, line)}: byte {data[error.start]:#04x} is not UTF-8 text") from error


@dataclass(frozen=True)
class CsvTable:
    """Columns of text with the line number of each row.

    Attributes:
        path: the file, for messages.
        columns: name -> one text per row.
        lines: line number of each row (1 = header).
    """

    path: Path
    columns: dict[str, Sequence[str]]
    lines: Sequence[int]

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.lines)

    def fail(self, row: int, column: str, rule: str) -> InvalidInputError:
        """Return the error for one cell: place, value and the rule that it breaks."""
        value = self.columns[column][row]
        return InvalidInputError(f"{at(self.path, self.lines[row])}, column '{column}': '{value}' {rule}")

    def text(self, column: str) -> Sequence[str]:
        """Return a column as text."""
        return self.columns[column]

    def floats(self, column: str, *, missing: Iterable[str] = ()) -> NDArray[np.float64]:
        """Return a column as finite numbers; the texts in ``missing`` become NaN.

        Raises:
            InvalidInputError: a cell is not a finite number.
        """
        allowed = frozenset(missing)
        cells = self.columns[column]
        if allowed:
            cells = ["nan" if cell in allowed else cell for cell in cells]
        try:
            values = np.array(cells, dtype=np.float64) if cells else np.empty(0)
        except ValueError:
            values = np.array([_number(cell) for cell in cells])
        bad = ~np.isfinite(values)
        if allowed and bad.any():
            bad &= np.array([cell not in allowed for cell in self.columns[column]], dtype=bool)
        if bad.any():
            raise self.fail(int(np.argmax(bad)), column, "is not a finite number")
        return values

    def integers(self, column: str) -> NDArray[np.int64]:
        """Return a column as whole numbers of at most 2**53 in size.

        Raises:
            InvalidInputError: a cell is not a whole number.
        """
        values = self.floats(column)
        bad = (values != np.floor(values)) | (np.abs(values) > 2.0**53)
        if bad.any():
            raise self.fail(int(np.argmax(bad)), column, "is not a whole number")
        return values.astype(np.int64)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def read_csv(path: Path, required: Iterable[str]) -> CsvTable:
    """Read a comma-separated file with a header line; columns beyond the required ones are kept.

    Fields may be quoted and then hold commas and line breaks, as the metadata of Batsim's ``jobs.csv`` do.

    Raises:
        MissingFileError: the file cannot be read.
        InvalidInputError: no header, a required column is missing or doubled, or a row has another number of fields.
    """
    header, rows, lines = _rows(path, read_text(path))
    _check_header(path, header, required)
    width = len(header)
    wrong = next((index for index, row in enumerate(rows) if len(row) != width), None)
    if wrong is not None:
        place = at(path, lines[wrong])
        raise InvalidInputError(f"{place}: {len(rows[wrong])} fields, but the header names {width} columns")
    columns = zip(*rows, strict=True) if rows else ([] for _ in header)
    return CsvTable(path, dict(zip(header, columns, strict=True)), lines)


def _rows(path: Path, text: str) -> tuple[list[str], list[list[str]], Sequence[int]]:
    """Return header, rows that are not empty, and the line on which each of them begins."""
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        header = next(reader, [])
        rows = list(reader)
        if all(rows) and reader.line_num == len(rows) + 1:  # no blank line, no line break inside quotes
            return header, rows, range(2, len(rows) + 2)
        reader = csv.reader(io.StringIO(text, newline=""))
        next(reader, [])
        numbered, before = [], reader.line_num
        for row in reader:
            numbered += [(row, before + 1)] if row else []
            before = reader.line_num
    except csv.Error as error:
        raise InvalidInputError(f"{at(path, reader.line_num)}: not comma-separated text ({error})") from error
    return header, [row for row, _ in numbered], [line for _, line in numbered]


def _check_header(path: Path, header: list[str], required: Iterable[str]) -> None:
    if not header:
        raise InvalidInputError(f"{at(path, 1)}: empty file; a header line with column names is expected")
    for name in required:
        if header.count(name) != 1:
            found = "twice" if name in header else "not"
            raise InvalidInputError(f"{at(path, 1)}: column '{name}' is {found} in the header; Batsim 4 writes it once")
    if len(set(header)) != len(header):
        double = next(name for name in header if header.count(name) > 1)
        raise InvalidInputError(f"{at(path, 1)}: column '{double}' is in the header twice")
