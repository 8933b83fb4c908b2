"""The log of what was held and why: one JSON object a line, on disk before anything is done."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from wattq.errors import SlurmError

__all__ = ["AuditLog", "Entry", "entries_of"]

_LONGEST_LINE = 1_000_000


class AuditLog:
    """A file of JSON lines that only grows.

    Each line is written by one call and flushed to the disk before `write` returns. A line that a crash cut short is
    passed over by readers, and the next one begins on a line of its own.

    Args:
        path: the file; its folder is made when something is written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, event: str, now_s: float, **values: object) -> dict[str, Any]:
        """Append an event and return it.

        Args:
            event: what happened.
            now_s: when, Unix s.
            values: all that goes with it, as JSON takes it.

        Raises:
            SlurmError: the file cannot be written; then nothing may be done either.
        """
        record = {"time_s": round(now_s, 3), "event": event, **values}
        line = json.dumps(record, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o640)
            try:
                os.write(handle, (self._break(handle) + line + "\n").encode())
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as error:
            raise SlurmError(
                f"{self.path}: cannot be written ({error.strerror}); nothing is held without its log: give a folder "
                "that this user may write (hold.folder, --folder)"
            ) from None
        return record

    @staticmethod
    def _break(handle: int) -> str:
        """Return a line break where the last line was cut short."""
        size = os.fstat(handle).st_size
        return "\n" if size and os.pread(handle, 1, size - 1) != b"\n" else ""

    def read(self) -> list[dict[str, Any]]:
        """Return all events in order; none when there is no file.

        Raises:
            SlurmError: the file is there and cannot be read.
        """
        try:
            with self.path.open("rb") as lines:
                return list(_events(lines))
        except FileNotFoundError:
            return []
        except OSError as error:
            raise SlurmError(f"{self.path}: cannot be read ({error.strerror}); check its rights") from None


def _events(lines: Iterator[bytes] | Any) -> Iterator[dict[str, Any]]:
    for line in lines:
        if len(line) > _LONGEST_LINE:
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(record, dict) and isinstance(record.get("event"), str):
            yield record


@dataclass(frozen=True)
class Entry:
    """What the log tells of a job.

    Attributes:
        key: as `Job.key`.
        number: its number.
        label: its name.
        targets: begin times that were asked for, Unix s.
        acted: whether the log says that one of them was set.
        let_go: whether it was released, or its begin time was seen to have come.
        begin_s: its begin time before it was held, Unix s; not later than then for a job that could start.
        first_s: when it was held first, Unix s.
        could_start_s: when it would have started otherwise, as expected then, Unix s.
        watts: what it adds to the power of the machine, W.
        run_s: how long it may run, s.
        pue: facility over machine power.
        expected: expected saving: ``carbon_g``, ``cost``.
        started_s: its start, Unix s; None until it is known.
        closed: whether its outcome is in the log.
    """

    key: str
    number: int
    label: str
    targets: tuple[float, ...] = ()
    acted: bool = False
    let_go: bool = False
    begin_s: float = 0.0
    first_s: float = 0.0
    could_start_s: float = 0.0
    watts: float = 0.0
    run_s: float = 0.0
    pue: float = 1.0
    expected: Mapping[str, float] = field(default_factory=dict)
    started_s: float | None = None
    closed: bool = False

    def matches(self, eligible_s: float | None) -> bool:
        """Return whether a begin time is one that was asked for."""
        return eligible_s is not None and any(abs(eligible_s - target) <= 1.0 for target in self.targets)


def entries_of(events: Sequence[Mapping[str, Any]]) -> dict[str, Entry]:
    """Return what a log tells of each job, by key; events that are not understood are passed over."""
    found: dict[str, Entry] = {}
    for event in events:
        key = event.get("key")
        if isinstance(key, str):
            try:
                _note(found, key, event)
            except (KeyError, TypeError, ValueError, AttributeError):
                continue
    return found


def _note(found: dict[str, Entry], key: str, event: Mapping[str, Any]) -> None:
    kind, entry = event["event"], found.get(key)
    if kind == "intent":
        until_s = float(event["until_s"])
        if entry is None:
            found[key] = _first(key, event, until_s)
        else:
            found[key] = replace(entry, targets=(*entry.targets, until_s), expected=_savings(event))
    elif entry is None:
        return
    elif kind in ("held", "moved"):
        found[key] = replace(entry, acted=True)
    elif kind in ("released", "lapsed"):
        found[key] = replace(entry, let_go=True)
    elif kind == "started":
        found[key] = replace(entry, started_s=float(event["start_s"]), let_go=True)
    elif kind == "outcome":
        found[key] = replace(entry, closed=True, let_go=True)


def _first(key: str, event: Mapping[str, Any], until_s: float) -> Entry:
    numbers = event["numbers"]
    float(key.rpartition("@")[2])  # the date of submission, which outcomes are told apart by
    return Entry(
        key=key,
        number=int(event["number"]),
        label=str(event["job"]),
        targets=(until_s,),
        begin_s=float(event["before"]["begin_s"] or 0.0),
        first_s=float(event["time_s"]),
        could_start_s=float(numbers["could_start_s"]),
        watts=float(numbers["watts"]),
        run_s=float(numbers["run_s"]),
        pue=float(numbers["pue"]),
        expected=_savings(event),
    )


def _savings(event: Mapping[str, Any]) -> dict[str, float]:
    return {name: float(event["expected"][name]) for name in ("carbon_g", "cost")}
