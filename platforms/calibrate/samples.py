"""Telemetry samples as arrays, from the files that loggers write."""

from __future__ import annotations

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wattq.errors import InvalidInputError, at
from wattq.platforms.calibrate.columns import Column, find_columns, parse_number, parse_time
from wattq.platforms.calibrate.counters import add_parts, powers_from_counter
from wattq.platforms.calibrate.sweeps import count_devices
from wattq.platforms.measured.rows import read_bytes

__all__ = ["ReadOptions", "Samples", "read_samples"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ReadOptions:
    """How to read a file of samples.

    Attributes:
        columns: role -> column name, where the names are not known ones.
        devices: number of devices whose rows take turns in a file without a column that names them; told from the
            times when None.
        wrap: value at which the energy counter starts again, in the column's unit; None when it is not known.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    devices: int | None = None
    wrap: float | None = None


@dataclass(frozen=True)
class Samples:
    """Samples of power, in the order of the file.

    Attributes:
        source: the file.
        sha256: digest of its (decompressed) content.
        devices: names of the devices.
        device: index into `devices`, shape (n,).
        time_s: time of each sample, s; NaN without a time column.
        power_w: power, W.
        load: utilisation, 0 to 1; NaN without such a column.
        setting: clock or cap, in `unit`; NaN without such a column.
        rate: work per second, in any unit; NaN without such a column.
        unit: of the setting, ``GHz`` or ``W``; empty without one.
        dropped: rows left out, by reason.
        notes: what else to know about the reading.
    """

    source: str
    sha256: str
    devices: tuple[str, ...]
    device: NDArray[np.int64]
    time_s: Floats
    power_w: Floats
    load: Floats
    setting: Floats
    rate: Floats
    unit: str
    dropped: Mapping[str, int]
    notes: tuple[str, ...]


def read_samples(path: str | Path, options: ReadOptions | None = None) -> Samples:
    """Return the samples of a CSV file, plain, gzip or xz.

    Columns are known by the names that nvidia-smi, RAPL and IPMI loggers give them (`columns.ROLES`). Rows of several
    devices may take turns; parts of a device (RAPL's package and ram) are added; counters become powers.

    Raises:
        MissingFileError: when the file cannot be read.
        InvalidInputError: when it is no table of samples, a cell is no number, a utilisation is not within 0 and 1, or
            it is not clear which device a row belongs to.
    """
    options = options or ReadOptions()
    data = read_bytes(path)
    source = str(path)
    header, rows = _table(data, source)
    columns = find_columns(header, options.columns, source)
    if "power" not in columns and "energy" not in columns:
        rule = "name it with --power COLUMN (or --energy COLUMN for a counter of joules)"
        raise InvalidInputError(f"{at(source, 1)}: no column of power among {', '.join(header)}; {rule}")
    notes: list[str] = []
    table = _filled(_Table(source, header, columns, rows), options, notes)
    return _samples(table, hashlib.sha256(data).hexdigest(), options, notes)


def _table(data: bytes, source: str) -> tuple[list[str], list[tuple[int, list[str]]]]:
    try:
        text = data.decode("utf-8-sig")
        reader = csv.reader(io.StringIO(text, newline=""), strict=True, skipinitialspace=True)
        lines = [(reader.line_num, cells) for cells in reader if cells and not cells[0].startswith("##")]
    except UnicodeDecodeError:
        raise InvalidInputError(f"{at(source)}: not UTF-8 text; give a CSV file") from None
    except csv.Error as error:
        raise InvalidInputError(f"{at(source)}: not CSV ({error})") from None
    if len(lines) < 2:
        raise InvalidInputError(f"{at(source)}: no rows; give a heading and samples below it")
    header = [cell.strip().removeprefix("#") for cell in lines[0][1]]
    for line, cells in lines[1:]:
        if len(cells) != len(header):
            raise InvalidInputError(f"{at(source, line)}: {len(cells)} cells, but {len(header)} columns")
    return header, lines[1:]


@dataclass(frozen=True)
class _Table:
    source: str
    header: list[str]
    columns: dict[str, Column]
    rows: list[tuple[int, list[str]]]

    def texts(self, role: str) -> list[str]:
        index = self.columns[role].index
        return [cells[index].strip() for _, cells in self.rows]

    def numbers(self, role: str) -> Floats:
        if role not in self.columns:
            return np.full(len(self.rows), np.nan)
        column = self.columns[role]
        parse = parse_time if role == "time" else parse_number
        return np.array([parse(cells[column.index], self.source, line, column) for line, cells in self.rows])


def _filled(table: _Table, options: ReadOptions, notes: list[str]) -> _Table:
    """Return the table without empty columns of utilisation, setting or rate: loggers write one for any device.

    One that was named on purpose stays, and is refused where it is needed.
    """
    optional = [role for role in ("load", "setting", "rate") if role in table.columns and role not in options.columns]
    empty = {role: table.columns[role].name for role in optional if np.isnan(table.numbers(role)).all()}
    if empty:
        notes.append(f"empty columns: {', '.join(empty.values())}")
    columns = {role: column for role, column in table.columns.items() if role not in empty}
    return _Table(table.source, table.header, columns, table.rows)


def _samples(table: _Table, digest: str, options: ReadOptions, notes: list[str]) -> Samples:
    dropped: Counter[str] = Counter()
    time = table.numbers("time")
    load, setting, rate = (table.numbers(role) for role in ("load", "setting", "rate"))
    _check_loads(table, load)
    names, device = _devices(table, time, options, notes)
    if "power" in table.columns:
        power = table.numbers("power")
        notes += _ignored(table)
    else:
        step = table.numbers("interval")
        wrap = None if options.wrap is None else options.wrap * table.columns["energy"].scale
        power = powers_from_counter(table.source, table.numbers("energy"), time, step, device, wrap, dropped)
    if "part" in table.columns:
        parts = table.texts("part")
        added = add_parts(table.source, names, device, parts, (time, power, load, setting, rate), notes)
        names, device, (time, power, load, setting, rate) = added
    keep = _keep(power, load, "load" in table.columns, dropped)
    if not keep.any():
        raise InvalidInputError(f"{at(table.source)}: no sample is left ({_counts(dropped)})")
    unit = table.columns["setting"].unit if "setting" in table.columns else ""
    return Samples(
        source=table.source,
        sha256=digest,
        devices=names,
        device=device[keep],
        time_s=time[keep],
        power_w=power[keep],
        load=load[keep],
        setting=setting[keep],
        rate=rate[keep],
        unit=unit,
        dropped=dict(dropped),
        notes=tuple(notes),
    )


def _check_loads(table: _Table, load: Floats) -> None:
    bad = np.flatnonzero((load < 0) | (load > 1.0000001))
    if bad.size:
        line, cells = table.rows[int(bad[0])]
        column = table.columns["load"]
        rule = "a utilisation is a share from 0 to 1, or a percentage where the column's name says pct or %"
        raise InvalidInputError(f"{at(table.source, line)}: {column.name} '{cells[column.index].strip()[:40]}': {rule}")


def _devices(
    table: _Table, time: Floats, options: ReadOptions, notes: list[str]
) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    if "device" in table.columns:
        texts = table.texts("device")
        names = tuple(dict.fromkeys(texts))
        number = {name: i for i, name in enumerate(names)}
        return names, np.array([number[text] for text in texts], np.int64)
    count = options.devices if options.devices is not None else count_devices(time, table.source)
    if not 1 <= count <= 1024:
        raise InvalidInputError(f"--devices {count}: use 1 to 1024")
    if count > 1:
        notes.append(f"rows of {count} devices take turns; the file does not name them")
    return tuple(str(i) for i in range(count)), np.arange(len(time), dtype=np.int64) % count


def _ignored(table: _Table) -> list[str]:
    shared = [name for name in table.header if name.strip().lower() in ("psu_w", "chassis_w", "cpu_w", "mem_w")]
    if not shared:
        return []
    chosen = table.columns["power"].name
    return [f"power is {chosen} alone; {', '.join(shared)}: parts of it or sensors of several nodes, not added"]


def _keep(power: Floats, load: Floats, has_load: bool, dropped: Counter[str]) -> NDArray[np.bool_]:
    missing = np.isnan(power)
    standby = power <= 0
    unloaded = np.isnan(load) & ~missing & ~standby if has_load else np.zeros(len(power), bool)
    for reason, rows in (("no reading", missing), ("0 W or less", standby), ("no utilisation", unloaded)):
        if rows.any():
            dropped[reason] += int(rows.sum())
    keep: NDArray[np.bool_] = ~(missing | standby | unloaded)
    return keep


def _counts(dropped: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in dropped.items())
