"""Curves from a file of measurements, whichever it is."""

from __future__ import annotations

from pathlib import Path

from wattq.errors import InvalidInputError, at
from wattq.platforms.measured import archer2, zeus
from wattq.platforms.measured.curve import MeasuredCurves
from wattq.platforms.measured.rows import read_bytes

__all__ = ["is_curve_file", "read_curves"]

_READERS = ((zeus.COLUMNS, zeus.read_zeus), (archer2.COLUMNS, archer2.read_archer2))


def is_curve_file(path: str | Path) -> bool:
    """Return whether the first row of a file names the columns of a known curve file.

    Raises:
        MissingFileError: when the file cannot be read.
        InvalidInputError: when it is damaged.
    """
    header = _header(path)
    return any(set(columns) <= header for columns, _ in _READERS)


def read_curves(path: str | Path) -> MeasuredCurves:
    """Return the curves of a file of measurements, told by its columns.

    Raises:
        MissingFileError: when the file cannot be read.
        InvalidInputError: when it is no known file, or breaks a rule of its format.
    """
    header = _header(path)
    for columns, reader in _READERS:
        if set(columns) <= header:
            return reader(path)
    known = "; ".join(",".join(columns) for columns, _ in _READERS)
    raise InvalidInputError(f"{at(str(path), 1)}: not a curve file; its columns would be {known}")


def _header(path: str | Path) -> set[str]:
    first = read_bytes(path).removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0]
    return {cell.strip().strip('"') for cell in first.decode("utf-8", "replace").split(",")}
