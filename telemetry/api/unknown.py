"""Flags of names and dates that a model does not know."""

from __future__ import annotations

from collections.abc import Mapping

from wattq.telemetry.api.answers import Flag
from wattq.telemetry.api.resolve import Resolved

__all__ = ["flag_names", "queue_number"]


def flag_names(job: Resolved, known: Mapping[str, frozenset[str]]) -> None:
    """Flag the names of a job that the model of power has not learned from.

    Args:
        job: the flags are added to it.
        known: names by field; fields that the model does not read are missing.
    """
    for name in ("application", "user", "queue"):
        given = getattr(job.request, name)
        if given is not None and name in known and known[name] and str(given) not in known[name]:
            message = f"{name} is not among the {len(known[name])} that the model of power learned from; it is left out"
            job.flags.append(Flag(field=name, value=str(given), used=None, message=message))


def queue_number(job: Resolved) -> int:
    """Return the number of a job's queue in the log that was learned from; a name is flagged, and counts as none."""
    given = job.request.queue
    if given is None:
        return -1
    if isinstance(given, int):
        return given
    if given.isascii() and given.isdecimal() and len(given) < 10:
        return int(given)
    message = "the model of run times knows queues by their number in the log; the name is left out"
    job.flags.append(Flag(field="queue", value=given, used=None, message=message))
    return -1
