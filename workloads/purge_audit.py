"""The log of deletions: one JSON object per line, added and never changed."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from wattq.errors import MissingFileError

__all__ = ["AuditEntry", "add_entry", "open_audit"]


@dataclass(frozen=True)
class AuditEntry:
    """One deletion.

    Attributes:
        when: date of the deletion, UTC, ISO 8601.
        file: the file as it was named.
        sha256_before: digest of the file as it was stored.
        sha256_after: digest of the file as it is stored now; the same when nothing was removed.
        rows_removed: rows that were removed.
        rows_kept: rows that stay.
        rows_without_date: those of them that know no date at all.
        rule: which rows were removed.
        tool: name and version.
    """

    when: str
    file: str
    sha256_before: str
    sha256_after: str
    rows_removed: int
    rows_kept: int
    rows_without_date: int
    rule: str
    tool: str


def open_audit(path: Path) -> BinaryIO:
    """Open a log for adding, before anything is deleted: what cannot be written down is not done.

    Raises:
        MissingFileError: the log cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("a+b")
    except OSError as error:
        why = error.strerror or str(error)
        raise MissingFileError(
            f"{path}: the audit log cannot be written ({why}); this file was not purged, choose another place"
        ) from None


def add_entry(file: BinaryIO, entry: AuditEntry) -> None:
    """Add an entry as one line; a line that an earlier end of the machine cut short is closed first."""
    line = json.dumps(asdict(entry)).encode() + b"\n"
    if file.seek(0, os.SEEK_END):
        file.seek(-1, os.SEEK_END)
        line = line if file.read(1) == b"\n" else b"\n" + line
    file.write(line)
    file.flush()
    os.fsync(file.fileno())
