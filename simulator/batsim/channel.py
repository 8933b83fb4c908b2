"""The socket to the scheduler: ZeroMQ REQ, which connects, as Batsim's does."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, NoReturn, Protocol

from wattq.errors import InvalidInputError, SimulationAbortError
from wattq.simulator.batsim.ending import SchedulerSilentError, complain
from wattq.simulator.batsim.log import DEBUG, INFO, Log
from wattq.simulator.batsim.surrogates import has_half_pair
from wattq.simulator.batsim.zmtp import ClosedError, NotSpokenError, RequestSocket, tcp_address

if TYPE_CHECKING:
    import zmq

__all__ = ["Channel"]


class _Requester(Protocol):
    """What a channel needs of a socket."""

    def request(self, body: bytes) -> bytes:
        """Send a request and return the reply; raise TimeoutError when there is none in time."""

    def close(self) -> None:
        """Close the socket at once."""


class _LibraryRequester:
    """A REQ socket of libzmq, for all endpoints that it knows."""

    def __init__(self, endpoint: str, timeout_s: float | None) -> None:
        import zmq

        self._again = zmq.Again
        self._context = zmq.Context()
        self._socket: zmq.Socket[bytes] = self._context.socket(zmq.REQ)
        self._socket.linger = 0
        if timeout_s is not None:
            self._socket.rcvtimeo = self._socket.sndtimeo = max(round(timeout_s * 1000), 1)
        try:
            self._socket.connect(endpoint)
        except zmq.ZMQError as error:
            self.close()
            raise SimulationAbortError(
                f"socket endpoint '{endpoint}' cannot be connected to ({zmq.strerror(error.errno or 0)}); "
                "give one like tcp://localhost:28000 with -s"
            ) from None

    def request(self, body: bytes) -> bytes:
        try:
            self._socket.send(body)
            reply = self._socket.recv_multipart()
        except self._again:
            raise TimeoutError from None
        if len(reply) != 1:
            raise ValueError(f"it has {len(reply)} parts instead of one")
        return reply[0]

    def close(self) -> None:
        self._socket.close()
        self._context.term()


def _text(reply: bytes) -> str:
    """Return a reply as text up to the first NUL, which ends it for Batsim.

    Raises:
        InvalidInputError: it is not UTF-8, or holds half of a surrogate pair, which Batsim's JSON library refuses.
    """
    if 0 in reply:
        reply = reply[: reply.index(0)]
    try:
        text = str(reply, "utf-8")
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"the scheduler's reply is not UTF-8 text ({error}); mend the scheduler") from None
    if has_half_pair(text):
        raise InvalidInputError(
            "the scheduler's reply is not UTF-8 text (half of a surrogate pair); mend the scheduler"
        )
    return text


class Channel:
    """Asks the scheduler and waits for its reply.

    Args:
        endpoint: where the scheduler listens, such as ``tcp://localhost:28000``.
        timeout_s: patience with one reply, in s; None waits for ever, also for a scheduler that is not there yet.
        log: told of each message.

    Raises:
        SimulationAbortError: the endpoint is none that ZeroMQ can connect to.
    """

    def __init__(self, endpoint: str, timeout_s: float | None, log: Log) -> None:
        self._log = log
        self._timeout_s = timeout_s
        self._endpoint = endpoint
        self._verbose = log.shows("network", INFO)
        address = tcp_address(endpoint)
        self._requester: _Requester
        if address is None:
            self._requester = _LibraryRequester(endpoint, timeout_s)
        else:
            self._requester = RequestSocket(address, timeout_s)

    def exchange(self, text: str) -> str:
        """Send a message and return the reply.

        Raises:
            SchedulerSilentError: no reply came in time.
            InvalidInputError: the reply is not UTF-8 text, or has several parts.
        """
        if self._verbose:
            self._say("Sending", text, text)
        try:
            reply = self._request(text.encode("utf-8", "surrogateescape"))
        except TimeoutError:
            self._give_up("did not answer")
        except ClosedError:
            self._wait_for_nobody()
        except ValueError as error:
            raise InvalidInputError(f"the scheduler's reply is no message: {error}; mend the scheduler") from None
        answer = _text(reply)
        if self._verbose:
            self._say("Received", answer, text)
        return answer

    def _request(self, body: bytes) -> bytes:
        """Send a request and return the reply; leave to libzmq whom the own protocol does not reach."""
        try:
            return self._requester.request(body)
        except NotSpokenError:
            self._requester.close()
            self._requester = _LibraryRequester(self._endpoint, self._timeout_s)
            return self._requester.request(body)

    def _wait_for_nobody(self) -> NoReturn:
        """Wait although the scheduler is gone: a REQ socket does not notice that, and so Batsim waits for ever."""
        complain(
            f"the scheduler at '{self._endpoint}' closed the connection without answering; waiting all the same, as "
            "Batsim does (--scheduler-timeout SECONDS ends this)"
        )
        threading.Event().wait(self._timeout_s)
        self._give_up("closed the connection and did not answer")

    def _give_up(self, what: str) -> NoReturn:
        raise SchedulerSilentError(
            f"the scheduler at '{self._endpoint}' {what} within {self._timeout_s:g} s (--scheduler-timeout); "
            "see whether it runs and listens there"
        ) from None

    def _say(self, what: str, text: str, message: str) -> None:
        """Log a message with the date of the simulation, which every message begins with."""
        date = message[len('{"now":') : message.find(",")]
        self._log.say("network", INFO, f"{what} '{text}'", date)
        self._log.say("server", DEBUG, f"{what.lower()} {len(text)} characters", date)

    def close(self) -> None:
        """Close the socket without waiting for anything."""
        self._requester.close()
