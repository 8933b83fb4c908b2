"""A folder of rows that wait for the database: files of JSON lines that several processes append to, in one order.

Every line is ``[rows, "table", [{...}, ...]]``. Files are numbered; the last one grows, and one that has been delivered
is removed. ``position.json`` names the spool and says how far it has been delivered.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import socket
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from wattq.errors import TelemetryError
from wattq.telemetry.store.rows import Row

__all__ = ["Position", "Record", "Spool", "SpoolFullError", "pending_rows"]

_SEGMENT = re.compile(r"rows-(\d{10})\.jsonl")
_LINE_START = re.compile(rb"\[(\d{1,9}),")
_MOST_READ = 2**22


class SpoolFullError(TelemetryError):
    """Raised when a spool has no room for a row."""


class Position(NamedTuple):
    """A place in a spool: the number of a file, and bytes from its begin."""

    segment: int
    offset: int


@dataclass(frozen=True)
class Record:
    """A line of a spool.

    Attributes:
        table: where its rows belong.
        rows: the rows; empty for a damaged line.
        end: the place behind it.
        damage: what is wrong with it; empty when it is whole.
    """

    table: str
    rows: list[Row]
    end: Position
    damage: str = ""


class Spool:
    """A folder of rows that wait.

    Args:
        folder: the folder, made when it is not there.
        segment_bytes: size from which on a new file is begun.
        max_bytes: most bytes of all files together.

    Raises:
        TelemetryError: the folder cannot be made or written.
    """

    def __init__(self, folder: Path, *, segment_bytes: int = 2**22, max_bytes: int = 2**30) -> None:
        self.folder = folder
        # What has been delivered of the last file takes room until the file is full.
        self.segment_bytes = min(segment_bytes, max(1, max_bytes // 4))
        self.max_bytes = max_bytes
        self._unsynced: set[Path] = set()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with self._locked("append.lock"):
                self.name = self._name()
        except (OSError, ValueError) as problem:
            why = getattr(problem, "strerror", None) or problem
            raise TelemetryError(
                f"spool {folder}: cannot be used ({why}); check the path and its permissions"
            ) from None

    def append(self, table: str, rows: Sequence[Row]) -> Position:
        """Add a line; it is in the file when this returns, and on the disk after `sync`.

        Returns:
            The place behind it.

        Raises:
            SpoolFullError: there is no room for it.
        """
        line = json.dumps([len(rows), table, rows], separators=(",", ":"), allow_nan=False).encode() + b"\n"
        try:
            with self._locked("append.lock"):
                return self._add(line)
        except OSError as problem:
            raise SpoolFullError(f"spool {self.folder}: cannot be written ({problem.strerror or problem})") from None

    def _add(self, line: bytes) -> Position:
        sizes = _sizes(self.folder)
        number = max(sizes, default=self.position().segment)
        if sum(sizes.values()) + len(line) > self.max_bytes:
            raise SpoolFullError(f"spool {self.folder}: full, {self.max_bytes} bytes wait for the database")
        number += sizes.get(number, 0) >= self.segment_bytes
        path = _segment(self.folder, number)
        with path.open("ab") as file:
            _mend(path)
            _write_or_take_back(file.fileno(), line, os.fstat(file.fileno()).st_size)
            self._unsynced.add(path)
            return Position(number, os.fstat(file.fileno()).st_size)

    def read(self, begin: Position, rows: int) -> list[Record]:
        """Return the next lines, of at most about `rows` rows and a few megabytes in all."""
        found: list[Record] = []
        count = taken = 0
        for number in sorted(number for number in _sizes(self.folder) if number >= begin.segment):
            offset = begin.offset if number == begin.segment else 0
            for record, size in self._lines(number, offset):
                found.append(record)
                count += len(record.rows)
                taken += size
                if count >= rows or taken > _MOST_READ:
                    return found
        return found

    def _lines(self, number: int, offset: int) -> Iterator[tuple[Record, int]]:
        with suppress(FileNotFoundError), _segment(self.folder, number).open("rb") as file:
            file.seek(offset)
            for line in file:
                if not line.endswith(b"\n"):
                    return
                offset += len(line)
                yield _record(line, Position(number, offset)), len(line)

    def end(self) -> Position:
        """Return the place behind the last line."""
        with self._locked("append.lock"):
            sizes = _sizes(self.folder)
            last = max(sizes, default=self.position().segment)
            return Position(last, _mend(_segment(self.folder, last)) if last in sizes else 0)

    def position(self) -> Position:
        """Return how far the spool has been delivered, as far as this machine knows."""
        return _held(self.folder)[1]

    def delivered(self, position: Position) -> None:
        """Note how far the spool has been delivered, and remove files that are not needed any more."""
        # In this order there is room again when the position says so; the database knows it already.
        for number in _sizes(self.folder):
            if number < position.segment:
                _segment(self.folder, number).unlink(missing_ok=True)
        self._hold(self.name.partition("@")[0], position)
        if position.offset >= self.segment_bytes:
            self._start_anew(position)

    def _start_anew(self, position: Position) -> None:
        """Remove the last file too, once it is full and delivered."""
        with self._locked("append.lock"):
            if _sizes(self.folder) == {position.segment: position.offset}:
                self._hold(self.name.partition("@")[0], Position(position.segment + 1, 0))
                _segment(self.folder, position.segment).unlink(missing_ok=True)

    def reject(self, table: str, rows: Sequence[Row], why: str) -> None:
        """Keep rows that the database refuses in ``rejected.jsonl``, with the reason."""
        line = json.dumps({"table": table, "why": why, "rows": rows}) + "\n"
        with (self.folder / "rejected.jsonl").open("a", encoding="utf-8") as file:
            file.write(line)

    def sync(self) -> None:
        """Bring what this process has added to the disk."""
        while self._unsynced:
            with suppress(FileNotFoundError), self._unsynced.pop().open("rb") as file:
                os.fsync(file.fileno())

    @contextmanager
    def delivering(self) -> Iterator[bool]:
        """Hold the right to deliver, if no other process or thread has it; yields whether it is held."""
        with (self.folder / "delivery.lock").open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                yield False
            else:
                yield True

    @contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        # A lock belongs to the open file: opened anew each time, it also keeps threads and forks apart.
        with (self.folder / name).open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _hold(self, name: str, position: Position) -> None:
        part = self.folder / f"position.json.{os.getpid()}.part"
        part.write_text(json.dumps({"spool": name, **position._asdict()}) + "\n", encoding="utf-8")
        part.replace(self.folder / "position.json")

    def _name(self) -> str:
        """Return what the database knows this spool by; one that is copied to another host has another name."""
        name = _held(self.folder)[0]
        if not name:
            # Without a position everything that lies here is delivered again, under a new name.
            name = uuid.uuid4().hex
            self._hold(name, Position(min(_sizes(self.folder), default=1), 0))
        return f"{name}@{socket.gethostname()}"


def pending_rows(folder: Path) -> int:
    """Return how many rows of a spool have not been delivered; nothing is changed."""
    begin, waiting = _held(folder)[1], 0
    for number in sorted(number for number in _sizes(folder) if number >= begin.segment):
        with suppress(FileNotFoundError), _segment(folder, number).open("rb") as file:
            file.seek(begin.offset if number == begin.segment else 0)
            waiting += sum(int(start[1]) for line in file if (start := _LINE_START.match(line)))
    return waiting


def _segment(folder: Path, number: int) -> Path:
    return folder / f"rows-{number:010d}.jsonl"


def _sizes(folder: Path) -> dict[int, int]:
    """Return the sizes of a spool's files, by number."""
    found: dict[int, int] = {}
    with os.scandir(folder) as entries:
        for entry in entries:
            if match := _SEGMENT.fullmatch(entry.name):
                with suppress(FileNotFoundError):
                    found[int(match[1])] = entry.stat().st_size
    return found


def _held(folder: Path) -> tuple[str, Position]:
    """Return name and position of a spool; an empty name where there is none, or a damaged one."""
    try:
        held = json.loads((folder / "position.json").read_text(encoding="utf-8"))
        return str(held["spool"]), Position(int(held["segment"]), int(held["offset"]))
    except (OSError, ValueError, KeyError, TypeError):
        return "", Position(1, 0)


def _record(line: bytes, end: Position) -> Record:
    try:
        count, table, rows = json.loads(line)
        if not (isinstance(table, str) and isinstance(rows, list) and count == len(rows)):
            raise ValueError("not of the form [rows, table, [...]]")
        if not all(isinstance(row, dict) for row in rows):
            raise ValueError("a row is no mapping")
    except (ValueError, TypeError, RecursionError) as problem:
        return Record("", [], end, str(problem)[:200])
    return Record(table, rows, end)


def _mend(path: Path) -> int:
    """End a line that a power cut or a killed process left short, and return the size; the caller holds the lock."""
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        if size:
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                size += file.write(b"\n")
    return size


def _write_or_take_back(descriptor: int, line: bytes, begin: int) -> None:
    """Write a line whole; on a full disk nothing of it stays."""
    try:
        written = 0
        while written < len(line):
            written += os.write(descriptor, line[written:])
    except OSError:
        os.ftruncate(descriptor, begin)
        raise
