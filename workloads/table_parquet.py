"""Columns of text as Parquet, by pyarrow (the extra ``parquet``)."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

from wattq.errors import MissingDependencyError, WorkloadError

__all__ = ["from_parquet", "to_parquet"]

_MOST_BYTES = 2**31


def to_parquet(columns: Mapping[str, Sequence[str]], metadata: Mapping[bytes, bytes]) -> bytes:
    """Return a Parquet file of text columns (exact to the last digit) with metadata.

    Raises:
        MissingDependencyError: when pyarrow is absent.
    """
    arrow, parquet = _pyarrow()
    arrays = {name: arrow.array(list(values), type=arrow.string()) for name, values in columns.items()}
    table = arrow.table(arrays).replace_schema_metadata(dict(metadata))
    out = io.BytesIO()
    parquet.write_table(table, out, compression="zstd")
    return out.getvalue()


def from_parquet(data: bytes, source: str, most_rows: int) -> tuple[dict[str, list[str]], dict[bytes, bytes]]:
    """Return the text columns and the metadata of a Parquet file.

    Raises:
        MissingDependencyError: when pyarrow is absent.
        WorkloadError: when the file is damaged, too large, or holds anything but text.
    """
    arrow, parquet = _pyarrow()
    try:
        file = parquet.ParquetFile(io.BytesIO(data))
        groups = (file.metadata.row_group(k) for k in range(file.metadata.num_row_groups))
        if file.metadata.num_rows > most_rows or sum(group.total_byte_size for group in groups) > _MOST_BYTES:
            raise WorkloadError(f"{source}: more than {most_rows} rows or {_MOST_BYTES} bytes; split the file")
        table = file.read()
        if not all(arrow.types.is_string(column.type) for column in table.schema):
            raise WorkloadError(f"{source}: columns that are no texts; not a table that wattq wrote, use CSV instead")
        columns = {name: ["" if v is None else v for v in table[name].to_pylist()] for name in table.column_names}
        return columns, dict(table.schema.metadata or {})
    except (arrow.ArrowException, OSError, KeyError, ValueError, OverflowError, MemoryError) as error:
        if isinstance(error, WorkloadError):
            raise
        why = " ".join(str(error).split())[:200]
        raise WorkloadError(f"{source}: damaged Parquet data ({why}); fetch or write the file again") from None


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise MissingDependencyError(
            "Parquet files need pyarrow; install the extra 'parquet' (pip install 'wattq[parquet]') or use CSV"
        ) from None
    return pyarrow, pyarrow.parquet
