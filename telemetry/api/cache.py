"""Answers that are kept for a while, under a key that is the same in every process."""

from __future__ import annotations

import hashlib
import json
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["MemoryCache", "stable_key"]


def stable_key(content: Mapping[str, Any]) -> str:
    """Return the sha256 of JSON with sorted keys and no blanks: the same for equal content in every process."""
    return hashlib.sha256(_ENCODE(content).encode()).hexdigest()


_ENCODE = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode


class MemoryCache:
    """Answers in this process: at most so many, each for so long, the least recently used ones go first.

    Args:
        ttl_s: how long an answer is kept, s; 0 keeps none.
        entries: most answers; 0 keeps none.
        clock: seconds that never fall.
    """

    def __init__(self, ttl_s: float, entries: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._ttl_s, self._most, self._clock = ttl_s, entries if ttl_s > 0 else 0, clock
        self._kept: OrderedDict[str, tuple[float, bytes]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: str) -> bytes | None:
        """Return an answer that is still fresh, or None."""
        found = self._kept.get(key)
        if found is None:
            return None
        if self._clock() >= found[0]:
            del self._kept[key]
            return None
        self._kept.move_to_end(key)
        return found[1]

    def put(self, key: str, answer: bytes, ttl_s: float | None = None) -> None:
        """Keep an answer, for a shorter time than others where `ttl_s` says so."""
        if not self._most:
            return
        self._kept[key] = (self._clock() + (self._ttl_s if ttl_s is None else min(ttl_s, self._ttl_s)), answer)
        self._kept.move_to_end(key)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)

    def clear(self) -> None:
        """Forget all answers."""
        self._kept.clear()
