"""What prolog and epilog tell the exporter `slurm` by POST."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from wattq.errors import InvalidInputError, WattqError
from wattq.telemetry.exporters.serving import Answer, Request, Routes, json_answer
from wattq.telemetry.exporters.slurm_collector import SlurmCollector
from wattq.telemetry.exporters.slurm_ended import JobEnd
from wattq.telemetry.exporters.slurm_energy import TypedEnergy
from wattq.telemetry.exporters.slurm_text import ENDED_STATES

__all__ = ["COMPLETE_KEYS", "JOB_TYPES", "START_KEYS", "JobMessages"]

JOB_TYPES = ("cpu_intensive", "memory_intensive", "io_intensive", "mixed", "light", "unknown")
"""Classes of jobs; ``cpu``, ``memory`` and ``io`` are short for the first three."""

_ID = re.compile(r"[1-9][0-9]{0,18}(_[0-9]{1,12})?")
_PARTITION = re.compile(r"[\w.+-]{1,128}")
_LATEST_S = 2.0**40
START_KEYS = ("job_id", "raw_id", "partition", "job_type")
"""Keys of the message of a start."""

COMPLETE_KEYS = (*START_KEYS, "state", "duration_seconds", "start_s", "end_s", "energy_joules", "energy_source")
"""Keys of the message of an end."""


class JobMessages:
    """Answers ``POST /metrics/job/start`` and ``POST /metrics/job/complete``.

    Both take a JSON object with `job_id` (``17`` or ``17_3``) and, where known, `raw_id`, `partition` and `job_type`;
    the second also `state`, `duration_seconds`, `start_s`, `end_s` (Unix s), `energy_joules` and `energy_source`
    (``measured`` or ``modelled``).

    Args:
        collector: what they are told to.
        clock: gives the date, Unix s.
        wake: called after a message was taken, so that Slurm is asked soon.
    """

    def __init__(self, collector: SlurmCollector, clock: Callable[[], float], wake: Callable[[], object]) -> None:
        self._collector, self._clock, self._wake = collector, clock, wake
        for event in ("start", "complete", "refused"):
            collector.book.add("wattq_slurm_hook_events_total", 0, (event,))

    @property
    def routes(self) -> Routes:
        """What a server answers; the second address of an end is the one that older epilogs use."""
        return {
            ("POST", "/metrics/job/start"): self.start,
            ("POST", "/metrics/job/complete"): self.complete,
            ("POST", "/job/complete"): self.complete,
        }

    def start(self, request: Request) -> Answer:
        """Take note of the class of a job that starts."""
        return self._answer(request, "start", self._start)

    def complete(self, request: Request) -> Answer:
        """Count a job that ended, once."""
        return self._answer(request, "complete", self._complete)

    def _answer(self, request: Request, event: str, take: Callable[[Mapping[str, Any]], bool]) -> Answer:
        count = self._collector.book.add
        try:
            new = take(_document(request.body))
        except InvalidInputError as error:
            count("wattq_slurm_hook_events_total", 1, ("refused",))
            return json_answer(422, {"detail": str(error)})
        except WattqError as error:
            return json_answer(503, {"detail": str(error)})
        count("wattq_slurm_hook_events_total", 1, (event,))
        self._wake()
        return json_answer(200, {"status": "ok", "counted": new})

    def _start(self, message: Mapping[str, Any]) -> bool:
        _known_keys(message, START_KEYS)
        self._partition(message)
        self._collector.told_energy(_job_id(message, "job_id"), TypedEnergy(None, "store", _job_type(message)))
        return False

    def _complete(self, message: Mapping[str, Any]) -> bool:
        _known_keys(message, COMPLETE_KEYS)
        job_id = _job_id(message, "job_id")
        raw_id = _job_id(message, "raw_id") if "raw_id" in message else ""
        listed = self._collector.job(job_id) or self._collector.job(raw_id)
        end = JobEnd(
            job_id=listed.job_id if listed else job_id,
            raw_id=listed.raw_id if listed else raw_id,
            state=_word(message, "state", ENDED_STATES),
            partition=self._partition(message) or (listed.partition if listed else "unknown"),
            run_s=_number(message, "duration_seconds") or 0.0,
            end_s=_number(message, "end_s") or self._clock(),
            start_s=_number(message, "start_s") or (listed.start_s if listed else None),
            job_type=_job_type(message),
        )
        measured = _word(message, "energy_source", ("measured", "modelled"), "measured") == "measured"
        energy = TypedEnergy(_number(message, "energy_joules"), "store" if measured else "model", end.job_type)
        return self._collector.told_end(end, energy)

    def _partition(self, message: Mapping[str, Any]) -> str:
        name = message.get("partition", "")
        known = self._collector.partitions
        if not isinstance(name, str) or (name and _PARTITION.fullmatch(name) is None):
            raise InvalidInputError(f"partition: {_shown(name)}: write the name of a partition")
        if name and name not in known:
            there = f"there are {', '.join(known)}" if known else "Slurm has not named any yet"
            raise InvalidInputError(f"partition: '{name}': not of this cluster; {there}")
        return name


def _document(body: bytes) -> Mapping[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise InvalidInputError('body: not JSON; send an object such as {"job_id": "17"}') from None
    if not isinstance(document, dict):
        raise InvalidInputError(f'body: {_shown(document)}: send an object such as {{"job_id": "17"}}')
    return document


def _known_keys(message: Mapping[str, Any], keys: tuple[str, ...]) -> None:
    for key in message:
        if key not in keys:
            raise InvalidInputError(f"{_shown(key)}: no such key; there are {', '.join(keys)}")


def _job_id(message: Mapping[str, Any], key: str) -> str:
    value = message.get(key)
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) and value < 10**19 else value
    if not isinstance(text, str) or _ID.fullmatch(text) is None:
        raise InvalidInputError(f"{key}: {_shown(value)}: write the number of a job, such as 17 or 17_3")
    return text


def _job_type(message: Mapping[str, Any]) -> str:
    value = message.get("job_type", "unknown")
    long = f"{value}_intensive"
    return long if long in JOB_TYPES else _word(message, "job_type", JOB_TYPES, "unknown")


def _word(message: Mapping[str, Any], key: str, words: tuple[str, ...], default: str | None = None) -> str:
    value = message.get(key, default)
    if not isinstance(value, str) or value not in words:
        raise InvalidInputError(f"{key}: {_shown(value)}: use one of {', '.join(words)}")
    return value


def _number(message: Mapping[str, Any], key: str) -> float | None:
    value = message.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _LATEST_S:
        raise InvalidInputError(f"{key}: {_shown(value)}: write a number from 0 on")
    return float(value)


def _shown(value: object) -> str:
    return repr(value)[:60]
