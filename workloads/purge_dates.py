"""The last date that each row of a log knows: end, else start, else submission."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from wattq.errors import WorkloadError
from wattq.workloads.anonymize import is_swf
from wattq.workloads.anonymize_cells import date_of
from wattq.workloads.anonymize_columns import ROLES, plain
from wattq.workloads.anonymize_rows import RawTable, parse_table
from wattq.workloads.reader import is_json
from wattq.workloads.swf import parse_swf_table

__all__ = ["DatedLines", "dated_lines", "seconds_of"]

_SWF_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\n|\r|$)")
_DATES = ("submit", "eligible", "start", "end")
_ZONE = re.compile(r"([+-])(\d\d):?(\d\d)", re.ASCII)
_LEAST_UNIX_S = 1e9
"""A number in a table is a date from here on (September 2001); smaller ones count from an unknown start."""


@dataclass(frozen=True)
class DatedLines:
    """The content of a log as pieces that are kept or removed whole.

    Attributes:
        pieces: (bytes as they stand, last date in s since 1970 or None); a header has the date None and is no row.
        rows: for each piece, whether it is a row.
    """

    pieces: tuple[tuple[bytes, float | None], ...]
    rows: tuple[bool, ...]


def dated_lines(data: bytes, source: str) -> DatedLines:
    """Return the pieces of a plain log.

    In SWF a row ends at UnixStartTime + submit + wait + run time (UTC), unknown parts count as 0. In a table the last
    of its dates counts, on the log's own clock (dates with a zone in UTC); all rows of a job, steps too, have the last
    date of the job; a line that does not fit the header belongs to the row before it.

    Raises:
        WorkloadError: the log breaks its format, or has no dates.
    """
    if is_json(data, source):
        raise WorkloadError(
            f"{source}: Batsim JSON has no dates; purge the log that it was made of, and delete this file"
        )
    pieces = list(_swf_pieces(data, source) if is_swf(data, source) else _table_pieces(parse_table(data, source)))
    rows = [row for _, _, row in pieces]
    if any(rows) and all(date is None for _, date, row in pieces if row):
        raise WorkloadError(f"{source}: no row has a date; a table needs a column such as End or Submit with dates")
    return DatedLines(tuple((text, date) for text, date, _ in pieces), tuple(rows))


def _swf_pieces(data: bytes, source: str) -> Iterator[tuple[bytes, float | None, bool]]:
    lines = [line for line in _SWF_LINE.findall(data) if line]
    is_row = [bool(line.strip()) and not line.lstrip(b" \t").startswith(b";") for line in lines]
    ends = _swf_ends(data, source) if any(is_row) else []
    if len(ends) != sum(is_row):
        raise WorkloadError(
            f"{source}: {sum(is_row)} lines hold {len(ends)} rows; each row has its line, mend the file"
        )
    upcoming = iter(ends)
    for line, row in zip(lines, is_row, strict=True):
        yield line, next(upcoming) if row else None, row


def _swf_ends(data: bytes, source: str) -> list[float | None]:
    table = parse_swf_table(data, source)
    start = table.header.integer("UnixStartTime")
    if start is None:
        raise WorkloadError(
            f"{source}: the header has no UnixStartTime, so that no row has a date; add '; UnixStartTime: SECONDS'"
        )
    parts = [np.maximum(table.column(name), 0) for name in ("submit", "wait", "run")]
    ends = (start + parts[0] + parts[1] + parts[2]).tolist()
    return [end if submit >= 0 else None for end, submit in zip(ends, table.column("submit").tolist(), strict=True)]


def _table_pieces(table: RawTable) -> Iterator[tuple[bytes, float | None, bool]]:
    yield _raw(table.head), None, False
    roles = [ROLES.get(plain(name), "") for name in table.names]
    dates = [place for place, role in enumerate(roles) if role in _DATES]
    job = next((place for place, role in enumerate(roles) if role == "job"), None)
    own = [_last(row.cells, dates) for row in table.rows]
    owners = _owners(table, job)
    last: dict[int | str, float] = {}
    for owner, date in zip(owners, own, strict=True):
        if date is not None:
            last[owner] = max(date, last.get(owner, date))
    for row, owner in zip(table.rows, owners, strict=True):
        yield _raw(row.text), last.get(owner), True


def _owners(table: RawTable, job: int | None) -> list[int | str]:
    """Return what each row belongs to: its job, or itself; a line that does not fit belongs to the row before it."""
    owners: list[int | str] = []
    for place, row in enumerate(table.rows):
        if row.cells is None:
            owners.append(owners[-1] if owners else place)
        else:
            name = row.cells[job].strip().partition(".")[0] if job is not None else ""
            owners.append(name or place)
    return owners


def _last(cells: Sequence[str] | None, places: Sequence[int]) -> float | None:
    found = [_moment(cells[place].strip()) for place in places] if cells else []
    return max((date for date in found if date is not None), default=None)


def _moment(cell: str) -> float | None:
    date = date_of(cell)
    if date is None or (cell.replace(".", "").isdigit() and date < _LEAST_UNIX_S):
        return None
    zone = _ZONE.search(cell, 19) if len(cell) > 19 else None
    if zone:
        ahead = timedelta(hours=int(zone[2]), minutes=int(zone[3])).total_seconds()
        date -= ahead if zone[1] == "+" else -ahead
    return date


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def seconds_of(moment: datetime) -> float:
    """Return a naive date as s since 1970."""
    return (moment - datetime(1970, 1, 1)).total_seconds()
