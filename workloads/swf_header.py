"""The header of an SWF log: ``; Key: value`` lines with free blanks, repeats and continuations."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from wattq.workloads.zones import find_zone

__all__ = ["GENERATED_NOTE", "SwfHeader", "first_integer", "parse_header", "zone_offset_s"]

_KEYS = (
    *("Version", "Computer", "Installation", "Acknowledge", "Information", "Conversion", "Copyright", "Note"),
    *("MaxJobs", "MaxRecords", "Preemption", "UnixStartTime", "TimeZone", "TimeZoneString", "StartTime", "EndTime"),
    *("MaxNodes", "MaxProcs", "MaxRuntime", "MaxMemory", "AllowOveruse"),
    *("MaxQueues", "Queues", "Queue", "MaxPartitions", "Partitions", "Partition"),
)
_KNOWN = {key.lower(): key for key in _KEYS}
_FIELD = re.compile(r"\s*([A-Za-z][A-Za-z0-9_ ]*?)\s*:\s*(.*)", re.DOTALL)
_LARGEST = 2**53


GENERATED_NOTE = "generated, not logged"
"""The note that marks a file of generated jobs."""


@dataclass(frozen=True)
class SwfHeader:
    """What the header of a log says.

    Attributes:
        fields: key -> values in file order; continuation lines are joined to their value by a newline.
        unknown: keys that the format does not define, as written.
    """

    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()

    def integer(self, key: str) -> int | None:
        """Return the first integer of a key's first value, or None (missing, ``N/A``, -1)."""
        values = self.fields.get(key, ())
        value = first_integer(values[0]) if values else None
        return value if value is not None and value >= 0 else None

    def text(self, key: str) -> str:
        """Return a key's first value, or an empty text."""
        return self.fields.get(key, ("",))[0]

    @property
    def synthetic(self) -> bool:
        """Whether the file says that its jobs were generated."""
        return GENERATED_NOTE in self.fields.get("Note", ())

    @property
    def max_procs(self) -> int | None:
        """Processors of the machine (MaxProcs, else MaxNodes)."""
        return self.integer("MaxProcs") or self.integer("MaxNodes") or None

    @property
    def max_nodes(self) -> int | None:
        """Nodes of the machine."""
        return self.integer("MaxNodes") or None

    def utc_offset_s(self) -> tuple[float | None, str | None]:
        """Return the site's offset from UTC at date 0, and a warning where the header is in doubt.

        TimeZoneString names the zone and wins, because TimeZone is known to be wrong in several logs.
        """
        stated = self.text("TimeZone").strip()
        number = float(stated) if re.fullmatch(r"[+-]?\d{1,6}", stated) else None
        named = zone_offset_s(self.text("TimeZoneString").strip(), self.integer("UnixStartTime"))
        if named is None:
            doubt = "TimeZone is the only word on the time zone, and it is wrong in several logs"
            return number, None if number is None else f"header: {doubt}; hours of the day may be shifted"
        if number is not None and number != named:
            zone = self.text("TimeZoneString").strip()
            return named, f"header: TimeZone is {number:.0f} s but {zone} was at {named:.0f} s then; {zone} is used"
        return named, None


def first_integer(text: str) -> int | None:
    """Return the integer at the start of a text such as ``1664 (72, 1368, 224)``, or None."""
    match = re.match(r"\s*([+-]?\d{1,16})(?!\d)", text, re.ASCII)
    value = int(match.group(1)) if match else None
    return value if value is not None and abs(value) <= _LARGEST else None


def zone_offset_s(zone: str, unix_start_s: int | None) -> float | None:
    """Return the offset from UTC of a zone (IANA name) at a Unix time, s; None where either is unknown."""
    found = find_zone(zone)
    if found is None or unix_start_s is None:
        return None
    try:
        when = datetime.fromtimestamp(unix_start_s, UTC).astimezone(found)
    except (ValueError, OverflowError, OSError):
        return None
    offset = when.utcoffset() or timedelta(0)
    return offset.total_seconds()


def parse_header(comments: list[str]) -> SwfHeader:
    """Return the header from the comment lines of a log, given without their leading semicolon."""
    fields: dict[str, list[str]] = {}
    unknown: list[str] = []
    current: str | None = None
    for comment in comments:
        line = comment.rstrip()
        match = _FIELD.fullmatch(line)
        key = _KNOWN.get(match.group(1).replace(" ", "").lower()) if match else None
        if match and key:
            fields.setdefault(key, []).append(match.group(2).strip())
        elif match and not match.group(2).startswith("//") and not line.startswith("  "):
            key = match.group(1)
            unknown.append(key)
            fields.setdefault(key, []).append(match.group(2).strip())
        elif current and line.strip():
            fields[current][-1] += "\n" + line.strip()
            continue
        current = key
    return SwfHeader({key: tuple(values) for key, values in fields.items()}, tuple(unknown))
