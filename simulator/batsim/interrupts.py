"""Ctrl-C and SIGTERM: the program ends at once, whatever it is doing, and leaves no half-written file.

Python would run a signal handler only once compiled code returns. So the signals are blocked, and a thread waits for
them: compiled code and waiting for the scheduler let other threads run.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable

from wattq.simulator.batsim.ending import complain

__all__ = ["end_on_signals"]

_WORDS = {signal.SIGINT: "interrupted", signal.SIGTERM: "asked to end (SIGTERM)"}


def end_on_signals(clean: Callable[[], None]) -> None:
    """End the program with code 128 + number at SIGINT or SIGTERM; call this before other threads start.

    Args:
        clean: removes what must not stay behind; called in another thread than the caller's.
    """
    watched = {number for number in _WORDS if signal.getsignal(number) is not signal.SIG_IGN}
    if not watched:
        return
    signal.pthread_sigmask(signal.SIG_BLOCK, watched)

    def watch() -> None:
        number = signal.Signals(signal.sigwait(watched))
        clean()
        complain(f"{_WORDS[number]}; no results are written")
        os._exit(128 + number)

    threading.Thread(target=watch, name="signals", daemon=True).start()
