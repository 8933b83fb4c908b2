"""A local HTTP server that answers as the services do."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

Answer = tuple[int, bytes, dict[str, str]]


@dataclass
class Service:
    """A service on this machine.

    Attributes:
        url: base address.
        paths: what was asked, in order.
        answer: gives status, body and headers for a path.
    """

    url: str = ""
    paths: list[str] = field(default_factory=list)
    answer: Callable[[str], Answer] = lambda path: (404, b"{}", {})

    def says(self, make: Callable[[str], object]) -> None:
        """Answer with JSON documents."""
        self.answer = lambda path: (200, json.dumps(make(path)).encode(), {})


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """A service whose answers the test sets."""
    state = Service()
    monkeypatch.setenv("no_proxy", "127.0.0.1")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.paths.append(self.path)
            status, body, headers = state.answer(self.path)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", headers.get("X-Length", str(len(body))))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield state
    server.shutdown()
    server.server_close()
    thread.join()
