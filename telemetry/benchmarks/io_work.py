"""Work for disks and file systems, in batches of milliseconds that count what they do."""

from __future__ import annotations

import contextlib
import os
import random
from collections.abc import Callable
from pathlib import Path

__all__ = ["IO_OPERATIONS", "IoFile"]

IO_OPERATIONS = {
    "sequential_write": "block of 1 MiB written",
    "sequential_read": "block of 1 MiB read",
    "random_access": "block of 4 KiB read or written",
    "file_operations": "file operation",
}
"""What one operation of each kind of work is."""

_BLOCK = 2**20
_PAGE = 4096
_RANDOM = 16
_SMALL = b"x" * _PAGE


class IoFile:
    """A worker's file and folder.

    What is written reaches the disk before it counts as written out: a file is synchronised each time it is full.
    Pages are dropped from the kernel's cache before they are read, where the file system lets them.

    Args:
        folder: of the worker alone; must exist.
        size_bytes: of its file; rounded to whole blocks of 1 MiB, one at least.
        seed: of the places of random access.
    """

    def __init__(self, folder: Path, size_bytes: int, seed: int) -> None:
        self._folder = folder
        self._blocks = max(size_bytes // _BLOCK, 1)
        self._random = random.Random(seed)
        self._data = self._random.randbytes(_BLOCK)
        self._write_at = self._read_at = self._files = 0
        self._file = os.open(folder / "data", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self.read_bytes = self.written_bytes = 0

    def fill(self) -> None:
        """Write the whole file, so that there is something to read."""
        for block in range(self._blocks):
            os.pwrite(self._file, self._data, block * _BLOCK)
        os.fsync(self._file)

    def kernel(self, workload: str) -> Callable[[], tuple[str, float]]:
        """Return a function that does a batch and returns its kind and its operations; ``mixed`` takes turns."""
        batches = {
            "sequential_write": self._write,
            "sequential_read": self._read,
            "random_access": self._jump,
            "file_operations": self._handle_files,
        }
        names = list(batches) if workload == "mixed" else [workload]
        turn = 0

        def batch() -> tuple[str, float]:
            nonlocal turn
            name = names[turn % len(names)]
            turn += 1
            return name, batches[name]()

        return batch

    def _write(self) -> float:
        self.written_bytes += os.pwrite(self._file, self._data, self._write_at * _BLOCK)
        self._write_at = (self._write_at + 1) % self._blocks
        if self._write_at == 0:
            os.fsync(self._file)
        return 1

    def _read(self) -> float:
        if self._read_at == 0:
            self._drop(0, 0)
        self.read_bytes += len(os.pread(self._file, _BLOCK, self._read_at * _BLOCK))
        self._read_at = (self._read_at + 1) % self._blocks
        return 1

    def _jump(self) -> float:
        for step in range(_RANDOM):
            place = self._random.randrange(self._blocks * _BLOCK // _PAGE) * _PAGE
            if step % 2:
                self.written_bytes += os.pwrite(self._file, _SMALL, place)
            else:
                self._drop(place, _PAGE)
                self.read_bytes += len(os.pread(self._file, _PAGE, place))
        os.fdatasync(self._file)
        return _RANDOM

    def _handle_files(self) -> float:
        """Create, write, read, rename, look at and remove a small file: six operations."""
        self._files += 1
        first, second = self._folder / f"f{self._files}", self._folder / f"g{self._files}"
        self.written_bytes += first.write_bytes(_SMALL)
        self.read_bytes += len(first.read_bytes())
        first.rename(second)
        second.stat()
        second.unlink()
        return 6

    def _drop(self, begin: int, length: int) -> None:
        with contextlib.suppress(OSError):
            os.posix_fadvise(self._file, begin, length, os.POSIX_FADV_DONTNEED)

    def close(self) -> None:
        """Close the file; whoever made the folder removes it."""
        os.close(self._file)
