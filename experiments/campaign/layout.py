"""Where a campaign keeps what: one folder per run, beside it what is half done, and a record of each attempt."""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wattq.errors import CampaignError

__all__ = ["Layout", "new_nonce", "read_json", "write_file", "write_json"]

RESULT = "result.json"
CELL = "cell.json"
LOG = "log.txt"


def new_nonce() -> str:
    """Return a name that nobody else uses."""
    return uuid.uuid4().hex[:12]


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file as `write_file` does.

    Raises:
        CampaignError: it cannot be written.
    """
    write_file(path, json.dumps(content, ensure_ascii=False, allow_nan=False) + "\n")


def write_file(path: Path, content: str | bytes) -> None:
    """Write a file under a name of its own and rename it; on a shared folder, too, readers see it whole or not at all.

    Several processes may write one file at once: the last one wins.

    Raises:
        CampaignError: it cannot be written.
    """
    part = path.with_name(f".{path.name}.{new_nonce()}")
    try:
        part.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        part.replace(path)
    except OSError as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise CampaignError(f"{path}: cannot be written ({error.strerror or error}); check the folder") from None


def read_json(path: Path) -> dict[str, Any] | None:
    """Return a JSON object; None where there is none, such as a file that another process just replaced."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


@dataclass(frozen=True)
class Layout:
    """The folder of a campaign.

    Attributes:
        root: the folder.
    """

    root: Path

    @property
    def runs(self) -> Path:
        """One folder per finished run, by key."""
        return self.root / "runs"

    @property
    def parts(self) -> Path:
        """Runs that are being made."""
        return self.root / "parts"

    @property
    def attempts(self) -> Path:
        """One record per attempt, by key and a name of its own; and the logs of those that failed."""
        return self.root / "attempts"

    @property
    def series(self) -> Path:
        """Grid series as policies read them."""
        return self.root / "signals"

    @property
    def logs(self) -> Path:
        """What pilot jobs print."""
        return self.root / "pilots"

    @property
    def cells(self) -> Path:
        """What was asked for last: the cells, their columns and weights."""
        return self.root / "cells.json"

    def make(self) -> None:
        """Make the folders.

        Raises:
            CampaignError: the root is something else, or cannot be written.
        """
        if self.root.exists() and not self.root.is_dir():
            raise CampaignError(f"{self.root}: is no folder; choose another -o")
        if self.root.is_dir() and not self.cells.exists() and not self.runs.exists() and any(self.root.iterdir()):
            raise CampaignError(f"{self.root}: holds files, but no campaign; choose another -o, or an empty folder")
        try:
            for folder in (self.runs, self.parts, self.attempts):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CampaignError(
                f"{self.root}: cannot be written ({error.strerror or error}); choose another -o"
            ) from None

    def finished(self) -> set[str]:
        """Return the keys of finished runs, by one look at the folder."""
        return {entry.name for entry in _entries(self.runs) if not entry.name.startswith(".")}

    def result(self, key: str) -> dict[str, Any] | None:
        """Return the figures of a finished run; None without one."""
        return read_json(self.runs / key / RESULT)

    def sweep(self) -> None:
        """Remove what earlier attempts left half done; only who holds the lock may."""
        for entry in _entries(self.parts):
            shutil.rmtree(entry.path, ignore_errors=True)


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            yield from found
    except FileNotFoundError:
        return
