"""Samples in a CSV file that grows line by line."""

from __future__ import annotations

import csv
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from wattq.errors import TelemetryError
from wattq.telemetry.loggers.columns import Column, Sample

__all__ = ["CsvSink"]


class CsvSink:
    """A CSV that grows by whole lines, each sample by one write: a killed logger loses nothing that it had written.

    Args:
        path: the file; standard output when None.
        columns: of the rows; the first line names them.
        append: go on with a file that has the same columns; an unfinished last line of it is cut off.

    Raises:
        TelemetryError: the file is there already, has other columns, or cannot be written.
    """

    def __init__(self, path: Path | None, columns: Sequence[Column], *, append: bool = False) -> None:
        self._columns, self._place = columns, "standard output" if path is None else str(path)
        self._file: int | None = None
        self.rows = 0
        header = ",".join(column.name for column in columns) + "\n"
        known = path is not None and append and _whole_lines(path, header)
        if path is not None:
            self._file = _open(path, os.O_APPEND if append else os.O_EXCL)
        if not known:
            self._put(header)

    def write(self, sample: Sample) -> None:
        """Append the rows of a sample."""
        rows = sample.rows()
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        for row in rows:
            writer.writerow([column.text(cell) for column, cell in zip(self._columns, row, strict=True)])
        self._put(text.getvalue())
        self.rows += len(rows)

    def _put(self, text: str) -> None:
        data = memoryview(text.encode())
        try:
            if self._file is None:
                sys.stdout.write(text)
                sys.stdout.flush()
                return
            while data:
                data = data[os.write(self._file, data) :]
        except BrokenPipeError:
            raise
        except OSError as error:
            raise TelemetryError(f"{self._place}: cannot be written ({error.strerror or error})") from None

    def close(self) -> str:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
        return f"{self.rows} rows in {self._place}"


def _open(path: Path, flag: int) -> int:
    if flag == os.O_EXCL and path.exists():
        raise TelemetryError(f"{path}: is there already; name another file, or go on with it by --append")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | flag, 0o666)
    except OSError as error:
        raise TelemetryError(f"{path}: cannot be written ({error.strerror or error}); choose another place") from None


def _whole_lines(path: Path, header: str) -> bool:
    """Cut an unfinished last line off, and return whether the file is there with this first line."""
    try:
        with path.open("r+b") as file:
            first = file.readline(100_000)
            whole = first == header.encode()
            if not whole and (first.endswith(b"\n") or not header.encode().startswith(first)):
                raise TelemetryError(f"{path}: has other columns than {header.strip()}; name another file")
            file.truncate(_end_of_last_line(file, file.seek(0, os.SEEK_END)))
            return whole
    except FileNotFoundError:
        return False
    except OSError as error:
        raise TelemetryError(f"{path}: cannot be appended to ({error.strerror or error})") from None


def _end_of_last_line(file: BinaryIO, size: int) -> int:
    while size > 0:
        step = min(size, 4096)
        file.seek(size - step)
        newline = file.read(step).rfind(b"\n")
        if newline >= 0:
            return size - step + newline + 1
        size -= step
    return 0
