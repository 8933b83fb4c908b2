"""Events files: machines that leave and come back, and events that are only forwarded (batsim-semantics.md, 1.6)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattq.errors import InvalidInputError, MissingFileError, at
from wattq.simulator import kernel_records as r
from wattq.simulator import layout as c
from wattq.simulator.intervals import parse_intervals

__all__ = ["ExternalEvents", "parse_events", "read_events"]

_KINDS = {"machine_available": c.EV_AVAILABLE, "machine_unavailable": c.EV_UNAVAILABLE}


@dataclass(frozen=True)
class ExternalEvents:
    """Events of all files, in the order in which each file submits them.

    Attributes:
        records: one `external_t` per event.
        intervals: host intervals, shape (n, 2), both ends included.
        sizes: number of events per file.
        texts: the JSON text of each event as read, for those that are forwarded.
    """

    records: NDArray[np.void]
    intervals: NDArray[np.int32]
    sizes: tuple[int, ...] = ()
    texts: tuple[str, ...] = ()

    @staticmethod
    def none() -> ExternalEvents:
        """Return no events at all."""
        return ExternalEvents(np.zeros(1, dtype=r.external_t), np.zeros((0, 2), dtype=np.int32))


def _parse_line(text: str, source: str, line: int, forward_unknown: bool) -> tuple[float, int, str, str]:
    """Return (date, kind, resources, text) of one line."""
    try:
        event: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(f"{at(source, line)}: not a JSON object ({error}); write one event per line") from None
    if not isinstance(event, dict) or "timestamp" not in event or "type" not in event:
        raise InvalidInputError(f"{at(source, line)}: an event needs the keys 'timestamp' and 'type'; add them")
    date = event["timestamp"]
    if isinstance(date, bool) or not isinstance(date, int | float) or not abs(date) < 1e300:
        raise InvalidInputError(f"{at(source, line, 'timestamp')}: {date!r} is not a finite number; give seconds")
    kind = _KINDS.get(str(event["type"]), c.EV_GENERIC)
    if kind == c.EV_GENERIC and not forward_unknown:
        raise InvalidInputError(
            f"{at(source, line, 'type')}: unknown event '{event['type']}'; use machine_available or "
            "machine_unavailable, or ask for unknown events to be forwarded"
        )
    resources = event.get("resources", "") if kind != c.EV_GENERIC else ""
    if kind != c.EV_GENERIC and not isinstance(resources, str):
        raise InvalidInputError(f"{at(source, line, 'resources')}: {resources!r} is not an interval string like '0-3'")
    return float(date), kind, resources, text


def parse_events(data: bytes, source: str, n_hosts: int, *, forward_unknown: bool = False) -> ExternalEvents:
    """Read the events of one file.

    Args:
        data: content of the file, one JSON object per line; blank lines are ignored.
        source: name of the file, for messages.
        n_hosts: number of machines.
        forward_unknown: whether events of unknown type are passed on to the scheduler instead of refused.

    Raises:
        InvalidInputError: a line breaks the format, or names a machine that does not exist.
    """
    try:
        lines = data.decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"{at(source)}: not UTF-8 text ({error.reason}); save it as UTF-8") from None
    rows = [(*_parse_line(text, source, i, forward_unknown), i) for i, text in enumerate(lines, 1) if text.strip()]
    order = {c.EV_AVAILABLE: 0, c.EV_UNAVAILABLE: 1, c.EV_GENERIC: 2}
    rows.sort(key=lambda row: (row[0], order[row[1]]))
    records = np.zeros(max(len(rows), 1), dtype=r.external_t)
    intervals: list[tuple[int, int]] = []
    for number, (date, kind, resources, _, line) in enumerate(rows):
        own = parse_intervals(resources, at(source, line, "resources"), n_hosts) if kind != c.EV_GENERIC else []
        records[number] = (date, kind, len(intervals), len(own), number)
        intervals.extend(own)
    pairs = np.array(intervals, dtype=np.int32).reshape(-1, 2)
    return ExternalEvents(records, pairs, (len(rows),), tuple(row[3] for row in rows))


def read_events(paths: Sequence[str | Path], n_hosts: int, *, forward_unknown: bool = False) -> ExternalEvents:
    """Read events files in the order given; see `parse_events`."""
    parts = []
    for path in paths:
        try:
            data = Path(path).read_bytes()
        except OSError as error:
            raise MissingFileError(f"{at(path)}: cannot be read ({error.strerror}); check the path") from None
        parts.append(parse_events(data, str(path), n_hosts, forward_unknown=forward_unknown))
    if not parts:
        return ExternalEvents.none()
    records: list[NDArray[np.void]] = []
    intervals: list[NDArray[np.int32]] = []
    texts: list[str] = []
    for part in parts:
        own = part.records[: part.sizes[0]].copy()
        own["iv"] += sum(len(pairs) for pairs in intervals)
        own["number"] += len(texts)
        records.append(own)
        intervals.append(part.intervals)
        texts.extend(part.texts)
    joined = np.concatenate(records)
    if not len(joined):
        joined = np.zeros(1, dtype=r.external_t)
    return ExternalEvents(joined, np.concatenate(intervals), tuple(part.sizes[0] for part in parts), tuple(texts))
