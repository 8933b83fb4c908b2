"""Cells of accounting logs: dates, durations, sizes, memory, states; what is none of them is emptied."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from wattq.workloads.anonymize_columns import VOCABULARY
from wattq.workloads.profiles import number_text

__all__ = [
    "clock_text",
    "date_of",
    "date_text",
    "memory_of",
    "number_of",
    "safe_code",
    "safe_state",
    "safe_tres",
    "span_of",
]

_DATE = re.compile(r"(\d{4}-\d\d-\d\d)(?:([ T])(\d\d:\d\d:\d\d)(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?", re.ASCII)
_NUMBER = re.compile(r"\d{1,15}(?:\.\d{1,9})?", re.ASCII)
_CLOCK = re.compile(r"(?:(\d{1,6})-)?(?:(\d{1,6}):)?(\d{1,2}):(\d{1,2}(?:\.\d{1,9})?)", re.ASCII)
_MEMORY = re.compile(r"(\d{1,15}(?:\.\d{1,9})?)([KMGTP]?[nc]?)", re.ASCII)
_CODE = re.compile(r"\d{1,5}:\d{1,5}", re.ASCII)
_STATE = re.compile(r"([A-Z_]+)\+?(?: by .*)?", re.DOTALL)
_STATUS = re.compile(r"-?\d{1,2}", re.ASCII)
_AMOUNT = re.compile(r"\d{1,15}(?:\.\d{1,9})?[KMGTP]?", re.ASCII)
_ZERO = datetime(1970, 1, 1)


def date_of(cell: str) -> float | None:
    """Return a date, s since 1970 on the log's own clock (a zone is not applied), or the number of seconds; or None."""
    if _NUMBER.fullmatch(cell):
        return float(cell)
    match = _DATE.fullmatch(cell)
    if match is None:
        return None
    try:
        moment = datetime.fromisoformat(f"{match[1]}T{match[3] or '00:00:00'}")
    except ValueError:
        return None
    return (moment - _ZERO).total_seconds() + float(match[4] or 0)


def date_text(seconds: float, like: str) -> str:
    """Return a date in the form of the cell that it comes from."""
    match = _DATE.fullmatch(like)
    if match is None:
        return number_text(seconds)
    try:
        moment = _ZERO + timedelta(seconds=seconds)
    except OverflowError:
        return ""
    return moment.isoformat(sep=match[2] or "T", timespec="seconds") + (match[5] or "")


def number_of(cell: str) -> float | None:
    """Return a number without a sign, or None."""
    return float(cell) if _NUMBER.fullmatch(cell) else None


def span_of(cell: str) -> float | None:
    """Return a duration in seconds: ``1-02:03:04``, ``02:03:04``, ``03:04.5`` or a number; or None."""
    match = _CLOCK.fullmatch(cell)
    if match is None:
        return number_of(cell)
    days, hours, minutes = (int(part or 0) for part in match.group(1, 2, 3))
    return days * 86400.0 + hours * 3600.0 + minutes * 60.0 + float(match[4])


def clock_text(seconds: float, like: str) -> str:
    """Return a duration in the form of the cell that it comes from: as a clock, or in seconds."""
    if ":" not in like:
        return number_text(seconds)
    days, rest = divmod(round(seconds), 86400)
    clock = f"{rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}"
    return f"{days}-{clock}" if days else clock


def memory_of(cell: str) -> tuple[float, str] | None:
    """Return amount and unit of ``500Gn``, or None."""
    match = _MEMORY.fullmatch(cell)
    return None if match is None else (float(match[1]), match[2])


def safe_state(cell: str) -> str | None:
    """Return the state without who did it: ``CANCELLED by 1234`` names a user; an unknown word gives None."""
    match = _STATE.fullmatch(cell)
    if match and match[1] in VOCABULARY["state"]:
        return match[1]
    return cell if _STATUS.fullmatch(cell) else None


def safe_code(cell: str) -> str | None:
    """Return an exit code ``0:15``, or None."""
    return cell if _CODE.fullmatch(cell) else None


def safe_tres(cell: str) -> str:
    """Return the countable resources that every site has (``cpu=4,mem=2G``); licences and names of devices are cut."""
    pairs = [part.partition("=") for part in cell.split(",")]
    return ",".join(
        f"{key}={value}" for key, _, value in pairs if key in VOCABULARY["tres"] and _AMOUNT.fullmatch(value)
    )
