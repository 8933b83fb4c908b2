"""Dates of signal files as Unix times: UTC offsets, and wall clocks of a named zone with their short and long days."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from wattq.errors import SignalError

__all__ = ["Stamps", "day_before", "find_zone", "iso_text", "parse_date", "read_clock"]

_ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(?P<offset>[ ]?(Z|[+-]\d\d:?\d\d))?", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)


@dataclass
class Stamps:
    """Unix times of dates, in the order of the file.

    Attributes:
        start_s: Unix seconds.
        row: for each, the index of the date that it comes from (a row can be dropped, or stand for two hours).
        notes: what the clock made necessary, in sentences.
    """

    start_s: list[float] = field(default_factory=list)
    row: list[int] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, start_s: float, row: int) -> None:
        """Append one time."""
        self.start_s.append(start_s)
        self.row.append(row)


def find_zone(name: str) -> ZoneInfo:
    """Return the zone of that name in the IANA data base.

    Raises:
        SignalError: when there is none.
    """
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        raise SignalError(f"time zone {name[:80]!r}: no IANA name; give one such as UTC or Europe/London") from None


def parse_date(text: str) -> datetime | None:
    """Return an ISO date with time of day, aware where it carries an offset, or None where it is no such date."""
    if not _ISO.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text.replace(" ", "T", 1).replace(" ", ""))
    except ValueError:
        return None


def iso_text(t_s: float) -> str:
    """Return a Unix time in UTC as wattq writes it: ``2021-01-01T00:30:00Z``."""
    return (_EPOCH + timedelta(seconds=t_s)).isoformat().replace("+00:00", "Z")


def day_before(t_s: float, zone: ZoneInfo) -> float:
    """Return the Unix time at which the clocks of a zone showed the same time of day, the day before."""
    local = datetime.fromtimestamp(t_s, zone)
    return _unix(local.replace(tzinfo=None) - timedelta(days=1), zone, local.fold)


def _unix(wall: datetime, zone: ZoneInfo, fold: int) -> float:
    return (wall.replace(tzinfo=zone, fold=fold) - _EPOCH) / _SECOND


def read_clock(dates: Sequence[datetime], zone: ZoneInfo | None, place: str) -> Stamps:
    """Return the Unix times of dates in the order of a file.

    A date with an offset means that instant. Where offsets change within the file and a zone is named, each is
    compared with the zone's: a wrong one is reported, and the wall clock of the zone counts. Dates without offset are
    the wall clock of the zone: in autumn one hour comes twice (the second time is after the first; where the file has
    it once, the value stands for both), in spring one hour does not exist (rows of it are dropped). All is noted.

    Args:
        dates: all with offsets, or all without.
        zone: the zone of wall clocks.
        place: file, for messages.

    Raises:
        SignalError: for a mixture of dates with and without offset, or a wall clock whose zone is not known.
    """
    aware = sum(date.tzinfo is not None for date in dates)
    if aware not in (0, len(dates)):
        raise SignalError(f"{place}: {aware} of {len(dates)} dates carry a UTC offset; give all of them one, or none")
    if aware:
        return _by_offsets(dates, zone)
    if zone is None:
        raise SignalError(
            f"{place}: dates carry no UTC offset, and the zone of this wall clock is not known; name it "
            "(time_zone, --time-zone), for example UTC, Europe/London or Europe/Berlin"
        )
    return _by_wall_clock(dates, zone)


def _by_offsets(dates: Sequence[datetime], zone: ZoneInfo | None) -> Stamps:
    offsets = {date.utcoffset() for date in dates}
    stamps = Stamps()
    wrong: list[int] = []
    for row, date in enumerate(dates):
        if zone is not None and len(offsets) > 1 and not _offset_fits(date, zone):
            wrong.append(row)
            stamps.add(_in_order(date, zone, stamps), row)
        else:
            stamps.add((date - _EPOCH) / _SECOND, row)
    if wrong:
        first = dates[wrong[0]].isoformat(" ")
        stamps.notes.append(
            f"{len(wrong)} dates carry an offset that {zone} does not have then (first: {first}): the zone's is taken"
        )
    return stamps


def _offset_fits(date: datetime, zone: ZoneInfo) -> bool:
    wall = date.replace(tzinfo=zone)
    return date.utcoffset() in (wall.utcoffset(), wall.replace(fold=1).utcoffset())


def _in_order(date: datetime, zone: ZoneInfo, stamps: Stamps) -> float:
    wall = date.replace(tzinfo=None)
    first = _unix(wall, zone, 0)
    late = bool(stamps.start_s) and first <= stamps.start_s[-1]
    return _unix(wall, zone, 1) if late else first


def _by_wall_clock(dates: Sequence[datetime], zone: ZoneInfo) -> Stamps:
    stamps = Stamps()
    skipped: list[datetime] = []
    stretched: list[datetime] = []
    for first, last, shift in _runs(dates, zone):
        if shift > 0:
            skipped += dates[first:last]
        elif shift < 0:
            _autumn(dates, range(first, last), zone, stamps, stretched)
        else:
            for row in range(first, last):
                stamps.add(_unix(dates[row], zone, 0), row)
    if skipped:
        stamps.notes.append(f"rows at {_listed(skipped)} dropped: the clocks of {zone} skip this time")
    if stretched:
        stamps.notes.append(f"rows at {_listed(stretched)} stand for both times that the clocks of {zone} show this")
    return stamps


def _runs(dates: Sequence[datetime], zone: ZoneInfo) -> Iterator[tuple[int, int, int]]:
    """Yield stretches of rows (first, last, shift): 1 where the clocks skip the time, -1 where they show it twice."""
    first, before = 0, 0
    for row, date in enumerate(dates):
        shift = _shift(date, zone)
        if shift != before or (shift and dates[row - 1].date() != date.date()):
            yield first, row, before
            first, before = row, shift
    yield first, len(dates), before


def _shift(date: datetime, zone: ZoneInfo) -> int:
    wall = date.replace(tzinfo=zone)
    early, late = wall.utcoffset(), wall.replace(fold=1).utcoffset()
    if early is None or late is None or early == late:
        return 0
    return 1 if late > early else -1


def _autumn(dates: Sequence[datetime], rows: range, zone: ZoneInfo, stamps: Stamps, stretched: list[datetime]) -> None:
    again = next((row for row in rows[1:] if dates[row] <= dates[row - 1]), None)
    for row in rows:
        stamps.add(_unix(dates[row], zone, 0 if again is None or row < again else 1), row)
    if again is None:
        stretched += [dates[row] for row in rows]
        for row in rows:
            stamps.add(_unix(dates[row], zone, 1), row)


def _listed(dates: Sequence[datetime]) -> str:
    shown = ", ".join(date.isoformat(" ", "minutes") for date in dates[:4])
    return f"{shown} and {len(dates) - 4} more" if len(dates) > 4 else shown
