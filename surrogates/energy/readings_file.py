"""Readings of power from the files of loggers: wattq's own tables, CSV or Parquet, and those that others write."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattq.errors import MissingDependencyError, SurrogateError
from wattq.files import read_plain, sha256_hex
from wattq.platforms.calibrate.columns import Column, find_columns, parse_time
from wattq.platforms.calibrate.samples import ReadOptions, Samples, read_samples
from wattq.surrogates.energy.readings import Readings
from wattq.workloads.text_table import TextTable, amount, read_csv, table_of

__all__ = ["MODELLED", "read_readings", "readings_of_rows", "readings_of_samples"]

MODELLED = frozenset(("model", "modelled", "synthetic"))
"""What a meter or a source of power is called that measured nothing."""

_TIMES = ("ts", "time", "time_s", "timestamp", "timestamp_utc")
_NODES = ("node_id", "node", "host", "hostname")
_POWERS = ("power_w", "power_consumption_watts")
_SOURCES = ("meter", "power_meter", "power_source", "source")
_DOMAIN = re.compile(r"(package|dram|psys)[-\w]*_[jw]")
_PARQUET = b"PAR1"
_MOST_ROWS = 50_000_000
_RULE = "a number of 0 or more, or nothing"


def read_readings(path: str | Path, *, node: str | None = None, options: ReadOptions | None = None) -> Readings:
    """Return the readings of a file of power samples.

    Known are the logs of wattq's loggers (``ts`` and a counter ``energy_j``), the store's tables of power samples and
    nodes (time, node_id, device, power_w or power_consumption_watts, energy_j since the reading before, meter), as CSV
    or Parquet, and the CSV files that `wattq.platforms.calibrate.read_samples` reads (nvidia-smi, RAPL, IPMI). Rows
    whose power was modelled are left out and counted: they measure nothing.

    Args:
        path: the file, CSV also packed as ``.gz`` or ``.xz``.
        node: name of the node of a file that names none; without it, each device counts as a node of its own.
        options: for files that `read_samples` reads.

    Raises:
        MissingFileError: when it cannot be read.
        InvalidInputError: when it breaks its format; the message names line and column.
        MissingDependencyError: for Parquet without pyarrow.
    """
    source, data = str(path), read_plain(path)
    if data.startswith(_PARQUET):
        return _of_table(_parquet_table(data, source), node)
    first = data[:4096].removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0].decode("utf-8", "replace")
    names = {cell.strip().lower() for cell in first.split(",")}
    has_power = names & set(_POWERS) or "energy_j" in names
    if names & set(_TIMES) and has_power and names & {"ts", "node_id", "meter", "power_source"}:
        return _of_table(read_csv(data, source), node)
    return _of_logger(path, first, node, options or ReadOptions())


def _of_logger(path: str | Path, first: str, node: str | None, options: ReadOptions) -> Readings:
    samples = read_samples(path, options)
    header = [cell.strip().removeprefix("#") for cell in first.split(",")]
    columns = find_columns(header, options.columns, samples.source)
    named = [name for name in header if name.strip().lower() in _NODES]
    device = columns["device"].name if "device" in columns else ""
    if named and device not in named:
        raise SurrogateError(
            f"{samples.source}: names nodes in '{named[0]}' and devices in '{device}'; rename the columns to node_id, "
            "device, time and power_w"
        )
    return readings_of_samples(samples, node, names_nodes=bool(named), counted="power" not in columns)


def readings_of_samples(
    samples: Samples, node: str | None = None, *, names_nodes: bool = False, counted: bool = False
) -> Readings:
    """Return samples as readings: devices are nodes of their own, or with `node` parts of that one.

    Args:
        samples: as `read_samples` gives them.
        node: the node that all devices belong to.
        names_nodes: whether the devices are nodes.
        counted: whether power was made of a counter, as the mean since the sample before; then that energy counts.

    Raises:
        SurrogateError: when the samples have no times, or name nodes and `node` is given, too.
    """
    if np.isnan(samples.time_s).any():
        raise SurrogateError(f"{samples.source}: samples without times; power is aligned to windows by time")
    if names_nodes and node is not None:
        raise SurrogateError(f"{samples.source}: names its nodes itself; leave the name of the node out")
    devices = [samples.devices[number] for number in samples.device.tolist()]
    count = len(devices)
    spent = _spent(samples) if counted else np.full(count, np.nan)
    dropped = [f"{samples.source}: {number} rows left out: {why}" for why, number in samples.dropped.items()]
    return Readings(
        node=devices if node is None else [node] * count,
        device=[""] * count if node is None else devices,
        time_s=samples.time_s,
        power_w=samples.power_w,
        energy_j=spent,
        meter=[""] * count,
        source=samples.source,
        sha256=samples.sha256,
        notes=(*samples.notes, *dropped),
    )


def _spent(samples: Samples) -> NDArray[np.float64]:
    spent = np.full(len(samples.power_w), np.nan)
    for number in range(len(samples.devices)):
        rows = np.flatnonzero(samples.device == number)
        spent[rows[1:]] = samples.power_w[rows[1:]] * np.diff(samples.time_s[rows])
    return spent


def readings_of_rows(rows: Sequence[Mapping[str, object]], source: str) -> Readings:
    """Return the readings of rows of a store, of its table power_samples or node_metrics."""
    kept = [row for row in rows if str(row.get("meter") or row.get("power_source") or "").lower() not in MODELLED]
    power = [row.get("power_w", row.get("power_consumption_watts")) for row in kept]
    return Readings(
        node=[str(row.get("node_id") or "") for row in kept],
        device=[str(row.get("device") or "") for row in kept],
        time_s=_numbers([row.get("time") for row in kept]),
        power_w=_numbers(power),
        energy_j=_numbers([row.get("energy_j") for row in kept]),
        meter=[str(row.get("meter") or ("node" if row.get("power_source") else "")) for row in kept],
        source=source,
        notes=_left_out(len(rows) - len(kept), source),
    )


def _left_out(modelled: int, source: str) -> tuple[str, ...]:
    return (f"{source}: {modelled} rows left out: their power was modelled, not measured",) if modelled else ()


def _numbers(values: Sequence[object]) -> NDArray[np.float64]:
    return np.array([float(v) if isinstance(v, int | float) else np.nan for v in values], dtype=np.float64)


def _of_table(table: TextTable, node: str | None) -> Readings:
    time, where, power, origin = (_first(table, names) for names in (_TIMES, _NODES, _POWERS, _SOURCES))
    if not time or not (power or "energy_j" in table.columns):
        table.require("time", "power_w", what="power is aligned to windows by time")
    if where and node is not None:
        raise SurrogateError(f"{table.source}: names its nodes itself; leave the name of the node out")
    sources = [text.lower() for text in table.column(origin).tolist()]
    measured = np.array([text not in MODELLED for text in sources], dtype=bool)
    kept = table.select(measured)
    if not kept.n_rows:
        raise SurrogateError(f"{table.source}: no measured power among {table.n_rows} rows; joules are not made up")
    dates = zip(kept.column(time).tolist(), kept.lines.tolist(), strict=True)
    time_s = np.array([parse_time(text, table.source, line, Column(0, time)) for text, line in dates])
    devices = _device_names(kept)
    names = kept.column(where).tolist() if where else [node] * kept.n_rows if node else devices
    energy = kept.convert("energy_j", amount, _RULE)
    return Readings(
        node=names,
        device=devices if where or node else [""] * kept.n_rows,
        time_s=time_s,
        power_w=kept.convert(power, amount, _RULE) if power else np.full(kept.n_rows, np.nan),
        energy_j=_steps(names, devices, time_s, energy) if time == "ts" else energy,
        meter=kept.column(origin).tolist() if origin in ("meter", "power_meter") else [_meter(kept)] * kept.n_rows,
        source=table.source,
        sha256=table.sha256,
        notes=_left_out(int((~measured).sum()), table.source),
    )


def _meter(table: TextTable) -> str:
    """Return what read a log of wattq that does not say so, by its columns."""
    if "ts" not in table.columns:
        return ""
    return "nvml" if "gpu_index" in table.columns else "rapl" if _has_domains(table) else ""


def _has_domains(table: TextTable) -> bool:
    return any(_DOMAIN.fullmatch(name) for name in table.columns)


def _device_names(table: TextTable) -> list[str]:
    if "gpu_index" in table.columns:
        return [f"gpu{text}" for text in table.column("gpu_index").tolist()]
    if "device" not in table.columns and _has_domains(table):
        return ["rapl"] * table.n_rows
    return [str(text) for text in table.column("device").tolist()]


def _steps(
    nodes: Sequence[str], devices: Sequence[str], time_s: NDArray[np.float64], counter_j: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return how far the counter of each device went since its reading before; NaN beside one that failed."""
    steps = np.full(len(time_s), np.nan)
    keys: dict[tuple[str, str], list[int]] = {}
    for row, key in enumerate(zip(nodes, devices, strict=True)):
        keys.setdefault(key, []).append(row)
    for own in keys.values():
        rows = np.array(own)[np.argsort(time_s[own], kind="stable")]
        step = np.diff(counter_j[rows])
        steps[rows[1:]] = np.where(step >= 0.0, step, np.nan)
    return steps


def _first(table: TextTable, names: Sequence[str]) -> str:
    return next((name for name in names if name in table.columns), "")


def _parquet_table(data: bytes, source: str) -> TextTable:
    """Return a Parquet file of any columns as texts; numbers are written so that they read back the same."""
    try:
        import pyarrow as arrow
        import pyarrow.parquet as parquet
    except ImportError:
        raise MissingDependencyError(
            f"{source}: Parquet files need pyarrow; install the extra 'parquet' (pip install 'wattq[parquet]')"
        ) from None
    try:
        file = parquet.ParquetFile(io.BytesIO(data))
        if file.metadata.num_rows > _MOST_ROWS:
            raise SurrogateError(f"{source}: {file.metadata.num_rows} rows; split the file")
        table = file.read()
        columns = {name.strip().lower(): [_text(v) for v in table[name].to_pylist()] for name in table.column_names}
    except (arrow.ArrowException, OSError, KeyError, ValueError, OverflowError, MemoryError) as error:
        if isinstance(error, SurrogateError):
            raise
        why = " ".join(str(error).split())[:200]
        raise SurrogateError(f"{source}: damaged Parquet data ({why}); fetch or write the file again") from None
    rows = list(zip(*columns.values(), strict=True))
    return table_of(source, sha256_hex(data), tuple(columns), rows, range(1, len(rows) + 1))


def _text(value: Any) -> str:
    return "" if value is None or value != value else value.isoformat() if hasattr(value, "isoformat") else str(value)
