"""Writers whose database is away, lost, slow or shared: nothing is lost, nothing comes twice."""

from __future__ import annotations

import logging
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from live_postgres import free_port
from sqlalchemy import event
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

from wattq.errors import TelemetryError
from wattq.telemetry.store import SpooledWriter, Store, open_store
from wattq.telemetry.store.spool import pending_rows

T0 = 1_790_000_000.0
LIMIT_S = 60.0
QUICK = {"linger_s": 0.01, "retry_s": (0.01, 0.05)}


def sample(n: int) -> dict[str, Any]:
    return {"time": T0 + n / 8, "node_id": "n1", "device": "gpu0", "power_w": float(n)}


def powers(store: Store) -> list[float]:
    return [row["power_w"] for row in store.read("power_samples")]


class Outage:
    """Takes databases away and brings them back: connections are refused, transactions break, or answers get lost."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.away = False
        self.lose_answers = 0
        self.failed = 0
        commit = SQLiteDialect_pysqlite.do_commit

        def do_commit(dialect: Any, connection: Any) -> None:
            self.refuse()
            commit(dialect, connection)
            if self.lose_answers and connection.total_changes:
                self.lose_answers -= 1
                raise sqlite3.OperationalError("server closed the connection unexpectedly")

        monkeypatch.setattr(SQLiteDialect_pysqlite, "do_commit", do_commit)

    def refuse(self, *words: Any) -> None:
        if self.away:
            self.failed += 1
            raise sqlite3.OperationalError("connection refused")


@pytest.fixture
def outage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Outage]:
    found = Outage(monkeypatch)
    event.listen(sa.Engine, "do_connect", found.refuse)
    yield found
    event.remove(sa.Engine, "do_connect", found.refuse)


def wait_until(true: Callable[[], bool]) -> None:
    limit_s = time.monotonic() + LIMIT_S
    while not true():
        assert time.monotonic() < limit_s
        time.sleep(0.01)


@pytest.fixture
def url(tmp_path: Path) -> str:
    path = str(tmp_path / "store.db")
    with open_store(path) as store, store.engine.begin() as connection:
        # counts every insert and every update of a row
        connection.execute(sa.text("CREATE TABLE audit (power_w REAL)"))
        for kind in ("INSERT", "UPDATE"):
            body = f"AFTER {kind} ON power_samples BEGIN INSERT INTO audit VALUES (NEW.power_w); END"
            connection.execute(sa.text(f"CREATE TRIGGER audit_{kind} {body}"))
    return path


def audited(url: str) -> list[float]:
    with open_store(url) as store, store.engine.connect() as connection:
        return [row[0] for row in connection.execute(sa.text("SELECT power_w FROM audit ORDER BY rowid"))]


def test_rows_arrive(url: str, tmp_path: Path) -> None:
    with SpooledWriter(url, tmp_path / "spool") as writer:
        assert writer.write("power_samples", [sample(n) for n in range(1200)]) == 1200
        assert writer.flush(LIMIT_S)
        assert writer.pending == 0
    assert audited(url) == [float(n) for n in range(1200)]


def test_rows_arrive_without_being_asked(url: str, tmp_path: Path) -> None:
    writer = SpooledWriter(url, tmp_path / "spool", linger_s=0.01)
    writer.write("power_samples", [sample(0)])
    wait_until(lambda: writer.pending == 0)
    assert audited(url) == [0.0]
    assert writer.close(LIMIT_S)


def test_the_database_is_away_for_a_while(url: str, tmp_path: Path, outage: Outage) -> None:
    """The fault test, scaled down: samples come all the time, the database goes in the midst and comes back."""
    writer = SpooledWriter(url, tmp_path / "spool", batch=50, **QUICK)
    for n in range(1000):
        if n in (200, 600):
            outage.away = True
        if n in (500, 800):
            assert writer.pending > 0
            wait_until(lambda: outage.failed > 0)
            outage.away, outage.failed = False, 0
        writer.write("power_samples", [sample(n)])
        time.sleep(0.0005)
    assert writer.flush(LIMIT_S)
    writer.close()
    assert audited(url) == [float(n) for n in range(1000)]


def test_answers_that_get_lost_bring_no_row_twice(url: str, tmp_path: Path, outage: Outage) -> None:
    with SpooledWriter(url, tmp_path / "spool", batch=10, **QUICK) as writer:
        for n in range(200):
            if n % 40 == 0:
                outage.lose_answers = 2
            writer.write("power_samples", [sample(n)])
        assert writer.flush(LIMIT_S)
    assert outage.lose_answers == 0
    assert audited(url) == [float(n) for n in range(200)]


def test_what_was_left_is_delivered_by_the_next(url: str, tmp_path: Path, outage: Outage) -> None:
    outage.away = True
    with SpooledWriter(url, tmp_path / "spool", **QUICK) as writer:
        writer.write("power_samples", [sample(n) for n in range(7)])
        assert not writer.flush(0.05)
        assert writer.pending == 7
        assert not writer.close(0.05)
    outage.away = False
    with SpooledWriter(url, tmp_path / "spool", **QUICK) as writer:
        assert writer.flush(LIMIT_S)
    assert audited(url) == [float(n) for n in range(7)]


def test_rows_of_one_job_keep_their_order(url: str, tmp_path: Path, outage: Outage) -> None:
    outage.away = True
    with SpooledWriter(url, tmp_path / "spool", **QUICK) as writer:
        for state in ("STARTING", "RUNNING", "COMPLETED"):
            writer.write("job_metrics", [{"time": T0, "job_id": "1", "job_state": state}])
            writer.write("node_metrics", [{"time": T0, "node_id": state}])
        outage.away = False
        assert writer.flush(LIMIT_S)
    with open_store(url) as store:
        assert [row["job_state"] for row in store.read("job_metrics")] == ["COMPLETED"]
        assert len(store.read("node_metrics")) == 3


WRITING = """
import sys
from pathlib import Path
from wattq.telemetry.store import SpooledWriter
url, spool, first = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
writer = SpooledWriter(url, spool, batch=20, linger_s=0.001)
for n in range(first, first + 100_000):
    row = {"time": 1_790_000_000.0 + n / 8, "node_id": "n1", "device": "gpu0", "power_w": float(n)}
    writer.write("power_samples", [row])
    print(n, flush=True)
"""


def test_killed_writers_lose_nothing(url: str, tmp_path: Path) -> None:
    """kill -9 at any moment: every row whose write had returned arrives, once."""
    returned: list[int] = [-1]
    for _ in range(4):
        words = [sys.executable, "-c", WRITING, url, str(tmp_path / "spool"), str(returned[-1] + 2)]
        begin = len(returned)
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for line in process.stdout:
                returned.append(int(line))
                if len(returned) == begin + 150:
                    process.send_signal(signal.SIGKILL)
    with SpooledWriter(url, tmp_path / "spool") as writer:
        assert writer.flush(LIMIT_S)
    found = audited(url)
    assert len(found) == len(set(found)), "none twice"
    assert set(found) >= {float(n) for n in returned[1:]}, "none lost"
    assert len(found) <= len(returned) - 1 + 4, "but for one of each process, whose write had not returned"
    assert found == sorted(found)


def test_several_processes_share_a_spool(url: str, tmp_path: Path, outage: Outage) -> None:
    code = WRITING.replace("100_000", "100") + "assert writer.close(60)\n"
    words = [[sys.executable, "-c", code, url, str(tmp_path / "spool"), str(1000 * k)] for k in range(3)]
    started = [subprocess.Popen(line, stdout=subprocess.DEVNULL) for line in words]
    assert [process.wait(LIMIT_S) for process in started] == [0, 0, 0]
    assert sorted(audited(url)) == [1000.0 * k + n for k in range(3) for n in range(100)]
    assert pending_rows(tmp_path / "spool") == 0


def test_threads_share_a_writer(url: str, tmp_path: Path) -> None:
    with SpooledWriter(url, tmp_path / "spool", batch=25) as writer:

        def write(k: int) -> None:
            for n in range(100):
                writer.write("power_samples", [sample(1000 * k + n)])

        threads = [threading.Thread(target=write, args=(k,)) for k in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert writer.flush(LIMIT_S)
    assert sorted(audited(url)) == [1000.0 * k + n for k in range(4) for n in range(100)]


def test_the_log_says_when_it_went_and_came_back(
    url: str, tmp_path: Path, outage: Outage, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "wattq.telemetry.store")
    outage.away = True
    with SpooledWriter(url, tmp_path / "spool", **QUICK) as writer:
        for n in range(3):
            writer.write("power_samples", [sample(n)])
        wait_until(lambda: outage.failed > 3)
        outage.away = False
        assert writer.flush(LIMIT_S)
    gone, back = [record.getMessage() for record in caplog.records]
    assert "cannot open it now (connection refused); rows wait in" in gone
    assert "back after" in back
    assert "3 rows delivered" in back


def test_a_server_that_is_not_there(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    pytest.importorskip("psycopg")
    url = f"postgresql://ann:secret@127.0.0.1:{free_port()}/wattq"
    with SpooledWriter(url, tmp_path / "spool", **QUICK) as writer:
        assert writer.write("power_samples", [sample(0)]) == 1
        assert not writer.flush(0.5)
        assert writer.pending == 1
        assert not writer.close(0.1)
    assert "cannot open it now" in caplog.text
    assert "secret" not in caplog.text


def test_rows_that_cannot_be_right_are_refused_at_once(url: str, tmp_path: Path) -> None:
    with SpooledWriter(url, tmp_path / "spool") as writer:
        with pytest.raises(TelemetryError, match="no column 'watts'"):
            writer.write("power_samples", [{**sample(0), "watts": 1.0}])
        assert writer.pending == 0


def test_rows_that_the_database_refuses_hold_nothing_up(url: str, tmp_path: Path) -> None:
    with open_store(url) as store, store.engine.begin() as connection:
        body = "BEFORE INSERT ON power_samples WHEN NEW.power_w = 3 BEGIN SELECT RAISE(ABORT, 'not this one'); END"
        connection.execute(sa.text(f"CREATE TRIGGER refuse {body}"))
    with SpooledWriter(url, tmp_path / "spool", **QUICK) as writer:
        writer.write("power_samples", [sample(n) for n in range(6)])
        writer.write("power_samples", [sample(6)])
        assert writer.flush(LIMIT_S)
    with open_store(url) as store:
        assert powers(store) == [0.0, 1.0, 2.0, 4.0, 5.0, 6.0]
    kept = (tmp_path / "spool" / "rejected.jsonl").read_text(encoding="utf-8")
    assert '"power_w": 3.0' in kept
    assert "not this one" in kept


def test_a_full_spool_refuses_counts_and_says_so(
    url: str, tmp_path: Path, outage: Outage, caplog: pytest.LogCaptureFixture
) -> None:
    outage.away = True
    with SpooledWriter(url, tmp_path / "spool", max_bytes=1000, **QUICK) as writer:
        taken = sum(writer.write("power_samples", [sample(n)]) for n in range(50))
        assert 0 < taken < 50
        assert writer.refused == 50 - taken
        assert writer.pending == taken
        outage.away = False
        assert writer.flush(LIMIT_S)
        assert writer.write("power_samples", [sample(99)]) == 1, "room again"
    assert caplog.text.count("full, 1000 bytes wait for the database; 1 rows have been refused and are lost") == 1


def test_wrong_addresses_and_options(tmp_path: Path) -> None:
    with pytest.raises(TelemetryError, match="no kind of store"):
        SpooledWriter("mysql://host/db", tmp_path / "spool")
    with pytest.raises(TelemetryError, match="batch 0; must be 1 or more"):
        SpooledWriter(str(tmp_path / "s.db"), tmp_path / "spool", batch=0)


def test_the_spool_outlives_its_store(tmp_path: Path) -> None:
    """A new and empty database gets what comes from now on; nothing is left out because of old positions."""
    for number in range(3):
        url = str(tmp_path / f"{number}.db")
        with SpooledWriter(url, tmp_path / "spool") as writer:
            writer.write("power_samples", [sample(number)])
            assert writer.flush(LIMIT_S)
        with open_store(url) as store:
            assert powers(store) == [float(number)]
        Path(url).unlink()


def test_a_spool_that_vanishes(url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Somebody removes the folder under a writer: rows are refused in words, nothing hangs or breaks."""
    with SpooledWriter(url, tmp_path / "spool", **QUICK) as writer:
        writer.write("power_samples", [sample(0)])
        assert writer.flush(LIMIT_S)
        shutil.rmtree(tmp_path / "spool")
        assert writer.write("power_samples", [sample(1)]) == 0
        assert (writer.refused, writer.pending) == (1, 0)
        assert not writer.flush(1.0)
        assert not writer.close(1.0)
    assert "cannot be written (No such file or directory)" in caplog.text


def test_errors_that_nobody_expects_stop_no_delivery(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    failures = [ZeroDivisionError("what?"), MemoryError(), KeyError("x")]
    real = Store.__init__

    def init(self: Store, *words: Any) -> None:
        if failures:
            raise failures.pop()
        real(self, *words)

    monkeypatch.setattr(Store, "__init__", init)
    with SpooledWriter(url, tmp_path / "spool", **QUICK) as writer:
        writer.write("power_samples", [sample(0)])
        assert writer.flush(LIMIT_S)
    assert failures == []
    assert audited(url) == [0.0]


def test_stores_are_made_by_several_threads_at_a_time(tmp_path: Path) -> None:
    problems: list[Exception] = []

    def make(k: int) -> None:
        try:
            open_store(str(tmp_path / f"{k % 2}.db")).close()
        except Exception as problem:
            problems.append(problem)

    threads = [threading.Thread(target=make, args=(k,)) for k in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
