"""Answers of services on disk: kept for good once they are final, for a while before."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wattq.files import write_whole

__all__ = ["AnswerCache"]


@dataclass(frozen=True)
class AnswerCache:
    """A folder with one JSON file per address.

    Attributes:
        folder: where; None keeps nothing.
        max_age_s: seconds for which an answer that is not final is used again.
        now: Unix time.
    """

    folder: Path | None
    max_age_s: float = 1800.0
    now: Callable[[], float] = time.time

    def get(self, url: str, *, any_age: bool = False) -> Any | None:
        """Return the answer kept for an address, None where there is none, or only an old one that is not final."""
        path = self._path(url)
        if path is None or not path.is_file():
            return None
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            fresh = kept["final"] or any_age or 0 <= self.now() - float(kept["at"]) <= self.max_age_s
            return kept["answer"] if kept["url"] == url and fresh else None
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            # a damaged file is asked for again and replaced
            return None

    def put(self, url: str, answer: Any, *, final: bool) -> None:
        """Keep an answer; the file appears whole or not at all.

        Raises:
            MissingFileError: when the folder cannot be written.
        """
        path = self._path(url)
        if path is not None:
            kept = {"url": url, "at": self.now(), "final": final, "answer": answer}
            write_whole(path, json.dumps(kept).encode())

    def _path(self, url: str) -> Path | None:
        if self.folder is None:
            return None
        return self.folder / f"{hashlib.sha256(url.encode()).hexdigest()[:32]}.json"
