"""Which column of a telemetry file is what, and how its cells read."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from wattq.errors import InvalidInputError, at

__all__ = ["ROLES", "Column", "find_columns", "parse_number", "parse_time"]

ROLES: Mapping[str, tuple[str, ...]] = {
    "time": ("time_s", "timestamp", "timestamp_utc", "ts", "time", "t_s"),
    "interval": ("interval_s", "interval", "dt_s"),
    "power": ("power_w", "power.draw", "power.draw.instant", "power", "watts", "node_power_w", "sys_w"),
    "energy": ("energy_j", "energy_uj", "energy_mj", "total_energy_mj", "energy"),
    "load": (
        "utilisation",
        "utilization",
        "util",
        "load",
        "gpu_util_pct",
        "utilization.gpu",
        "cpu_util_pct",
        "cpu_percent",
        "cpu_util",
    ),
    "device": ("gpu_index", "index", "device", "node", "host", "hostname", "gpu", "uuid", "pci.bus_id", "socket"),
    "part": ("domain",),
    "setting": (
        "cap_w",
        "power_limit_w",
        "power.limit",
        "power_limit",
        "frequency_ghz",
        "frequency_mhz",
        "clock_mhz",
        "clocks.sm",
        "clocks.current.sm",
    ),
    "rate": ("rate", "throughput", "work_per_s", "speed"),
}
"""Names of columns by what they hold; a unit in brackets behind a name does not count."""

NO_READING = {"", "n/a", "na", "nan", "null", "none", "-", "no reading", "not supported", "unknown error", "disabled"}

_SMALLEST, _LARGEST = 1e-12, 1e15

_UNIT = re.compile(r"\s*\[([^\]]*)\]\s*$")
_NUMBER = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(%|W|mW|MHz|GHz|MiB|C|J)?")


@dataclass(frozen=True)
class Column:
    """A column: its place, its name in the file, and what its numbers are multiplied by."""

    index: int
    name: str
    scale: float = 1.0
    unit: str = ""


def find_columns(header: Sequence[str], chosen: Mapping[str, str], source: str) -> dict[str, Column]:
    """Return the column of each role that the file has.

    Args:
        header: first row of the file.
        chosen: role -> name of the column that has it, over the known names.
        source: for messages.

    Raises:
        InvalidInputError: when a chosen column does not exist, or two columns have one name.
    """
    plain = [_UNIT.sub("", name).strip().lower() for name in header]
    columns = {}
    for role, names in ROLES.items():
        if role in chosen:
            wanted = chosen[role].strip().lower()
            found = [i for i, name in enumerate(header) if wanted in (name.strip().lower(), plain[i])]
            if len(found) != 1:
                count = "no such column" if not found else "several such columns"
                raise InvalidInputError(f"{at(source, 1)}: --{role} '{chosen[role]}': {count} in {', '.join(header)}")
        else:
            found = [plain.index(name) for name in names if name in plain]
        if found:
            columns[role] = _column(found[0], header[found[0]], role)
    return columns


def _column(index: int, name: str, role: str) -> Column:
    bracket = _UNIT.search(name)
    words = set(re.split(r"[^a-z%]+", name.lower()))
    unit = bracket[1].strip().lower() if bracket else ""
    if role == "load":
        percent = "%" in unit or bool(words & {"%", "pct", "percent"}) or name.strip().lower() == "utilization.gpu"
        return Column(index, name, 0.01 if percent else 1.0)
    if role == "energy":
        prefix = {"energy_uj": 1e-6, "energy_mj": 1e-3, "total_energy_mj": 1e-3}.get(name.strip().lower(), 1.0)
        return Column(index, name, {"mj": 1e-3, "uj": 1e-6}.get(unit, prefix))
    if role == "power":
        return Column(index, name, 1e-3 if unit == "mw" else 1.0)
    if role == "setting":
        return _setting(index, name, unit, words)
    return Column(index, name)


def _setting(index: int, name: str, unit: str, words: set[str]) -> Column:
    if "ghz" in words or unit == "ghz":
        return Column(index, name, 1.0, "GHz")
    if "mhz" in words or unit == "mhz" or name.lower().startswith("clock"):
        return Column(index, name, 1e-3, "GHz")
    return Column(index, name, 1.0, "W")


def parse_number(cell: str, source: str, line: int, column: Column) -> float:
    """Return a cell in the unit of its role; NaN when the sensor gave no reading.

    Raises:
        InvalidInputError: when the cell is neither a number nor one of the words for a missing one.
    """
    text = cell.strip().strip("[]").strip()
    match = _NUMBER.fullmatch(text)
    if match is None:
        if text.lower() in NO_READING:
            return math.nan
        rule = "it must be a number, or a word such as 'N/A' where the sensor gave none"
        raise InvalidInputError(f"{at(source, line)}: {column.name} '{cell[:40]}': {rule}")
    value = float(match[1])
    value = 0.0 if abs(value) < _SMALLEST else value
    if abs(value) > _LARGEST:
        raise InvalidInputError(f"{at(source, line)}: {column.name} '{cell[:40]}': too large a number")
    if match[2] == "%" and column.scale == 1.0:
        return value * 0.01
    return value * column.scale


def parse_time(cell: str, source: str, line: int, column: Column) -> float:
    """Return a time in seconds: a plain number, or a date (without a zone: UTC).

    Raises:
        InvalidInputError: when the cell is neither.
    """
    text = cell.strip()
    if _NUMBER.fullmatch(text) or text.lower() in NO_READING:
        return parse_number(text, source, line, column)
    iso = text.replace("/", "-").replace(" UTC", "+00:00")
    try:
        date = datetime.fromisoformat(iso)
    except ValueError:
        rule = "write seconds, or a date as 2025-05-30T13:34:01Z"
        raise InvalidInputError(f"{at(source, line)}: {column.name} '{cell[:40]}': not a time; {rule}") from None
    try:
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (OverflowError, ValueError):
        raise InvalidInputError(f"{at(source, line)}: {column.name} '{cell[:40]}': a date out of range") from None
