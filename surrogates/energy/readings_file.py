"""Readings of power from the files of loggers: wattq's own tables, CSV or Parquet, and those that others write."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
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
_ENERGIES = ("energy_counter_j", "energy_j")
_SOURCES = ("meter", "power_meter", "power_source", "source")
_DOMAIN = re.compile(r"(package|dram|psys)[-\w]*_[jw]")
_PARQUET = b"PAR1"
_MOST_ROWS = 50_000_000
_LARGEST, _LATEST_S = 2.0**53 - 1, 1e12
_CHUNK = 2**24
_RULE = "a number of 0 or more, or nothing"


def read_readings(path: str | Path, *, node: str | None = None, options: ReadOptions | None = None) -> Readings:
    """Return the readings of a file of power samples.

    Known are the logs of wattq's loggers (``ts``, and ``energy_counter_j``, which grows), the store's tables of power
    samples and nodes (time, node_id, device, power_w or power_consumption_watts, energy_j since the reading before,
    meter), as CSV or Parquet, and the CSV files that `wattq.platforms.calibrate.read_samples` reads (nvidia-smi, RAPL,
    IPMI). Rows whose power was modelled are left out and counted: they measure nothing.

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
    has_power = names & {*_POWERS, *_ENERGIES}
    if names & set(_TIMES) and has_power and names & {"ts", "node_id", "meter", "power_source"}:
        quick = _quick_columns(data, first)
        return _of_columns(quick, node, source, sha256_hex(data)) if quick else _of_table(read_csv(data, source), node)
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


@dataclass(frozen=True)
class _Columns:
    """The columns of a table of wattq that count; texts are empty where the table has none."""

    names: frozenset[str]
    time_s: NDArray[np.float64]
    power_w: NDArray[np.float64]
    energy_j: NDArray[np.float64]
    node: Sequence[str]
    device: Sequence[str]
    origin: Sequence[str]


def _of_table(table: TextTable, node: str | None) -> Readings:
    """Return the readings of a table, whose cells are checked one by one."""
    time, power, energy = (_first(table.columns, names) for names in (_TIMES, _POWERS, _ENERGIES))
    if not time or not (power or energy):
        table.require("time", "power_w", what="power is aligned to windows by time")
    dates = zip(table.column(time).tolist(), table.lines.tolist(), strict=True)
    columns = _Columns(
        names=frozenset(table.columns),
        time_s=np.array([parse_time(text, table.source, line, Column(0, time)) for text, line in dates]),
        power_w=table.convert(power, amount, _RULE) if power else np.full(table.n_rows, np.nan),
        energy_j=table.convert(energy, amount, _RULE),
        node=table.column(_first(table.columns, _NODES)).tolist(),
        device=table.column("gpu_index" if "gpu_index" in table.columns else "device").tolist(),
        origin=table.column(_first(table.columns, _SOURCES)).tolist(),
    )
    return _of_columns(columns, node, table.source, table.sha256)


def _of_columns(columns: _Columns, node: str | None, source: str, sha256: str) -> Readings:
    names, count = columns.names, len(columns.time_s)
    named = _first(names, _NODES)
    if named and node is not None:
        raise SurrogateError(f"{source}: names its nodes itself; leave the name of the node out")
    modelled = np.array([text.lower() in MODELLED for text in columns.origin], dtype=bool)
    if count and modelled.all():
        raise SurrogateError(f"{source}: no measured power among {count} rows; joules are not made up")
    devices = _device_names(columns)
    nodes = columns.node if named else [node] * count if node else devices
    energy = columns.energy_j
    if "energy_counter_j" in names:
        keys = zip(nodes, devices, columns.origin, strict=True)
        energy = _steps(keys, columns.time_s, np.where(modelled, np.nan, energy))
    says = _first(names, _SOURCES) in ("meter", "power_meter")
    rows = np.flatnonzero(~modelled).tolist()
    return Readings(
        node=[nodes[row] for row in rows],
        device=[devices[row] for row in rows] if named or node else [""] * len(rows),
        time_s=columns.time_s[rows],
        power_w=columns.power_w[rows],
        energy_j=energy[rows],
        meter=[columns.origin[row] for row in rows] if says else [_meter(names)] * len(rows),
        source=source,
        sha256=sha256,
        notes=_left_out(count - len(rows), source),
    )


def _meter(names: frozenset[str]) -> str:
    """Return what read a log of wattq that does not say so, by its columns."""
    if "ts" not in names:
        return ""
    return "nvml" if "gpu_index" in names else "rapl" if _has_domains(names) else ""


def _has_domains(names: frozenset[str]) -> bool:
    return any(_DOMAIN.fullmatch(name) for name in names)


def _device_names(columns: _Columns) -> Sequence[str]:
    if "gpu_index" in columns.names:
        known = {text: f"gpu{text}" for text in set(columns.device)}
        return [known[text] for text in columns.device]
    if "device" not in columns.names and _has_domains(columns.names):
        return ["rapl"] * len(columns.time_s)
    return columns.device


def _quick_columns(data: bytes, first: str) -> _Columns | None:
    """Return the columns of a plain table of numbers; None where a cell needs a closer look.

    A day of ten samples a second has millions of rows; reading all of their cells one by one takes gigabytes.
    """
    import pandas as pd

    header = [cell.strip().lower() for cell in first.rstrip("\r").split(",")]
    if not all(header) or len(set(header)) < len(header) or not _is_regular(data, len(header)):
        return None
    numbers = [name for name in _three(header) if name]
    device = "gpu_index" if "gpu_index" in header else "device"
    texts = [name for name in (_first(header, _NODES), device, _first(header, _SOURCES)) if name in header]
    kinds = dict.fromkeys(numbers, np.float64) | dict.fromkeys(texts, str)
    try:
        frame = pd.read_csv(
            io.BytesIO(data), names=header, header=0, usecols=[*numbers, *texts], dtype=kinds, na_values=[""],
            keep_default_na=False, encoding="utf-8-sig",
        )  # fmt: skip
    except (ValueError, OverflowError):  # a cell that is no number, or no text at all
        return None
    none = np.full(len(frame), np.nan)
    time, power, energy = (frame[name].to_numpy() if name in header else none for name in _three(header))
    if not ((np.abs(time) <= _LATEST_S).all() and _plain(power) and _plain(energy)):
        return None
    node, devices, origin = (_words(frame, name) for name in (_first(header, _NODES), device, _first(header, _SOURCES)))
    return _Columns(frozenset(header), time, power, energy, node, devices, origin)


def _three(header: Sequence[str]) -> tuple[str, str, str]:
    return _first(header, _TIMES), _first(header, _POWERS), _first(header, _ENERGIES)


def _is_regular(data: bytes, width: int) -> bool:
    """Return whether every line has as many plain cells as the first; pandas pads and cuts others in silence."""
    if any(sign in data for sign in (b'"', b"\0", b"\r", b"\n\n")) or not data.endswith(b"\n"):
        return False
    begin = 0
    while begin < len(data):
        end = len(data) if begin + _CHUNK >= len(data) else data.rindex(b"\n", begin, begin + _CHUNK) + 1
        signs = np.frombuffer(data, dtype=np.uint8, count=end - begin, offset=begin)
        commas = np.searchsorted(np.flatnonzero(signs == ord(",")), np.flatnonzero(signs == ord("\n")))
        if not (np.diff(commas, prepend=0) == width - 1).all():
            return False
        begin = end
    return True


def _plain(values: NDArray[np.float64]) -> bool:
    known = values[~np.isnan(values)]
    return bool(((known >= 0.0) & (known <= _LARGEST)).all())


def _words(frame: Any, name: str) -> list[str]:
    import pandas as pd

    if name not in frame:
        return [""] * len(frame)
    codes, words = pd.factorize(frame[name])
    known = [*(str(word).strip() for word in words), ""]
    return [known[code] for code in codes.tolist()]


def _steps(
    keys: Iterable[tuple[str, str, str]], time_s: NDArray[np.float64], counter_j: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return how far each counter went since its reading before; NaN beside one that failed.

    A counter is told by node, device and meter: where the meter changes, another count begins.
    """
    steps = np.full(len(time_s), np.nan)
    own_rows: dict[tuple[str, str, str], list[int]] = {}
    for row, key in enumerate(keys):
        own_rows.setdefault(key, []).append(row)
    for own in own_rows.values():
        rows = np.array(own)[np.argsort(time_s[own], kind="stable")]
        step = np.diff(counter_j[rows])
        steps[rows[1:]] = np.where(step >= 0.0, step, np.nan)
    return steps


def _first(columns: Iterable[str], names: Sequence[str]) -> str:
    known = set(columns)
    return next((name for name in names if name in known), "")


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
