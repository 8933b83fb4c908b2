"""How fast the HTTP API answers `POST /predict` out of its cache: a server process and a client on this machine.

Requests leave at fixed times, whether or not earlier ones were answered (an open loop), and a request's time counts
from when it should have left, so that a server that stalls is not flattered by a client that waits for it.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wattq.errors import WattqError
from wattq.experiments.bench import Result

__all__ = ["Load", "Served", "bench_api", "measure_api", "serving"]

RATE = 1000
"""Requests per second of the budget."""
P99_MS = 50.0
"""Longest time of all but one request in a hundred, ms."""

_MOST_REQUESTS = 100_000
_PATIENCE_S = 60.0
_CODE = "import sys; from wattq.cli import main; main(['api', *sys.argv[1:]])"
_WORDS = ("--port", "0", "--rate", "1000000", "--burst", "1000000")


@dataclass(frozen=True)
class Load:
    """What a client saw.

    Attributes:
        sent: requests.
        good: answers 200.
        cached: answers that came from the cache.
        per_s: answers per second, from the first request to the last answer.
        p50_ms, p99_ms, worst_ms: times from when a request should have left to its answer.
    """

    sent: int
    good: int
    cached: int
    per_s: float
    p50_ms: float
    p99_ms: float
    worst_ms: float


class _Line(asyncio.Protocol):
    """One connection, kept alive; requests in flight are answered in order."""

    def __init__(self, load: _Client) -> None:
        self._load = load
        self._due: list[float] = []
        self._rest = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    @property
    def waiting(self) -> int:
        return len(self._due)

    def send(self, request: bytes, due_s: float) -> None:
        assert self._transport is not None
        self._due.append(due_s)
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._rest += data
        while True:
            head, gap, body = self._rest.partition(b"\r\n\r\n")
            if not gap:
                return
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            if len(body) < length:
                return
            self._load.answered(self._due.pop(0), head[9:12] == b"200", b'"from_cache":true' in body[:length])
            self._rest = body[length:]

    def connection_lost(self, error: Exception | None) -> None:
        self._load.lost(len(self._due))

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


class _Client:
    """Sends requests at their times and takes note of the answers."""

    def __init__(self, requests: int) -> None:
        self.times_s: list[float] = []
        self.good = self.cached = 0
        self.first_s = self.last_s = 0.0
        self._left = requests
        self.done = asyncio.Event()

    def answered(self, due_s: float, good: bool, cached: bool) -> None:
        self.last_s = time.perf_counter()
        self.times_s.append(self.last_s - due_s)
        self.good += good
        self.cached += cached
        self.lost(1)

    def lost(self, requests: int) -> None:
        self._left -= requests
        if self._left <= 0:
            self.done.set()


def _request(number: int, port: int, token: str) -> bytes:
    body = json.dumps({"duration_seconds": 600 + number, "cpu_usage_percent": 80, "cpu_cores": 16}).encode()
    return (
        f"POST /predict HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {token}\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


async def _drive(served: Served, rate: float, seconds: float, connections: int, distinct: int) -> Load:
    count = min(int(rate * seconds), _MOST_REQUESTS)
    port = served.port
    requests = [_request(number, port, served.token) for number in range(distinct)]
    warm = await _send(port, requests, 200.0, connections)
    if warm.good != len(requests):
        raise WattqError(f"the API answered {warm.good} of {len(requests)} requests with 200; see its log")
    client = await _send(port, [requests[k % distinct] for k in range(count)], rate, connections)
    times_ms = 1000.0 * np.array(client.times_s or [np.inf])
    p50, p99 = np.quantile(times_ms, [0.5, 0.99]).tolist()
    per_s = len(client.times_s) / max(client.last_s - client.first_s, 1e-9)
    return Load(count, client.good, client.cached, per_s, p50, p99, float(times_ms.max()))


async def _send(port: int, requests: list[bytes], rate: float, connections: int) -> _Client:
    loop, client = asyncio.get_running_loop(), _Client(len(requests))
    lines = [(await loop.create_connection(lambda: _Line(client), "127.0.0.1", port))[1] for _ in range(connections)]
    client.first_s = time.perf_counter() + 0.01
    for number, request in enumerate(requests):
        due_s = client.first_s + number / rate
        wait_s = due_s - time.perf_counter()
        if wait_s > 0.0:
            await asyncio.sleep(wait_s)
        elif number % 50 == 0:
            await asyncio.sleep(0)
        min(lines, key=lambda line: line.waiting).send(request, due_s)
    try:
        async with asyncio.timeout(_PATIENCE_S):
            await client.done.wait()
    finally:
        for line in lines:
            line.close()
    return client


@dataclass(frozen=True)
class Served:
    """A service that runs.

    Attributes:
        port: where it listens, on this machine alone.
        token: what it lets in.
        process: its process.
    """

    port: int
    token: str
    process: subprocess.Popen[bytes]


@contextmanager
def serving() -> Iterator[Served]:
    """Run ``wattq api`` with tokens at a free port of this machine, and end it.

    Raises:
        WattqError: it does not begin.
    """
    from wattq.telemetry.api import create_token

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        token = create_token(folder / "tokens.json", "bench")
        words = [sys.executable, "-c", _CODE, *_WORDS, "--tokens", str(folder / "tokens.json")]
        log = folder / "log"
        with log.open("wb") as stream, subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=stream) as process:
            try:
                yield Served(_port(log, process), token, process)
            finally:
                process.terminate()
                process.wait(timeout=_PATIENCE_S)


def _port(log: Path, process: subprocess.Popen[bytes]) -> int:
    """Return the port that a service says it listens at, once it has started."""
    end_s = time.monotonic() + _PATIENCE_S
    while time.monotonic() < end_s and process.poll() is None:
        lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
        events = {line["event"]: line for line in lines}
        if "started" in events:
            return int(events["listening"]["port"])
        time.sleep(0.05)
    raise WattqError(f"the API did not begin: {log.read_text()[-300:].strip() or 'no word'}")


def measure_api(
    rate: float = RATE,
    seconds: float = 10.0,
    *,
    connections: int = 16,
    distinct: int = 100,
    served: Served | None = None,
) -> Load:
    """Return how the API answers so many requests per second, of which so many are distinct, all in its cache.

    Args:
        rate: requests per second.
        seconds: how long; at most 100,000 requests are sent.
        connections: kept alive.
        distinct: requests that differ.
        served: a service that runs; by default one is started.

    Raises:
        WattqError: the API does not begin, or does not answer.
    """
    if served is not None:
        return asyncio.run(_drive(served, rate, seconds, connections, distinct))
    with serving() as own:
        return asyncio.run(_drive(own, rate, seconds, connections, distinct))


def bench_api(rate: float = RATE, seconds: float = 10.0) -> list[Result]:
    """The HTTP API: answers per second from the cache, and the time of all but one in a hundred."""
    found = measure_api(rate, seconds)
    title = f"POST /predict from the cache, {rate:g} requests/s for {seconds:g} s"
    return [
        Result(f"{title}: answered", found.good / found.sent * 100.0, 100.0, "%", "", None, more_is_better=True),
        Result(f"{title}: 99 of 100 within", found.p99_ms, P99_MS, "ms", "", None, more_is_better=False),
    ]
