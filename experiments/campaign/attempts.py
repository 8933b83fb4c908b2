"""Records of attempts: who ran which cell when, and what came of it. They prove that nothing was run twice."""

from __future__ import annotations

import datetime
import os
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from wattq.experiments.campaign.layout import Layout, new_nonce, read_json, write_json

__all__ = ["Attempt", "begin", "begun_keys", "finish", "read_attempts"]

_SUFFIX = ".json"


@dataclass(frozen=True)
class Attempt:
    """One attempt at a cell.

    Attributes:
        key: of the cell.
        nonce: of the attempt.
        status: ``running``, ``done``, ``failed``, or ``double`` where another attempt was done first. A process that
            was killed leaves ``running`` behind.
        host: where it ran.
        pid: process that ran it.
        started: date, ISO 8601 in UTC with milliseconds.
        ended: likewise; empty while it runs.
        seconds: how long it took.
        error: why it failed.
    """

    key: str
    nonce: str
    status: str
    host: str
    pid: int
    started: str
    ended: str = ""
    seconds: float = 0.0
    error: str = ""

    @property
    def name(self) -> str:
        """Name of its files without ending."""
        return f"{self.key}-{self.nonce}"


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")


def begin(layout: Layout, key: str) -> Attempt:
    """Record that a cell is begun, here and now."""
    attempt = Attempt(key, new_nonce(), "running", socket.gethostname(), os.getpid(), _now())
    write_json(layout.attempts / f"{attempt.name}{_SUFFIX}", asdict(attempt))
    return attempt


def finish(layout: Layout, attempt: Attempt, status: str, error: str = "") -> Attempt:
    """Record what came of an attempt, and return the record."""
    ended = _now()
    begun, over = (datetime.datetime.fromisoformat(text) for text in (attempt.started, ended))
    done = replace(attempt, status=status, ended=ended, seconds=(over - begun).total_seconds(), error=error)
    write_json(layout.attempts / f"{attempt.name}{_SUFFIX}", asdict(done))
    return done


def begun_keys(layout: Layout) -> set[str]:
    """Return the keys of all cells that were ever begun, from the names of the records."""
    return {path.name.partition("-")[0] for path in layout.attempts.glob(f"*{_SUFFIX}")}


def read_attempts(layout: Layout) -> dict[str, list[Attempt]]:
    """Return all attempts by key, in the order of their begins."""
    found: dict[str, list[Attempt]] = {}
    for path in layout.attempts.glob(f"[!.]*{_SUFFIX}"):
        attempt = _attempt(read_json(path))
        if attempt is not None:
            found.setdefault(attempt.key, []).append(attempt)
    for attempts in found.values():
        attempts.sort(key=lambda attempt: attempt.started)
    return found


def _attempt(content: Mapping[str, Any] | None) -> Attempt | None:
    if content is None or set(content) != set(Attempt.__dataclass_fields__):
        return None
    texts = ("key", "nonce", "status", "host", "started", "ended", "error")
    if not all(isinstance(content[name], str) for name in texts):
        return None
    numbers = (content["pid"], content["seconds"])
    return Attempt(**content) if all(isinstance(number, int | float) for number in numbers) else None
