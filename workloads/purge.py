"""Deletion at the end of a retention period: rows that ended before a date go, in place, and a line says so."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from wattq import __version__
from wattq.errors import InvalidInputError, MissingFileError
from wattq.workloads.files import compress_for, decompress, read_plain, sha256_hex, write_whole
from wattq.workloads.manifest import manifest_path, refreshed_manifest
from wattq.workloads.purge_audit import AuditEntry, add_entry, open_audit
from wattq.workloads.purge_dates import dated_lines, seconds_of

__all__ = ["AUDIT_NAME", "purge_files", "purge_line"]

AUDIT_NAME = "wattq-purge.jsonl"
"""Name of the audit log beside a file that is purged."""

_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d)?", re.ASCII)


@dataclass(frozen=True)
class _Plan:
    path: Path
    stored: bytes
    entry: AuditEntry


def purge_files(
    files: Sequence[str | Path], before: str, *, audit_log: str | Path | None = None, dry_run: bool = False
) -> list[AuditEntry]:
    """Remove the rows whose last known date is before a date; every other byte stays.

    All files are read and checked before the first is changed. Each is written beside itself and renamed, and keeps its
    permissions; a line is added to the audit log, also when no row had to go. A manifest beside the file
    (``FILE.manifest.json``) gets the new digest.

    Args:
        files: SWF, tables of sacct, CSV with a header; plain, gzip or xz (told by the content, kept by the name).
        before: ``2024-01-31`` or ``2024-01-31T12:00:00``, not in the future; UTC for SWF, the log's own clock else.
        audit_log: the audit log; None is ``wattq-purge.jsonl`` beside each file.
        dry_run: count, and change nothing.

    Raises:
        InvalidInputError: the date is none or in the future, or a file is named twice or is the audit log.
        MissingFileError: a file cannot be read or written.
        WorkloadError: a file breaks its format or has no dates.
    """
    moment = _moment(before)
    paths = [Path(file).resolve() for file in files]
    logs = [Path(audit_log or path.with_name(AUDIT_NAME)).resolve() for path in paths]
    for name, path in zip(files, paths, strict=True):
        if paths.count(path) > 1:
            raise InvalidInputError(f"{name}: the file is named twice; name it once")
        if path in logs:
            raise InvalidInputError(f"{name}: is the audit log, which is never purged; leave it out")
    entries = [_plan(path, str(name), moment).entry for name, path in zip(files, paths, strict=True)]
    if dry_run:
        return entries
    return [_apply(path, str(name), moment, log) for name, path, log in zip(files, paths, logs, strict=True)]


def _moment(text: str) -> datetime:
    if not _DATE.fullmatch(text):
        raise InvalidInputError(f"--before '{text}': a date is expected, such as 2024-01-31 or 2024-01-31T12:00:00")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInputError(f"--before '{text}': there is no such date; name another") from None
    if moment > datetime.now(UTC).replace(tzinfo=None):
        raise InvalidInputError(f"--before {text}: in the future, which would remove everything; name a past date")
    return moment


def _plan(path: Path, name: str, moment: datetime) -> _Plan:
    stored = _stored(path)
    lines = dated_lines(decompress(stored, name), name)
    limit = seconds_of(moment)
    removed = [
        row and date is not None and date < limit for (_, date), row in zip(lines.pieces, lines.rows, strict=True)
    ]
    new = stored
    if any(removed):
        new = _packed(
            path, stored, b"".join(text for (text, _), gone in zip(lines.pieces, removed, strict=True) if not gone)
        )
    undated = sum(row and date is None for (_, date), row in zip(lines.pieces, lines.rows, strict=True))
    entry = AuditEntry(
        when=datetime.now(UTC).isoformat(timespec="seconds"),
        file=name,
        sha256_before=sha256_hex(stored),
        sha256_after=sha256_hex(new),
        rows_removed=sum(removed),
        rows_kept=sum(lines.rows) - sum(removed),
        rows_without_date=undated,
        rule=f"last known date before {moment.isoformat()}",
        tool=f"wattq {__version__}",
    )
    return _Plan(path, new, entry)


def _stored(path: Path) -> bytes:
    read_plain(path)  # its checks of size and damage, with its messages
    try:
        return path.read_bytes()
    except OSError as error:
        raise MissingFileError(f"{path}: cannot be read ({error.strerror or error}); check its permissions") from None


def _packed(path: Path, stored: bytes, plain: bytes) -> bytes:
    """Return new content compressed as the old was."""
    for magic, ending in ((b"\x1f\x8b", ".gz"), (b"\xfd7zXZ\x00", ".xz")):
        if stored.startswith(magic):
            return compress_for(ending, plain)
    return plain


def _apply(path: Path, name: str, moment: datetime, log: Path) -> AuditEntry:
    with open_audit(log) as audit:
        plan = _plan(path, name, moment)
        if plan.entry.rows_removed:
            _replace(path, plan.stored)
            _refresh(path, plan)
        add_entry(audit, plan.entry)
    return plan.entry


def _replace(path: Path, data: bytes) -> None:
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file:
            part.chmod(path.stat().st_mode & 0o777)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise MissingFileError(
            f"{path}: cannot be written ({error.strerror or error}); the file is as it was, check its permissions"
        ) from None


def _refresh(path: Path, plan: _Plan) -> None:
    manifest = manifest_path(path)
    if not manifest.is_file():
        return
    entry = plan.entry
    note = {"when": entry.when, "rows_removed": entry.rows_removed, "rule": entry.rule}
    text = refreshed_manifest(
        manifest.read_text(encoding="utf-8", errors="replace"), plan.stored, entry.rows_kept, note
    )
    if text is not None:
        write_whole(manifest, text.encode())


def purge_line(entry: AuditEntry, *, dry_run: bool = False) -> str:
    """Return an entry in words."""
    what = "would be removed" if dry_run else "removed"
    undated = f", {entry.rows_without_date:,} of them without a date" if entry.rows_without_date else ""
    return f"{entry.file}: {entry.rows_removed:,} rows {what} ({entry.rule}), {entry.rows_kept:,} kept{undated}"
