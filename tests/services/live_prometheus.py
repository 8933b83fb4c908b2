"""Prometheus and Alertmanager of this machine alone, begun for tests and ended by them."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from live_postgres import free_port

__all__ = ["Daemon", "Pages", "begun", "pages", "program", "prometheus", "wait_until"]

# Services of this machine alone are asked directly, whatever proxy the environment names.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def program(*names: str) -> str:
    """Return the first of some programs that is installed; skip the test where none is."""
    found = next((path for name in names if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"{names[0]} is not installed")
    return found


def wait_until(what: Callable[[], object], seconds: float, why: Callable[[], object] = str) -> None:
    """Wait until `what()` is true; fail with the text of `why()` after so many seconds."""
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, why()
        time.sleep(0.25)


@dataclass(frozen=True)
class Daemon:
    """A service at a port of the loopback, and its log."""

    port: int
    log: Path

    def get(self, path: str, **query: str) -> Any:
        """Return the JSON of an answer; an error status is an answer, too."""
        address = f"http://127.0.0.1:{self.port}{path}"
        if query:
            address += "?" + urllib.parse.urlencode(query)
        try:
            with _DIRECT.open(address, timeout=30) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return json.loads(error.read())

    def series(self, expr: str) -> list[dict[str, Any]]:
        """Return what a PromQL expression gives now; fail where it is refused."""
        answer = self.get("/api/v1/query", query=expr)
        assert answer["status"] == "success", f"{expr}: {answer}"
        assert "warnings" not in answer, f"{expr}: {answer}"
        result: list[dict[str, Any]] = answer["data"]["result"]
        return result

    def answers(self, path: str) -> bool:
        """Return whether a page is there."""
        try:
            with _DIRECT.open(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


@contextlib.contextmanager
def begun(
    words: list[str], port: int, log: Path, ready: str, environ: Mapping[str, str] | None = None
) -> Iterator[Daemon]:
    """Begin a service and wait until its page `ready` answers; end it whatever happens."""
    daemon = Daemon(port, log)
    with log.open("wb") as output:
        process = subprocess.Popen(words, stdout=output, stderr=output, env=environ)
    try:
        wait_until(
            lambda: process.poll() is not None or daemon.answers(ready),
            60,
            lambda: log.read_text(encoding="utf-8")[-2000:],
        )
        assert process.poll() is None, log.read_text(encoding="utf-8")[-2000:]
        yield daemon
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def prometheus(config: Path, folder: Path) -> Iterator[Daemon]:
    """Begin Prometheus with a configuration; its data and log go into a folder."""
    port = free_port()
    words = [program("prometheus"), f"--config.file={config}", f"--storage.tsdb.path={folder / 'tsdb'}"]
    words += [f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"]
    with begun(words, port, folder / "prometheus.log", "/-/ready") as daemon:
        yield daemon


class Pages(ThreadingHTTPServer):
    """A web server whose pages are functions, and which keeps what was posted.

    Attributes:
        texts: page by path; a function of no arguments, called for every request.
        posted: what was posted, as JSON.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.texts: dict[str, Callable[[], str]] = {}
        self.posted: list[Any] = []

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Pages

    def do_GET(self) -> None:
        text = self.server.texts.get(self.path)
        self._answer(404 if text is None else 200, "" if text is None else text())

    def do_POST(self) -> None:
        self.server.posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self._answer(200, "")

    def _answer(self, status: int, text: str) -> None:
        body = text.encode()
        with contextlib.suppress(OSError):
            self.send_response(status)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *words: object) -> None:
        pass


@contextlib.contextmanager
def pages() -> Iterator[Pages]:
    """Serve pages within a ``with`` block."""
    server = Pages()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
