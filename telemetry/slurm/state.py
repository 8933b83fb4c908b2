"""What hooks remember of running jobs on this node: a folder of small files, each whole or not there."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from wattq.errors import TelemetryError
from wattq.files import write_whole
from wattq.telemetry.slurm.marks import Mark, parse_marks

__all__ = ["StateFolder"]

_NUMBER = re.compile(r"[0-9]{1,19}")
_DAY_S = 86_400.0
_RECENT_S = 60.0
_PAST = "past.jsonl"


class StateFolder:
    """Files of running jobs, and marks by day.

    A job is a folder ``job_<id>`` of JSON documents; the document ``running`` is its flag, which the epilog removes.
    What finished jobs held is a line each of ``past.jsonl``, and marks are lines of ``marks-<day>.jsonl``, each written
    at once, so that hooks need no lock.

    Args:
        path: the folder; made, for its owner alone, where it is not there.

    Raises:
        TelemetryError: it cannot be made or written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise TelemetryError(f"{path}: cannot be made ({error.strerror or error}); set slurm.state_dir") from None
        if not os.access(path, os.W_OK | os.X_OK):
            raise TelemetryError(f"{path}: cannot be written; set slurm.state_dir to a folder of the hooks' user")

    def folder(self, job_id: str) -> Path:
        """Return the folder of a job.

        Raises:
            TelemetryError: it is no number of a job.
        """
        if _NUMBER.fullmatch(job_id) is None:
            raise TelemetryError(f"job {job_id[:30]!r}: is no number of a job")
        return self.path / f"job_{job_id}"

    def put(self, job_id: str, name: str, document: Mapping[str, Any]) -> None:
        """Write a document of a job.

        Raises:
            MissingFileError: it cannot be written.
        """
        write_whole(self.folder(job_id) / f"{name}.json", json.dumps(document).encode())

    def get(self, job_id: str, name: str) -> dict[str, Any] | None:
        """Return a document of a job; None where there is none that can be read."""
        with suppress(OSError, ValueError):
            document = json.loads((self.folder(job_id) / f"{name}.json").read_bytes())
            return document if isinstance(document, dict) else None
        return None

    def drop(self, job_id: str, name: str) -> None:
        """Remove a document of a job, if it is there."""
        with suppress(OSError):
            (self.folder(job_id) / f"{name}.json").unlink()

    def runs(self, job_id: str) -> bool:
        """Return whether the job's flag is there."""
        return (self.folder(job_id) / "running.json").exists()

    def jobs(self) -> list[str]:
        """Return the jobs that have a folder."""
        with suppress(OSError):
            return sorted(p.name[4:] for p in self.path.glob("job_*") if _NUMBER.fullmatch(p.name[4:]))
        return []

    def mark(self, mark: Mark) -> None:
        """Write a mark down.

        Raises:
            OSError: the disk takes no more.
        """
        # One write of one line to a file opened for appending: lines of several hooks do not mix.
        path = self.path / f"marks-{_day(mark.time_s)}.jsonl"
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.write(file, mark.line().encode())
        finally:
            os.close(file)

    def marks(self, start_s: float, end_s: float) -> list[Mark]:
        """Return the marks of these dates and of what lies just around them, in order."""
        days = sorted({_day(start_s + k * _DAY_S) for k in range(int((end_s - start_s) // _DAY_S) + 1)} | {_day(end_s)})
        texts = []
        for day in days:
            with suppress(OSError):
                texts.append((self.path / f"marks-{day}.jsonl").read_text(encoding="utf-8", errors="replace"))
        return parse_marks("".join(texts))

    def last_mark_s(self) -> float | None:
        """Return when the newest file of marks was written, Unix s."""
        with suppress(OSError, ValueError):
            return max(path.stat().st_mtime for path in self.path.glob("marks-*.jsonl"))
        return None

    def retire(self, job_id: str, held: Mapping[str, Any] | None) -> None:
        """Forget a job that is finished, but for what it held, which jobs beside it need; another run of it stays.

        Raises:
            OSError: the disk takes no more.
        """
        if held is not None:
            with (self.path / _PAST).open("a", encoding="ascii") as file:
                file.write(json.dumps({"job_id": job_id, **held}) + "\n")
        if self.runs(job_id) or self.get(job_id, "gpu_caps"):
            return
        folder = self.folder(job_id)
        with suppress(OSError):
            for path in folder.iterdir():
                path.unlink()
            folder.rmdir()

    def held(self) -> dict[str, dict[str, Any]]:
        """Return what jobs hold of the node, and held as long as it mattered, by job and run."""
        here = {job: self.get(job, "holding") for job in self.jobs()}
        found = {job: each for job, each in here.items() if each and each.get("start_s") is not None}
        return found | {f"{each['job_id']}@{each['start_s']}": each for each in self._past()}

    def tidy(self, now_s: float) -> None:
        """Remove what no job needs any more: marks, and what jobs held that ended before any that runs began.

        Raises:
            MissingFileError: the folder cannot be written.
        """
        here = [self.get(job, "holding") for job in self.jobs()]
        starts = [float(each["start_s"]) for each in here if each and each.get("start_s") is not None]
        oldest_s = min([now_s - _DAY_S, *starts])
        for path in self.path.glob("marks-*.jsonl"):
            if path.name[6:16] < _day(oldest_s):
                path.unlink(missing_ok=True)
        past = self._past()
        kept = [each for each in past if float(each["end_s"]) >= min([now_s - _RECENT_S, *starts])]
        if len(kept) < len(past):
            write_whole(self.path / _PAST, "".join(json.dumps(each) + "\n" for each in kept).encode())

    def _past(self) -> list[dict[str, Any]]:
        found = []
        with suppress(OSError):
            for line in (self.path / _PAST).read_text(encoding="ascii", errors="replace").splitlines():
                with suppress(ValueError):
                    document = json.loads(line)
                    if isinstance(document, dict) and {"job_id", "start_s", "end_s", "cores"} <= set(document):
                        found.append(document)
        return found


def _day(time_s: float) -> str:
    return datetime.fromtimestamp(time_s, UTC).strftime("%Y-%m-%d")
