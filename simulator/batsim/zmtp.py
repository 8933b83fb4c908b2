"""The wire protocol of ZeroMQ (ZMTP 3.0, RFC 23, with RFC 28 for request and reply) over a plain TCP connection.

libzmq hands every message over to a thread of its own and back. For a request that waits for its reply, that is two
changes of threads per exchange which gain nothing and take a large part of it. The REQ side over TCP without
authentication, which is all that Batsim uses, needs little: a greeting, one command each way, frames.
"""

from __future__ import annotations

import re
import socket
import struct
import time

__all__ = ["ClosedError", "NotSpokenError", "RequestSocket", "tcp_address"]

_ADDRESS = re.compile(r"^tcp://([A-Za-z0-9][A-Za-z0-9._-]*):(\d{1,5})$", re.ASCII)
_GREETING = b"\xff\x00\x00\x00\x00\x00\x00\x00\x00\x7f\x03\x00NULL".ljust(64, b"\x00")
_READY = b"\x05READY\x0bSocket-Type\x00\x00\x00\x03REQ\x08Identity\x00\x00\x00\x00"
_MORE, _LONG, _COMMAND = 1, 2, 4
_DELIMITER = b"\x01\x00"
_LENGTH = struct.Struct(">Q")
_RETRY_S = 0.05
_CHUNK = 1 << 18


class ClosedError(Exception):
    """Raised when the other side closes the connection instead of replying."""


class NotSpokenError(Exception):
    """Raised when the other side speaks another version or mechanism; libzmq knows more of them."""


def tcp_address(endpoint: str) -> tuple[str, int] | None:
    """Return host and port of an endpoint such as ``tcp://localhost:28000``; None for any other kind."""
    match = _ADDRESS.match(endpoint)
    if match is None or not 0 < int(match[2]) < 65536:
        return None
    return match[1], int(match[2])


def _framed(body: bytes, flags: int = 0) -> bytes:
    """Return a frame."""
    if len(body) > 255:
        return bytes([flags | _LONG]) + _LENGTH.pack(len(body)) + body
    return bytes([flags, len(body)]) + body


def _whole(data: bytes) -> bytes | None:
    """Return the body of a reply that came in one piece, as it nearly always does; None for anything else."""
    n, kind = len(data), data[:3]
    if kind == _DELIMITER + b"\x00" and n > 3 and n == data[3] + 4:
        return data[4:]
    if kind == _DELIMITER + b"\x02" and n > 11 and n == _LENGTH.unpack_from(data, 3)[0] + 11:
        return data[11:]
    return None


class RequestSocket:
    """A REQ socket that is connected to one address.

    The connection is made at the first request, and made again for later ones when it was lost in between; until
    somebody listens there, it is tried again and again.

    Args:
        address: host and port.
        timeout_s: patience with one exchange, in s; None waits for ever.
    """

    def __init__(self, address: tuple[str, int], timeout_s: float | None) -> None:
        self._address = address
        self._timeout_s = timeout_s
        self._deadline: float | None = None
        self._connection: socket.socket | None = None
        self._buffer = bytearray()

    def request(self, body: bytes) -> bytes:
        """Send a request and return the reply.

        Raises:
            TimeoutError: there was none in time.
            ClosedError: the other side closed the connection before it replied.
            NotSpokenError: the other side speaks something else; nothing was sent.
            ValueError: the reply has several parts, or is none at all.
        """
        self._deadline = None if self._timeout_s is None else time.monotonic() + self._timeout_s
        connection = self._send(_DELIMITER + _framed(body))
        try:
            data = connection.recv(_CHUNK)
            if not self._buffer and (whole := _whole(data)) is not None:
                return whole
            return self._reply(connection, data)
        except BlockingIOError:
            raise TimeoutError from None
        except (ConnectionError, ClosedError) as error:
            self.close()
            raise ClosedError from error

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None
        self._buffer.clear()

    def _send(self, data: bytes) -> socket.socket:
        """Send a request, over a new connection when there is none that lives."""
        while True:
            connection = self._connection or self._connect()
            try:
                connection.sendall(data)
            except BlockingIOError:
                raise TimeoutError from None
            except ConnectionError:
                self.close()
            else:
                return connection

    def _connect(self) -> socket.socket:
        """Connect and greet; try until it works, or until there is no time left."""
        while True:
            try:
                family, kind, proto, _, address = socket.getaddrinfo(
                    *self._address, socket.AF_INET, socket.SOCK_STREAM
                )[0]
                connection = socket.socket(family, kind, proto)
                self._connection = connection
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connection.settimeout(self._left_s())
                connection.connect(address)
                self._greet(connection)
                self._limit(connection)
            except (OSError, ClosedError):
                self.close()
                self._left_s()
                time.sleep(_RETRY_S)
            else:
                return connection

    def _left_s(self) -> float | None:
        """Return the time that is left for this exchange; None for ever."""
        if self._deadline is None:
            return None
        left = self._deadline - time.monotonic()
        if left <= 0.0:
            raise TimeoutError
        return left

    def _limit(self, connection: socket.socket) -> None:
        """Let the system call itself end when time is up, which is cheaper than asking before each call."""
        connection.settimeout(None)
        if self._timeout_s is not None:
            whole = int(self._timeout_s)
            limit = struct.pack("ll", whole, int((self._timeout_s - whole) * 1e6))
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)

    def _greet(self, connection: socket.socket) -> None:
        """Exchange greetings and the command READY."""
        connection.sendall(_GREETING)
        start = self._read(connection, 11)
        if start[0] != 0xFF or start[9] != 0x7F or start[10] < 3:
            raise NotSpokenError("an older version of ZeroMQ's protocol, or none")
        mechanism = self._read(connection, 53)[1:21].rstrip(b"\x00")
        if mechanism != b"NULL":
            raise NotSpokenError(f"mechanism {mechanism!r}")
        connection.sendall(_framed(_READY, _COMMAND))
        flags, body = self._frame(connection)
        if not flags & _COMMAND or not body.startswith(b"\x05READY"):
            raise NotSpokenError(f"{body[:40]!r} instead of READY")

    def _read(self, connection: socket.socket, n: int) -> bytes:
        """Return the next n bytes."""
        while len(self._buffer) < n:
            data = connection.recv(_CHUNK)
            if not data:
                raise ClosedError
            self._buffer += data
        data = bytes(self._buffer[:n])
        del self._buffer[:n]
        return data

    def _frame(self, connection: socket.socket) -> tuple[int, bytes]:
        """Return flags and body of the next frame."""
        flags, length = self._read(connection, 2)
        if flags & _LONG:
            (length,) = _LENGTH.unpack(bytes([length]) + self._read(connection, 7))
        return flags, self._read(connection, length)

    def _reply(self, connection: socket.socket, data: bytes) -> bytes:
        """Return a reply that came in pieces, or with a command before it."""
        if not data:
            raise ClosedError
        self._buffer += data
        parts: list[bytes] = []
        while True:
            flags, body = self._frame(connection)
            if flags & _COMMAND:
                self._obey(connection, body)
                continue
            parts.append(body)
            if not flags & _MORE:
                break
        if len(parts) != 2 or parts[0]:
            raise ValueError(f"it has {len(parts) - 1} parts instead of one")
        return parts[1]

    @staticmethod
    def _obey(connection: socket.socket, command: bytes) -> None:
        """Answer a heartbeat; other commands need no answer."""
        if command.startswith(b"\x04PING"):
            connection.sendall(_framed(b"\x04PONG" + command[7:], _COMMAND))
