"""Jobs that ended, each counted once: however often Slurm lists it, and across restarts of the exporter."""

from __future__ import annotations

import json
import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wattq.errors import TelemetryError
from wattq.files import write_whole
from wattq.telemetry.exporters.book import Book

__all__ = ["COUNTED", "EndedJobs", "JobEnd", "default_state_file"]

COUNTED = ("wattq_slurm_jobs_finished_total", "wattq_slurm_job_duration_seconds")
"""The metrics of jobs that ended."""

_VERSION = 1
_KEPT_S = 3600.0
_LARGEST_FILE = 2**28


@dataclass(frozen=True)
class JobEnd:
    """A run of a job that ended.

    Attributes:
        job_id: as people name it.
        raw_id: its own number; empty where nobody said it.
        state: final state.
        partition: where it ran.
        run_s: how long it ran, s.
        end_s: when it ended, Unix s.
        start_s: when it began, Unix s; None where it is not known.
        job_type: its class; ``unknown`` without one.
    """

    job_id: str
    raw_id: str
    state: str
    partition: str
    run_s: float
    end_s: float
    start_s: float | None = None
    job_type: str = "unknown"


class EndedJobs:
    """Counts ends of jobs into a book.

    A job that was requeued runs again under its number: an end counts where nothing is known of the job, or where the
    run began after the last end that was counted. What was counted is on disk before it is shown, so that a counter
    never falls, whenever the exporter is killed.

    Args:
        book: of the exporter `slurm`.
        file: what to remember by; nothing is remembered across restarts when None.

    Attributes:
        refreshed_s: the last date up to which Slurm was asked, Unix s; None at the very first.
        began_s: the first such date; what the accounting knows of ends before it is none of ours.

    Raises:
        TelemetryError: the file cannot be read, or holds something else.
    """

    def __init__(self, book: Book, file: Path | None) -> None:
        self._book, self._file = book, file
        self._tally = Book("slurm")
        self._known: dict[str, float] = {}
        self._changed = True
        self.refreshed_s: float | None = None
        self.began_s: float | None = None
        if file is not None and file.exists():
            self._load(file)
        self._publish()

    def count(self, end: JobEnd) -> bool:
        """Count an end, unless it was counted before; return whether it was new. `save` shows it."""
        ids = {end.job_id, end.raw_id} - {""}
        before = max((self._known[key] for key in ids if key in self._known), default=None)
        if before is not None and (end.start_s is None or end.start_s <= before):
            return False
        self._known.update(dict.fromkeys(ids, end.end_s))
        self._tally.add(COUNTED[0], 1, (end.state, end.partition))
        if end.run_s > 0:
            self._tally.observe(COUNTED[1], end.run_s, (end.partition, end.job_type))
        self._changed = True
        return True

    def begin_at_zero(self, states: Collection[str], partitions: Collection[str]) -> None:
        """Let counters exist before the first end, or its rise would not be seen."""
        for partition in partitions:
            for state in states:
                self._tally.add(COUNTED[0], 0, (state, partition))

    def forget(self, now_s: float, listed: Collection[str], kept_s: float = 0.0) -> None:
        """Forget jobs that Slurm can no longer list: ended so long ago, and not in `listed`."""
        oldest = now_s - max(kept_s, _KEPT_S)
        self._known = {key: end for key, end in self._known.items() if end >= oldest or key in listed}

    def save(self, now_s: float | None = None) -> None:
        """Write what was counted, then show it.

        Args:
            now_s: the date of a complete list of Slurm's that was counted; None where only some ends were.

        Raises:
            TelemetryError: the file cannot be written.
        """
        self.refreshed_s = self.refreshed_s if now_s is None else now_s
        self.began_s = self.refreshed_s if self.began_s is None else self.began_s
        if self._file is not None and (self._changed or now_s is not None):
            text = json.dumps(
                {
                    "version": _VERSION,
                    "began_s": self.began_s,
                    "refreshed_s": self.refreshed_s,
                    "ended": self._known,
                    "counters": self._tally.dump(COUNTED),
                }
            )
            try:
                self._file.parent.mkdir(parents=True, exist_ok=True)
                write_whole(self._file, text.encode())
            except OSError as error:
                raise TelemetryError(f"{self._file}: cannot be written ({error.strerror}); use --state FILE") from None
        self._changed = False
        self._publish()

    def _publish(self) -> None:
        self._book.restore(self._tally.dump(COUNTED))

    def _load(self, file: Path) -> None:
        try:
            if file.stat().st_size > _LARGEST_FILE:
                raise ValueError("too large")
            saved: Any = json.loads(file.read_text(encoding="utf-8"))
            if saved["version"] != _VERSION:
                raise ValueError(f"version {saved['version']}, not {_VERSION}")
            self._known = {str(key): float(end) for key, end in saved["ended"].items()}
            self.began_s, self.refreshed_s = (
                None if saved[key] is None else float(saved[key]) for key in ("began_s", "refreshed_s")
            )
            self._tally.restore({name: saved["counters"][name] for name in COUNTED})
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            why = f"{type(error).__name__}: {error}"
            raise TelemetryError(f"{file}: no state of this exporter ({why}); remove it to count from 0") from None


def default_state_file(name: str) -> Path:
    """Return the file of this name in the user's folder of states ($XDG_STATE_HOME, ~/.local/state)."""
    folder = os.environ.get("XDG_STATE_HOME") or Path(os.environ.get("HOME") or "/nonexistent") / ".local" / "state"
    return Path(folder) / "wattq" / name
