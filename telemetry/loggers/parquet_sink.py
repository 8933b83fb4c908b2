"""Samples in a Parquet file."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from wattq.errors import TelemetryError
from wattq.telemetry.extras import need
from wattq.telemetry.loggers.columns import Cell, Column, Row, Sample

__all__ = ["ParquetSink"]


class ParquetSink:
    """A Parquet file in groups of rows, which appears whole when the logger ends, also by SIGTERM.

    Args:
        path: the file.
        columns: of the rows: numbers as float64, counts as int64, words as strings.
        group: rows per group, all that memory holds.

    Raises:
        TelemetryError: the file is there already, or cannot be written.
        MissingDependencyError: pyarrow is not installed.
    """

    def __init__(self, path: Path, columns: Sequence[Column], *, group: int = 4096) -> None:
        self._arrow = need("pyarrow", "parquet", f"{path}")
        parquet = need("pyarrow.parquet", "parquet", f"{path}")
        if path.exists():
            raise TelemetryError(f"{path}: is there already; a Parquet file cannot grow, name another one")
        kinds = {"number": self._arrow.float64(), "whole": self._arrow.int64(), "text": self._arrow.string()}
        self._columns = columns
        self._schema = self._arrow.schema([(column.name, kinds[column.kind]) for column in columns])
        self._path, self._part, self._group = path, path.with_name(path.name + ".part"), group
        self._waiting: list[Row] = []
        self.rows = 0
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = parquet.ParquetWriter(self._part, self._schema)
        except OSError as error:
            raise TelemetryError(f"{path}: cannot be written ({error.strerror or error})") from None

    def write(self, sample: Sample) -> None:
        """Take the rows of a sample; full groups go to disk."""
        self._waiting += sample.rows()
        if len(self._waiting) >= self._group:
            self._flush()

    def _flush(self) -> None:
        cells = zip(self._columns, zip(*self._waiting, strict=True), strict=True)
        lists = [[_whole(cell) for cell in each] if column.kind == "whole" else each for column, each in cells]
        arrays = [self._arrow.array(each, kind) for each, kind in zip(lists, self._schema.types, strict=True)]
        try:
            self._writer.write_table(self._arrow.Table.from_arrays(arrays, schema=self._schema))
        except OSError as error:
            raise TelemetryError(f"{self._part}: cannot be written ({error.strerror or error})") from None
        self.rows += len(self._waiting)
        self._waiting = []

    def close(self) -> str:
        """Write what waits, end the file, and give it its name."""
        try:
            if self._waiting:
                self._flush()
        finally:
            with suppress(OSError):
                self._writer.close()
        self._part.replace(self._path)
        return f"{self.rows} rows in {self._path}"


def _whole(cell: Cell) -> int | None:
    return round(cell) if isinstance(cell, float | int) else None
