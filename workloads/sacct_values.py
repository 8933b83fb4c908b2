"""What stands in the cells of a ``sacct`` print: durations, counts, amounts of memory, states, trackable resources."""

from __future__ import annotations

import re

from wattq.units import HOUR_S
from wattq.workloads.text_table import amount

__all__ = ["STATES", "count", "duration_s", "memory_kb", "minutes_s", "state", "tres"]

STATES = {
    **dict.fromkeys(("COMPLETED", "COMPLETING"), 1),
    **dict.fromkeys(("FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "TIMEOUT", "BOOT_FAIL", "DEADLINE", "LAUNCH_FAILED"), 0),
    **dict.fromkeys(("PREEMPTED", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "SPECIAL_EXIT", "STOPPED", "REVOKED"), 0),
    **dict.fromkeys(("RECONFIG_FAIL", "STAGE_OUT", "EXPEDITING", "POWER_UP_NODE"), 0),
    "CANCELLED": 5,
    **dict.fromkeys(("PENDING", "CONFIGURING", "RESV_DEL_HOLD"), -2),
    **dict.fromkeys(("RUNNING", "SUSPENDED", "RESIZING", "SIGNALING"), -3),
}
"""State of a job -> SWF status (1 completed, 0 failed, 5 cancelled); -2 waits still, -3 runs still."""

_DURATION = re.compile(r"(?:(\d{1,7})-)?(\d{1,7}):(\d\d)(?::(\d\d))?(\.\d{1,9})?", re.ASCII)
_DAYS_HOURS = re.compile(r"(\d{1,7})-(\d{1,2})", re.ASCII)
_UNKNOWN = frozenset(("", "unknown", "none", "n/a", "invalid", "unlimited", "partition_limit", "not_set", "notset"))
_COUNT = re.compile(r"(\d{1,15}(?:\.\d{1,6})?)([KMG]?)", re.ASCII)
_MEMORY = re.compile(r"(\d{1,15}(?:\.\d{1,6})?)([KMGTP]?)([nc]?)", re.ASCII)
_DAY_S = 24 * HOUR_S
_POWER = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4, "P": 5}
_NAN = float("nan")


def duration_s(text: str) -> float | None:
    """Return the seconds of ``HH:MM:SS``, ``D-HH:MM:SS``, ``MM:SS.mmm``, ``D-HH:MM`` or ``D-HH``.

    NaN for ``UNLIMITED``, ``Partition_Limit``, ``INVALID``, ``Unknown`` and nothing at all; None for anything else.
    """
    if text.lower() in _UNKNOWN:
        return _NAN
    short = _DAYS_HOURS.fullmatch(text)
    if short:
        return int(short[1]) * _DAY_S + int(short[2]) * HOUR_S
    match = _DURATION.fullmatch(text)
    if not match:
        return None
    days, first, second, third, fraction = match.groups()
    if days is None and third is None:
        hours, minutes, seconds = 0, int(first), int(second)
    else:
        hours, minutes, seconds = int(first), int(second), int(third or 0)
        if minutes > 59:
            return None
    if seconds > 59:
        return None
    return int(days or 0) * _DAY_S + hours * HOUR_S + minutes * 60 + seconds + float(fraction or 0)


def minutes_s(text: str) -> float | None:
    """Return the seconds of a number of minutes (``TimelimitRaw``), NaN where there is no limit, None for the rest."""
    value = _NAN if text.lower() in _UNKNOWN else amount(text)
    return None if value is None else value * 60


def count(text: str) -> float | None:
    """Return a number of nodes or processors; ``2K`` is 2 x 1024, as Slurm shortens counts."""
    if text.lower() in _UNKNOWN:
        return _NAN
    match = _COUNT.fullmatch(text)
    return float(match[1]) * 1024 ** _POWER[match[2]] if match else None


def memory_kb(text: str, processors: float, nodes: float) -> float | None:
    """Return requested memory per processor, kB; ``4Gn`` is for each node, ``4Gc`` for each processor, ``4G`` for all.

    Without a letter the amount is in MB, Slurm's unit. NaN where it is unknown, 0 or cannot be shared out.
    """
    if text.lower() in (*_UNKNOWN, "?"):
        return _NAN
    match = _MEMORY.fullmatch(text)
    if not match:
        return None
    value = float(match[1]) * 1024 ** (_POWER[match[2] or "M"] - 1)
    share = {"c": 1.0, "n": processors / nodes if nodes > 0 else _NAN, "": processors}[match[3]]
    return value / share if share > 0 and value > 0 else _NAN


def state(text: str) -> float | None:
    """Return the number of `STATES` for a state; ``CANCELLED by 1000`` and the cut ``CANCELLED+`` are told.

    A cut that could be several states of different numbers gives None, and so does an unknown word.
    """
    if text == "":
        return -1.0
    word = text.split(maxsplit=1)[0].upper()
    if word in STATES:
        return float(STATES[word])
    if not word.endswith("+") or len(word) < 3:
        return None
    numbers = {number for name, number in STATES.items() if name.startswith(word[:-1])}
    return float(numbers.pop()) if len(numbers) == 1 else None


def tres(text: str, key: str) -> float | None:
    """Return the count of one trackable resource in ``cpu=8,mem=4G,node=2,gres/gpu=2``, NaN where it is not listed."""
    if not text:
        return _NAN
    for part in text.split(","):
        name, _, value = part.partition("=")
        if name.strip() == key:
            return count(value.strip())
    return _NAN
