"""Periods of reports and alignments, as options give them."""

from __future__ import annotations

from datetime import UTC, datetime

from wattq.errors import TelemetryError
from wattq.platforms.signals.clock import parse_date

__all__ = ["date_s", "date_text"]

_FIRST_S = 946_684_800.0


def date_s(text: str, option: str) -> float:
    """Return a date as Unix s: ``2026-11-21`` (midnight UTC), ``2026-11-21T14:30`` (UTC), or with an offset.

    Raises:
        TelemetryError: for a text that is no date, or one before the year 2000.
    """
    date = parse_date(f"{text}T00:00" if len(text) == 10 else text)
    if date is None:
        raise TelemetryError(f"{option} {text[:60]!r}: no date; write 2026-11-21, or 2026-11-21T14:30Z")
    seconds = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    if seconds < _FIRST_S:
        raise TelemetryError(f"{option} {text[:60]!r}: before the year 2000; mend the date")
    return seconds


def date_text(seconds: float) -> str:
    """Return a Unix time as ``2026-11-21 14:30`` UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")
