"""Numbers and words from files of the kernel, below a root that tests may choose."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

__all__ = ["Attribute", "read_number", "read_word", "sorted_glob"]

_MOST_BYTES = 4096


def read_word(path: Path) -> str | None:
    """Return the content of a file of sysfs without blanks around it; None where it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(_MOST_BYTES).decode("utf-8", "replace").strip()
    except OSError:
        return None


def read_number(path: Path) -> float | None:
    """Return the whole number in a file of sysfs; None where there is none."""
    return _number((read_word(path) or "").encode())


def sorted_glob(folder: Path, pattern: str) -> list[Path]:
    """Return paths in order, with numbers in them by value: ``temp2_input`` before ``temp10_input``."""
    with suppress(OSError):
        return sorted(folder.glob(pattern), key=lambda path: _natural(str(path)))
    return []


def _natural(name: str) -> list[tuple[int, str]]:
    parts: list[tuple[int, str]] = []
    digits = ""
    for letter in name + "\0":
        if letter.isascii() and letter.isdigit():
            digits += letter
            continue
        if digits:
            parts.append((int(digits), ""))
            digits = ""
        parts.append((-1, letter))
    return parts


def _number(text: bytes) -> float | None:
    try:
        return float(int(text))
    except (ValueError, OverflowError):
        return None


class Attribute:
    """A number of sysfs that is read often: its file stays open, for opening costs most of a reading.

    Args:
        path: the file.

    Raises:
        OSError: it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def number(self) -> float | None:
        """Return the number, read anew; None where the kernel gives none, as after the device was taken out."""
        try:
            return _number(os.pread(self._file, _MOST_BYTES, 0).strip())
        except OSError:
            return None

    def close(self) -> None:
        """Close the file."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
