"""Services that do not answer are left alone for a while, lest each job waits for them anew."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from wattq.errors import TelemetryError, WattqError

__all__ = ["Patience"]

_SILENT_S = 60.0

_Answer = TypeVar("_Answer")


class Patience:
    """Asks one service, unless it was silent a moment ago.

    Args:
        name: of the service, for messages.
        limit_s: a call that fails after this time counts as silence, s.
        refused_s: how long it is left alone after a call that failed at once, s.
    """

    def __init__(self, name: str, limit_s: float, refused_s: float = 0.0) -> None:
        self._name, self._limit_s, self._refused_s = name, limit_s, refused_s
        self._again_s = 0.0

    @property
    def ready(self) -> bool:
        """Whether it may be asked now."""
        return time.monotonic() >= self._again_s

    def call(self, ask: Callable[[], _Answer]) -> _Answer:
        """Ask.

        Raises:
            TelemetryError: it was silent a moment ago.
            WattqError: as `ask`.
        """
        if not self.ready:
            raise TelemetryError(f"{self._name} did not answer a moment ago, and is left alone for {_SILENT_S:g} s")
        begun_s = time.monotonic()
        try:
            return ask()
        except WattqError:
            now_s = time.monotonic()
            self._again_s = now_s + (_SILENT_S if now_s - begun_s >= self._limit_s else self._refused_s)
            raise
