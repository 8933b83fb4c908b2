"""Which jobs agreed to wait, and until when: a word in the comment of the job, or its quality of service."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from wattq.errors import InvalidInputError
from wattq.schedulers.slurm.jobs import Job
from wattq.schedulers.slurm.words import duration_s

__all__ = ["Consent", "consent_of", "parse_qos_waits", "wait_s"]

_WORD = re.compile(r"(?<![\w:])wattq:(\w+)(?:=([^\s;,|\"']*))?")
_PART = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)(s|min|m|h|d)")
_SECONDS = {"s": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_LONGEST_S = 366 * 86400.0


@dataclass(frozen=True)
class Consent:
    """What a job agreed to.

    Attributes:
        latest_s: date up to which it may be kept from starting, Unix s; None: it did not agree.
        why: where that is from, or why there is none, in words.
    """

    latest_s: float | None
    why: str


def wait_s(text: str) -> float:
    """Return a duration: ``12h``, ``1d12h``, ``90min``, or as Slurm writes time limits, ``12:00:00``.

    Raises:
        ValueError: it is none, or longer than 366 days.
    """
    word = text.strip().lower()
    parts = _PART.findall(word)
    if parts and "".join(number + unit for number, unit in parts) == word:
        found = sum(float(number) * _SECONDS[unit] for number, unit in parts)
    elif word in ("0", "no"):
        found = 0.0
    elif ":" in word or "-" in word:
        found = duration_s(word)
    else:
        raise ValueError(text)
    if not 0 <= found <= _LONGEST_S:
        raise ValueError(text)
    return found


def parse_qos_waits(text: str) -> dict[str, float]:
    """Return the longest waits in s by quality of service, of a text such as ``green=12h,flex=1d``.

    Raises:
        InvalidInputError: it is no such list.
    """
    found: dict[str, float] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, value = part.partition("=")
        try:
            if not equals or not name.strip() or name.strip() in found:
                raise ValueError(part)
            found[name.strip()] = wait_s(value)
        except ValueError:
            raise InvalidInputError(
                f"setting hold.qos, '{part}': is no QOS and wait; write for instance green=12h,flex=1d, each QOS once"
            ) from None
    return found


def consent_of(job: Job, qos: Mapping[str, float], most_s: float) -> Consent:
    """Return what a job agreed to.

    The comment counts before the QOS. ``wattq:defer=12h`` lets it start that much after its submission at the latest;
    ``wattq:deadline=DATE`` lets it start as late as its time limit before the date, so that it can end by it. Both: the
    earlier. A date without a zone is one of this machine's clock, as Slurm's own are. What cannot be read is no
    consent.

    Args:
        job: the job.
        qos: longest wait of the jobs of a QOS, s.
        most_s: longest wait of any job from its submission, s.
    """
    said = _WORD.findall(job.comment)
    if said:
        dates: list[float] = []
        for word, value in said:
            date_s = _latest(job, word, value)
            if date_s is None:
                return Consent(
                    None, f"'wattq:{word}{'=' if value else ''}{value[:40]}' in its comment is not understood"
                )
            dates.append(date_s)
        return _capped(job, min(dates), most_s, "comment")
    if job.qos in qos:
        return _capped(job, job.submit_s + qos[job.qos], most_s, f"QOS {job.qos}")
    return Consent(None, "it did not agree to wait")


def _capped(job: Job, latest_s: float, most_s: float, why: str) -> Consent:
    return Consent(min(latest_s, job.submit_s + most_s), why)


def _latest(job: Job, word: str, value: str) -> float | None:
    """Return the latest start that a word of the comment allows, None for one that says nothing known."""
    try:
        if word == "defer":
            return job.submit_s + wait_s(value)
        if word == "deadline":
            date_s = _date_s(value)
            return -math.inf if math.isinf(job.limit_s) else date_s - job.limit_s
    except (ValueError, OverflowError, OSError):
        return None
    return None


def _date_s(text: str) -> float:
    """Return a date as Unix s; without a zone it is one of this machine's clock."""
    if len(text) < 10:
        raise ValueError(text)
    date = datetime.fromisoformat(text)
    return (date if date.tzinfo is not None else date.astimezone()).timestamp()
