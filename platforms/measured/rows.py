"""Rows of a CSV file of measurements."""

from __future__ import annotations

import csv
import io
import lzma
import math
import zlib
from collections.abc import Iterable
from pathlib import Path

from wattq.errors import InvalidInputError, MissingFileError, at

__all__ = ["MAX_BYTES", "number", "read_bytes", "read_rows"]

MAX_BYTES = 2**26
"""Largest file of measurements that is read, decompressed (64 MiB)."""


def read_bytes(path: str | Path) -> bytes:
    """Return the content of a file, plain, gzip or xz (told by its first bytes).

    Raises:
        MissingFileError: when it cannot be read.
        InvalidInputError: when it is damaged, or larger than `MAX_BYTES`.
    """
    try:
        with Path(path).open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise MissingFileError(f"{path}: cannot read the measurements ({error.strerror or error})") from None
    try:
        data = _decompressed(data)
    except (lzma.LZMAError, zlib.error, EOFError) as error:
        raise InvalidInputError(f"{at(str(path))}: damaged compressed file ({error})") from None
    if len(data) > MAX_BYTES:
        raise InvalidInputError(f"{at(str(path))}: more than {MAX_BYTES} bytes; give a shorter series")
    return data


def _decompressed(data: bytes) -> bytes:
    if data.startswith(b"\x1f\x8b"):
        unzip = zlib.decompressobj(31)
        out = unzip.decompress(data, MAX_BYTES + 1)
        ended = unzip.eof
    elif data.startswith(b"\xfd7zXZ\x00"):
        unxz = lzma.LZMADecompressor(memlimit=2**28)
        out = unxz.decompress(data, MAX_BYTES + 1)
        ended = unxz.eof
    else:
        return data
    if not ended and len(out) <= MAX_BYTES:
        raise EOFError("it ends too early")
    return out


def read_rows(path: str | Path, columns: Iterable[str]) -> tuple[bytes, list[tuple[int, dict[str, str]]]]:
    """Return the content of a CSV file, and its rows with their line numbers; cells without blanks around them.

    Raises:
        MissingFileError: when the file cannot be read.
        InvalidInputError: when it is not UTF-8, not CSV, or lacks a column.
    """
    data = read_bytes(path)
    try:
        reader = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
        table = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader if cells]
    except UnicodeDecodeError:
        raise InvalidInputError(f"{at(str(path))}: not UTF-8 text; give a CSV file") from None
    except csv.Error as error:
        raise InvalidInputError(f"{at(str(path))}: not CSV ({error})") from None
    header = table[0][1] if table else []
    missing = [name for name in columns if name not in header]
    if missing:
        raise InvalidInputError(f"{at(str(path), 1)}: no column {', '.join(missing)}; there are {', '.join(header)}")
    rows = []
    for line, cells in table[1:]:
        if len(cells) != len(header):
            raise InvalidInputError(f"{at(str(path), line)}: {len(cells)} cells, but {len(header)} columns")
        rows.append((line, dict(zip(header, cells, strict=True))))
    return data, rows


def number(path: str, line: int, key: str, text: str, *, least: float = -math.inf) -> float:
    """Return a cell as a number that is 0 or of a magnitude from 1e-9 to 1e15.

    Raises:
        InvalidInputError: when it is none, or below `least`.
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    # Squares and ratios of what is measured stay ordinary numbers within these bounds.
    if not (value == 0 or 1e-9 <= abs(value) <= 1e15) or value < least:
        rule = "a number of at most 1e15" if least == -math.inf else f"a number from {least:g} on"
        raise InvalidInputError(f"{at(path, line)}: {key} '{text[:40]}': it must be {rule}")
    return value
