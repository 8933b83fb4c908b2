"""The cache in Redis: shared between services, and no harm when it is away."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from wattq.telemetry.api import make_service

Make = Callable[..., Any]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed")
    port = free_port()
    words = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL) as process:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield f"redis://127.0.0.1:{port}/0", process
        process.kill()


@pytest.mark.service
def test_services_share_answers(
    client_of: Make, settings_for: Make, redis_server: tuple[str, subprocess.Popen[bytes]]
) -> None:
    url, process = redis_server
    one, two, other = (
        client_of(make_service(settings_for(api={"redis_url": url}, signals={"pue": pue}))) for pue in (1.0, 1.0, 1.5)
    )
    assert one.get("/health").json()["redis_connected"] is True
    first = one.post("/predict", {"duration_seconds": 77}).json()
    shared = two.post("/predict", {"duration_seconds": 77}).json()
    assert shared == {**first, "from_cache": True}
    assert other.post("/predict", {"duration_seconds": 77}).json()["from_cache"] is False
    process.kill()
    process.wait()
    assert two.post("/predict", {"duration_seconds": 77}).json()["from_cache"] is True
    fresh = two.post("/predict", {"duration_seconds": 78})
    assert (fresh.status_code, fresh.json()["from_cache"]) == (200, False)
    assert two.get("/health").json()["redis_connected"] is False


@pytest.mark.service
def test_what_others_leave_in_redis_is_checked(
    client_of: Make, settings_for: Make, redis_server: tuple[str, subprocess.Popen[bytes]]
) -> None:
    import redis

    url, _ = redis_server
    one, two = (client_of(make_service(settings_for(api={"redis_url": url}))) for _ in range(2))
    one.post("/predict", {})
    with redis.Redis.from_url(url) as store:
        (key,) = store.keys("wattq:api:*")
        assert 290_000 < store.pttl(key) <= 300_000
        store.set(key, b"<script>", px=1000)
    assert two.post("/predict", {}).json()["from_cache"] is False


def test_a_redis_that_was_never_there(client_of: Make, settings_for: Make) -> None:
    client = client_of(make_service(settings_for(api={"redis_url": f"redis://u:secret@127.0.0.1:{free_port()}/0"})))
    for cached in (False, True):
        found = client.post("/predict", {})
        assert (found.status_code, found.json()["from_cache"]) == (200, cached)
    assert client.get("/health").json()["redis_connected"] is False
