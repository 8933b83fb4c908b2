"""Watching over Batsim while nothing is heard of it.

Batsim waits for its scheduler for ever, and says nothing when it stops early: with jobs that nobody starts it ends
without a word (batsim-semantics.md, 0.7). So the scheduler watches the connection, and the time.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import zmq
from zmq.utils.monitor import recv_monitor_message

from wattq.errors import WattqError
from wattq.schedulers.plugin.options import SILENCE_LIMIT_S

if TYPE_CHECKING:
    from wattq.schedulers.plugin.bridge import Bridge

__all__ = ["LOOK_MS", "Vigil"]

LOOK_MS = 500
"""How often to look after a silent Batsim, ms."""


class Vigil:
    """Notes who is connected to a socket, and since when nothing was heard.

    Args:
        socket: the scheduler's socket; watched from now on.
        at_least_s: how long Batsim may be silent at least, s, where the option `silence_limit_s` is not given.
    """

    def __init__(self, socket: Any, at_least_s: float = 0.0) -> None:
        self._socket = socket
        self._limit_s = max(at_least_s, SILENCE_LIMIT_S)
        self._monitor = socket.get_monitor_socket(zmq.EVENT_ACCEPTED | zmq.EVENT_DISCONNECTED)
        self._connected = 0
        self._heard_s: float | None = None

    def heard(self) -> None:
        """Note that a message arrived."""
        if self._heard_s is None:
            self._look()
            # Batsim may have connected before the socket was watched.
            self._connected = max(self._connected, 1)
        self._heard_s = time.monotonic()

    def check(self, bridge: Bridge) -> None:
        """Look after Batsim while it is silent; before its first message it may be silent for ever.

        Raises:
            WattqError: Batsim is gone, or was silent for too long.
        """
        if self._heard_s is None:
            return
        self._look()
        if self._connected <= 0:
            raise WattqError(
                _with_rest(f"Batsim went away at {bridge.now_s} s, before the end of the simulation", bridge)
            )
        limit_s = bridge.options.silence_limit_s or self._limit_s
        if time.monotonic() - self._heard_s >= limit_s:
            raise WattqError(
                _with_rest(
                    f"Batsim has been silent for {limit_s:g} s of real time since the reply at {bridge.now_s} s; if it "
                    "needs longer for one step, raise the option 'silence_limit_s'",
                    bridge,
                )
            )

    def close(self) -> None:
        """Stop watching."""
        self._socket.disable_monitor()

    def _look(self) -> None:
        """Count who came and who went."""
        while self._monitor.poll(0):
            event = recv_monitor_message(self._monitor)["event"]
            self._connected += 1 if event == zmq.EVENT_ACCEPTED else -1


def _with_rest(sentence: str, bridge: Bridge) -> str:
    """Return a sentence that goes on with the jobs that were left over."""
    left = bridge.left_over()
    return f"{sentence}; {left}" if left else sentence
