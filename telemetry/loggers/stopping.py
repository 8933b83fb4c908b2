"""Stopping in order: SIGTERM and Ctrl-C end the wait for the next tick, and files are closed as at the end."""

from __future__ import annotations

import os
import select
import signal
import threading
import types
from collections.abc import Callable

__all__ = ["Stop"]

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_Handler = Callable[[int, types.FrameType | None], object] | int | signal.Handlers | None


class Stop:
    """Asks a loop to stop: on SIGTERM or SIGINT while it is entered, or by `set` from any thread.

    A pipe carries the wish, for a lock could be held by the very code that a signal interrupts. A second signal is
    handled as before, so that Ctrl-C twice ends what hangs.

    Attributes:
        name: of the signal, such as ``SIGTERM``; empty without one.
    """

    def __init__(self) -> None:
        self.name = ""
        self._wished = False
        self._read, self._write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._before: dict[signal.Signals, _Handler] = {}

    def __enter__(self) -> Stop:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._on_signal) for number in _SIGNALS}
        return self

    def __exit__(self, *error: object) -> None:
        self._restore()
        os.close(self._read)
        os.close(self._write)

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    def _on_signal(self, number: int, frame: types.FrameType | None) -> None:
        self.name = signal.Signals(number).name
        self._restore()
        self.set()

    def set(self) -> None:
        """Ask to stop."""
        if not self._wished:
            self._wished = True
            os.write(self._write, b"!")

    def wait(self, timeout_s: float) -> bool:
        """Wait for `timeout_s`, or until asked to stop; return whether it was asked."""
        if timeout_s > 0.0 and not self._wished:
            select.select([self._read], [], [], timeout_s)
        return self._wished
