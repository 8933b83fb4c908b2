"""Rows of the store as files: CSV, plain or packed, and Parquet; memory holds a piece at a time."""

from __future__ import annotations

import csv
import gzip
import io
import lzma
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from wattq.errors import MissingFileError, TelemetryError
from wattq.files import plain_name
from wattq.telemetry.extras import need
from wattq.telemetry.store.fields import Table
from wattq.telemetry.store.reading import described
from wattq.telemetry.store.store import Store

__all__ = ["export_rows"]

_PIECE = 5000
Rows = Sequence[dict[str, Any]]


def export_rows(
    store: Store, name: str, out: Path, *, since_s: float | None = None, until_s: float | None = None
) -> int:
    """Write rows of a table, roll-up or view to a file, which appears whole or not at all.

    Dates are Unix seconds (UTC), as everywhere; what is not known is empty.

    Args:
        store: where to read.
        name: table, roll-up or view.
        out: the file; its ending says what to write: ``.csv``, also with ``.gz`` or ``.xz``, or ``.parquet``.
        since_s: begin of the period, Unix seconds.
        until_s: end of the period, not part of it.

    Returns:
        How many rows were written.

    Raises:
        TelemetryError: unknown name or ending, or the file cannot be written.
        MissingDependencyError: Parquet without pyarrow.
    """
    table = described(name)
    ending = Path(plain_name(out)).suffix
    if ending not in _WRITERS or (ending == ".parquet" and plain_name(out) != out.name):
        raise TelemetryError(f"{out}: the ending says what to write; use .csv, .csv.gz, .csv.xz or .parquet")
    with _whole(out) as part, _WRITERS[ending](part, out, table) as put:
        rows = 0
        for piece in store.stream(name, since_s=since_s, until_s=until_s, rows=_PIECE):
            put(piece)
            rows += len(piece)
    return rows


@contextmanager
def _whole(out: Path) -> Iterator[Path]:
    part = out.with_name(out.name + ".part")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        yield part
        part.replace(out)
    except OSError as problem:
        why = problem.strerror or problem
        raise MissingFileError(f"{out}: cannot be written ({why}); choose another place") from None
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


@contextmanager
def _packed(part: Path, out: Path) -> Iterator[IO[bytes] | gzip.GzipFile]:
    with part.open("wb") as plain:
        if out.name.endswith(".gz"):
            # Neither name nor date go into the file: the same rows make the same bytes.
            with gzip.GzipFile(filename="", mode="wb", fileobj=plain, mtime=0) as packed:
                yield packed
        elif out.name.endswith(".xz"):
            with lzma.open(plain, "wb") as packed:
                yield packed
        else:
            yield plain


@contextmanager
def _csv(part: Path, out: Path, table: Table) -> Iterator[Callable[[Rows], None]]:
    with _packed(part, out) as raw, io.TextIOWrapper(raw, encoding="utf-8", newline="") as text:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(table.names)

        def put(rows: Rows) -> None:
            writer.writerows([_cell(row[name]) for name in table.names] for row in rows)

        yield put


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, float) else value


@contextmanager
def _parquet(part: Path, out: Path, table: Table) -> Iterator[Callable[[Rows], None]]:
    arrow = need("pyarrow", "parquet", f"{out}")
    parquet = need("pyarrow.parquet", "parquet", f"{out}")
    kinds = {"time": "float64", "real": "float64", "int": "int64", "text": "string", "bool": "bool_"}
    schema = arrow.schema([(field.name, getattr(arrow, kinds[field.kind])()) for field in table.fields])
    with parquet.ParquetWriter(part, schema) as writer:

        def put(rows: Rows) -> None:
            writer.write_table(arrow.Table.from_pylist(list(rows), schema=schema))

        yield put


_WRITERS: dict[str, Callable[[Path, Path, Table], Any]] = {".csv": _csv, ".parquet": _parquet}
