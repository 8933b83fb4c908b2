"""The socket to the scheduler: ZeroMQ REQ, which connects, as Batsim's does."""

from __future__ import annotations

from wattq.errors import InvalidInputError, SimulationAbortError
from wattq.simulator.batsim.ending import SchedulerSilentError
from wattq.simulator.batsim.log import DEBUG, INFO, Log

__all__ = ["Channel"]


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
        import zmq

        self._zmq = zmq
        self._log = log
        self._timeout_s = timeout_s
        self._endpoint = endpoint
        self._verbose = log.shows("network", INFO)
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.REQ)
        self._socket.linger = 0
        if timeout_s is not None:
            self._socket.rcvtimeo = self._socket.sndtimeo = max(round(timeout_s * 1000), 1)
        try:
            self._socket.connect(endpoint)
        except zmq.ZMQError as error:
            self.close()
            raise SimulationAbortError(
                f"socket endpoint '{endpoint}' cannot be connected to ({error.strerror}); "
                "give one like tcp://localhost:28000 with -s"
            ) from None

    def exchange(self, text: str) -> str:
        """Send a message and return the reply.

        Raises:
            SchedulerSilentError: no reply came in time.
            InvalidInputError: the reply is not UTF-8 text.
        """
        if self._verbose:
            self._say("Sending", text, text)
        try:
            self._socket.send(text.encode("utf-8", "surrogateescape"))
            reply = self._socket.recv()
        except self._zmq.Again:
            raise SchedulerSilentError(
                f"the scheduler at '{self._endpoint}' did not answer within {self._timeout_s:g} s "
                "(option --scheduler-timeout); see whether it runs and listens there"
            ) from None
        try:
            answer = str(reply, "utf-8")
        except UnicodeDecodeError as error:
            raise InvalidInputError(f"the scheduler's reply is not UTF-8 text ({error}); mend the scheduler") from None
        if self._verbose:
            self._say("Received", answer, text)
        return answer

    def _say(self, what: str, text: str, message: str) -> None:
        """Log a message with the date of the simulation, which every message begins with."""
        date = message[len('{"now":') : message.find(",")]
        self._log.say("network", INFO, f"{what} '{text}'", date)
        self._log.say("server", DEBUG, f"{what.lower()} {len(text)} characters", date)

    def close(self) -> None:
        """Close the socket without waiting for anything."""
        self._socket.close()
        self._context.term()
