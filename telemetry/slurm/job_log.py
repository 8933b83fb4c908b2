"""The log of a job's power: a header, a line for each sample, a summary, and in the end an archive."""

from __future__ import annotations

import gzip
import os
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from wattq.errors import TelemetryError
from wattq.files import write_whole

__all__ = ["COLUMNS", "MONITOR_COLUMNS", "JobLog", "Table", "utc"]

COLUMNS = ("timestamp", "cpu_percent", "memory_percent", "cpu_temp_c", "power_w")
"""Columns of ``job_<id>_energy.log``; power is the node's mean since the sample before."""

MONITOR_COLUMNS = (
    "timestamp",
    "job_id",
    "node_id",
    "cpu_percent",
    "memory_percent",
    "load_1m",
    "cpu_temp_c",
    "gpu_temp_c",
    "system_temp_c",
    "fan_rpm",
    "power_w",
    "power_source",
    "disk_read_bytes",
    "disk_write_bytes",
    "network_rx_bytes",
    "network_tx_bytes",
)
"""Columns of ``job_<id>_monitor.log``, of ``energy_monitor.sh``; bytes are since the sample before."""

Table = Mapping[str, object]


def utc(time_s: float) -> str:
    """Return a date in ISO 8601, such as ``2026-01-31T12:00:00Z``."""
    return datetime.fromtimestamp(time_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class JobLog:
    """One log file. Lines that cannot be written (a full disk) are lost and do not stop anything.

    Args:
        folder: where logs are kept; made where it is not there.
        job: how people know the job, such as ``17_3``.
        columns: of a line.
        suffix: what the log is about, in its name.
    """

    def __init__(self, folder: Path, job: str, columns: tuple[str, ...] = COLUMNS, suffix: str = "energy") -> None:
        self.path = folder / f"job_{job}_{suffix}.log"
        self._columns = columns

    def begin(self, facts: Table) -> None:
        """Write the header: what is known of the job, and the names of the columns."""
        lines = [f"# {key}: {_word(value)}" for key, value in facts.items() if value not in (None, "", ())]
        self._append("\n".join([*lines, ",".join(self._columns), ""]))

    def add(self, sample: Table) -> None:
        """Write a line of values by column; empty for what is not known."""
        self._append(",".join(_cell(sample.get(name)) for name in self._columns) + "\n")

    def end(self, summary: Table) -> None:
        """Write the summary."""
        self._append("".join(f"# {key}: {_word(value)}\n" for key, value in summary.items() if value is not None))

    def archive(self) -> Path:
        """Pack the log and remove the plain one.

        Raises:
            MissingFileError: the archive cannot be written; the log stays.
            TelemetryError: there is no log.
        """
        try:
            data = self.path.read_bytes()
        except OSError as error:
            raise TelemetryError(f"{self.path}: cannot be read ({error.strerror or error})") from None
        packed = write_whole(self.path.with_name(self.path.name + ".gz"), gzip.compress(data, mtime=0))
        with suppress(OSError):
            self.path.unlink()
        return packed

    def _append(self, text: str) -> None:
        with suppress(OSError):
            self.path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            # The folder may be of a user who could lay a link there: never write through one.
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            file = os.open(self.path, flags, 0o640)
            try:
                os.write(file, text.encode())
            finally:
                os.close(file)


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _word(value: object) -> str:
    # What users write must not begin a line of its own.
    text = f"{value:.10g}" if isinstance(value, float) else str(value)
    return "".join(letter if letter.isprintable() else " " for letter in text)[:500]
