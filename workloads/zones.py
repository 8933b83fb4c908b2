"""Time zones by name, and dates of logs as Unix times."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

__all__ = ["Clock", "find_zone"]

_NAME = re.compile(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+){0,2}", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?[ ]?(?P<offset>Z|[+-]\d\d(:?\d\d)?)?", re.ASCII)
_EPOCH = re.compile(r"\d{1,11}(\.\d{1,9})?", re.ASCII)
_NEVER = frozenset(("", "unknown", "none", "n/a", "na", "null", "nat"))


def find_zone(name: str) -> ZoneInfo | None:
    """Return the zone of that name in the IANA data base, or None."""
    if not _NAME.fullmatch(name):
        return None
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        return None


@dataclass
class Clock:
    """Turns the dates of a log into Unix times.

    A date with an offset (``Z``, ``+01:00``) means that; one without is the wall clock of `zone`, or UTC where no zone
    is given. A wall clock shows one hour twice in autumn: the first is taken; an hour that it skips in spring is taken
    by the offset before it. Whole numbers are Unix times already (``SLURM_TIME_FORMAT=%s``).

    Attributes:
        zone: zone of dates without an offset.
        bare: whether a date without an offset was met.
        twice: dates met that the wall clock shows twice, or never.
    """

    zone: tzinfo | None = None
    bare: bool = False
    twice: set[str] = field(default_factory=set)

    def unix_s(self, text: str) -> float | None:
        """Return a date's Unix time, NaN where it says ``Unknown`` or ``None``, None where it is no date."""
        if text.lower() in _NEVER:
            return float("nan")
        if _EPOCH.fullmatch(text):
            return float(text)
        match = _DATE.fullmatch(text)
        if not match:
            return None
        try:
            date = datetime.fromisoformat(text.replace(" ", "T", 1).replace(" ", ""))
        except ValueError:
            return None
        return self._seconds(date, text)

    def _seconds(self, date: datetime, text: str) -> float | None:
        if date.tzinfo is None:
            self.bare = True
            date = date.replace(tzinfo=self.zone or UTC)
            if self.zone is not None and date.utcoffset() != date.replace(fold=1).utcoffset():
                self.twice.add(text)
        seconds = (date - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(seconds=1)
        # dates before the first batch systems, and negative Unix times, are slips of the pen
        return seconds if seconds >= 86_400 else None

    def notes(self) -> list[str]:
        """Return the sentences about the dates met that a reader should know."""
        notes = []
        if self.bare and self.zone is None:
            notes.append("dates carry no time zone: read as UTC; --time-zone names the site's")
        if self.twice:
            notes.append(
                f"{len(self.twice)} dates stand in an hour that the wall clock shows twice or never: the first is taken"
            )
        return notes
