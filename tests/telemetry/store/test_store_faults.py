"""A real server that is stopped, crashed and started; several processes that write at a time."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from live_postgres import PostgresServer, postgres_server

from wattq.telemetry.store import SpooledWriter, StoreAwayError, open_store

T0 = 1_790_000_000.0
LIMIT_S = 120.0
AWAY_S = 120.0
SAMPLES = 10_000


def sample(n: int) -> dict[str, Any]:
    return {"time": T0 + n / 80, "node_id": "n1", "device": "gpu0", "power_w": float(n)}


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server of its own: these tests take it away."""
    with postgres_server() as begun:
        yield begun


@pytest.fixture
def audited_url(server: PostgresServer) -> str:
    """A database that notes every insert and every update of a sample."""
    url = server.database()
    with open_store(url) as store, store.engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE audit (id BIGSERIAL, power_w DOUBLE PRECISION)"))
        body = "BEGIN INSERT INTO audit (power_w) VALUES (NEW.power_w); RETURN NEW; END"
        connection.execute(sa.text(f"CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $body$ {body} $body$"))
        connection.execute(
            sa.text("CREATE TRIGGER audit AFTER INSERT OR UPDATE ON power_samples FOR EACH ROW EXECUTE FUNCTION note()")
        )
    return url


def audited(url: str) -> list[float]:
    with open_store(url) as store, store.engine.connect() as connection:
        return [row[0] for row in connection.execute(sa.text("SELECT power_w FROM audit ORDER BY id"))]


@pytest.mark.service
def test_the_database_is_away_for_two_minutes(
    server: PostgresServer, audited_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """10,000 samples in 130 s; the server crashes in the midst and is away for 120 s: none lost, none twice."""
    caplog.set_level(logging.WARNING, "wattq.telemetry.store")
    back = threading.Event()

    def take_away() -> None:
        time.sleep(4.0)
        server.stop("immediate")
        time.sleep(AWAY_S)
        server.start()
        back.set()

    thread = threading.Thread(target=take_away)
    thread.start()
    begin_s = time.monotonic()
    with SpooledWriter(audited_url, tmp_path / "spool", batch=200) as writer:
        most = 0
        for n in range(SAMPLES):
            assert writer.write("power_samples", [sample(n)]) == 1
            time.sleep(max(0.0, begin_s + n * 0.013 - time.monotonic()))
            most = max(most, writer.pending) if n % 500 == 0 else most
        thread.join()
        assert back.is_set()
        assert writer.flush(LIMIT_S)
    assert most > SAMPLES / 2, "samples waited on the disk"
    assert audited(audited_url) == [float(n) for n in range(SAMPLES)]
    with open_store(audited_url) as store:
        assert [row["power_w"] for row in store.read("power_samples")] == [float(n) for n in range(SAMPLES)]
    assert "rows wait in" in caplog.text
    assert "back after" in caplog.text


@pytest.mark.service
@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_server_that_is_stopped_again_and_again(
    server: PostgresServer, audited_url: str, tmp_path: Path, mode: str
) -> None:
    with SpooledWriter(audited_url, tmp_path / "spool", batch=20, linger_s=0.01, retry_s=(0.05, 0.2)) as writer:
        for n in range(600):
            if n % 200 == 100:
                server.stop(mode)
            writer.write("power_samples", [sample(n)])
            if n % 200 == 150:
                server.start()
            time.sleep(0.002)
        assert writer.flush(LIMIT_S)
    assert audited(audited_url) == [float(n) for n in range(600)]


@pytest.mark.service
def test_an_open_store_finds_its_server_again(server: PostgresServer) -> None:
    with open_store(server.database()) as store:
        store.write("power_samples", [sample(0)])
        server.stop()
        try:
            with pytest.raises(StoreAwayError, match="cannot write power_samples now"):
                store.write("power_samples", [sample(1)])
            with pytest.raises(StoreAwayError, match="cannot read power_samples now"):
                store.read("power_samples")
        finally:
            server.start()
        store.write("power_samples", [sample(1)])
        assert len(store.read("power_samples")) == 2


WRITING = """
import sys
from wattq.telemetry.store import open_store
url, own, most = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
with open_store(url) as store:
    for n in range(40):
        rows = [{"time": 1e9 + k, "node_id": f"n{own}", "device": "d", "power_w": float(n)} for k in range(n, n + 10)]
        store.write("power_samples", rows)
        # all processes write these, in orders of their own
        shared = [{"time": 1e9 + k, "job_id": "1", f"memory_mb": float(own)} for k in range(20)]
        store.write("job_metrics", shared if own % 2 else shared[::-1])
        assert len(store.read("power_samples", where={"node_id": f"n{own}"})) == n + 10
"""


def test_several_processes_write_at_a_time(place: Any) -> None:
    """The first of them also make the tables."""
    processes = 4 if place.connections > 1 else 1
    words = [
        [sys.executable, "-W", "error", "-c", WRITING, place.url, str(k), str(place.most)] for k in range(processes)
    ]
    started = [subprocess.Popen(line) for line in words]
    assert [process.wait(LIMIT_S) for process in started] == [0] * processes
    with open_store(place.url) as store:
        assert len(store.read("power_samples")) == processes * 49
        assert len(store.read("job_metrics")) == 20
        assert len(store.read("workload_patterns")) == 4


def test_a_reader_does_not_wait_for_a_writer(tmp_path: Path) -> None:
    with open_store(str(tmp_path / "store.db")) as store:
        store.write("power_samples", [sample(0)])
        with store.engine.begin() as writing:
            writing.execute(sa.text("DELETE FROM power_samples"))
            assert len(store.read("power_samples")) == 1
        assert store.read("power_samples") == []


def test_rows_reach_every_kind_through_a_spool(place: Any, tmp_path: Path) -> None:
    with SpooledWriter(place.url, tmp_path / "spool", batch=place.most // 2) as writer:
        for n in range(100):
            writer.write("power_samples", [sample(n)])
        assert writer.flush(LIMIT_S)
    with open_store(place.url) as store:
        assert [row["power_w"] for row in store.read("power_samples")] == [float(n) for n in range(100)]
