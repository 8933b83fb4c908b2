"""A small HTTP server for metrics: bounded connections, bounded bodies, clean stop on SIGTERM."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.client import responses
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import FrameType
from typing import Any, ClassVar
from urllib.parse import urlsplit

from wattq.errors import TelemetryError, WattqError

__all__ = ["MAX_BODY_BYTES", "Answer", "MetricsServer", "Request", "Route", "Routes", "json_answer", "serve_until_told"]

MAX_BODY_BYTES = 65536
"""Largest body of a request, bytes."""

MAX_CONNECTIONS = 64
"""Connections served at once; one more is answered 503."""

IDLE_S = 30.0
"""A connection that says nothing for so long is closed, s."""

_DRAINED_BYTES = 2**20
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


@dataclass(frozen=True)
class Request:
    """What a client asks: headers have names in lower case; the path has no query."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True)
class Answer:
    """What the server says."""

    status: int
    body: bytes
    content_type: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)


Route = Callable[[Request], Answer]
Routes = Mapping[tuple[str, str], Route]


def json_answer(status: int, content: Mapping[str, object]) -> Answer:
    """Return an answer in JSON."""
    return Answer(status, json.dumps(content).encode() + b"\n", "application/json")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "wattq"
    sys_version = ""
    timeout = IDLE_S
    # one packet per answer: with Nagle's rule a scrape on a kept connection would wait 40 ms
    disable_nagle_algorithm = True
    wbufsize = -1
    routes: ClassVar[Routes] = {}

    def answer(self) -> None:
        """Answer one request; the server calls it for each method."""
        path = urlsplit(self.path).path
        method = "GET" if self.command == "HEAD" else self.command
        route = self.routes.get((method, path))
        if route is None:
            self.close_connection = True
            return self._send(self._no_route(path))
        body, refusal = self._read_body()
        if refusal is not None:
            self.close_connection = True
            return self._send(refusal)
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            reply = route(Request(method, path, headers, body))
        except WattqError as error:
            reply = Answer(503, f"{error}\n".encode())
        return self._send(reply)

    def _no_route(self, path: str) -> Answer:
        allowed = [method for method, place in self.routes if place == path]
        if not allowed:
            return Answer(404, b"no such page; metrics are at /metrics\n")
        return Answer(405, b"method not allowed\n", headers={"Allow": ", ".join(allowed)})

    def _read_body(self) -> tuple[bytes, Answer | None]:
        text = self.headers.get("Content-Length", "")
        if self.headers.get("Transfer-Encoding") or (self.command == "POST" and not text):
            return b"", Answer(411, b"say Content-Length\n")
        if text and not (text.isascii() and text.isdigit()):
            return b"", Answer(400, b"Content-Length is no number\n")
        length = int(text or 0)
        if length > MAX_BODY_BYTES:
            # a client that is still sending would not read an answer before its connection breaks
            self.rfile.read(min(length, _DRAINED_BYTES))
            return b"", Answer(413, f"body of {length} bytes; at most {MAX_BODY_BYTES} are read\n".encode())
        body = self.rfile.read(length)
        return (body, None) if len(body) == length else (b"", Answer(400, b"body shorter than Content-Length\n"))

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def log_message(self, *args: Any, **kwargs: Any) -> None:
        """Say nothing: a line per scrape helps nobody."""


class MetricsServer(ThreadingHTTPServer):
    """Serves routes, a thread per connection, until it is stopped.

    Args:
        host: address to listen at; an IPv6 address has a colon.
        port: port, or 0 for a free one.
        routes: (method, path) -> what answers it.

    Raises:
        TelemetryError: the port is in use, or the address is not this machine's.
    """

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, host: str, port: int, routes: Routes) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._places = threading.BoundedSemaphore(MAX_CONNECTIONS)
        answers = {f"do_{method}": _Handler.answer for method in _METHODS}
        handler = type("Handler", (_Handler,), {"routes": dict(routes), **answers})
        try:
            super().__init__((host, port), handler)
        except (OSError, OverflowError) as error:
            why = getattr(error, "strerror", None) or str(error)
            raise TelemetryError(f"cannot listen at {host}:{port} ({why}); choose another --port or --host") from None

    @property
    def port(self) -> int:
        """The port that it listens at."""
        return int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection in a thread, or refuse it where too many are open."""
        if self._places.acquire(blocking=False):
            super().process_request(request, client_address)
            return
        with contextlib.suppress(OSError):
            request.sendall(b"HTTP/1.1 503 " + responses[503].encode() + b"\r\nConnection: close\r\n\r\n")
        self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve a connection, and free its place."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Report what went wrong, but for clients that went away in the middle of an answer."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    @contextlib.contextmanager
    def running(self) -> Iterator[MetricsServer]:
        """Serve in a thread of its own within a ``with`` block."""
        thread = threading.Thread(target=self.serve_forever, args=(0.1,), name="metrics", daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.shutdown()
            thread.join()
            self.server_close()


def serve_until_told(server: MetricsServer, tell: Callable[[str], object]) -> None:
    """Serve until SIGTERM or SIGINT, then close; `tell` gets one line at the begin and one at the end."""
    told = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        told.set()

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        with server.running():
            host = str(server.server_address[0])
            place = f"[{host}]" if ":" in host else host
            tell(f"metrics at http://{place}:{server.port}/metrics")
            told.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    tell("stopped")
