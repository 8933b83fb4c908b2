from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future, wait
from pathlib import Path

import pytest

from wattq.experiments.campaign.pool import LocalPool, WorkerLostError

# what tasks of these tests do must be importable in new processes, so that it comes from the standard library


@pytest.fixture(scope="module")
def pool() -> Iterator[LocalPool]:
    made = LocalPool(2)
    yield made
    made.shutdown(wait=False)


def test_results_errors_and_death(pool: LocalPool) -> None:
    good = [pool.submit(pow, 2, n) for n in range(20)]
    bad = pool.submit(int, "x")
    lost = pool.submit(os.kill, 0, signal.SIGCONT)
    assert [future.result(60) for future in good] == [2**n for n in range(20)]
    with pytest.raises(ValueError, match="invalid literal"):
        bad.result(60)
    assert lost.result(60) is None
    killed = pool.submit(os._exit, 3)
    with pytest.raises(WorkerLostError, match="exit code 3"):
        killed.result(60)
    # another process takes the place of the dead one
    assert [pool.submit(pow, 3, n).result(60) for n in range(4)] == [1, 3, 9, 27]


def test_processes_stay_and_are_killed_by_signals_alone(pool: LocalPool) -> None:
    pids = {pool.submit(os.getpid).result(60) for _ in range(10)}
    assert len(pids) <= 2
    victim = pool.submit(os.getpid).result(60)
    busy = [pool.submit(time.sleep, 30) for _ in range(2)]
    while not all(future.running() for future in busy):
        time.sleep(0.01)
    os.kill(victim, signal.SIGKILL)
    done, _ = wait(busy, timeout=20, return_when="FIRST_COMPLETED")
    (dead,) = done
    with pytest.raises(WorkerLostError, match="signal 9"):
        dead.result()


def test_shutdown_at_once() -> None:
    pool = LocalPool(1)
    running: Future[object] = pool.submit(time.sleep, 600)
    waiting = pool.submit(time.sleep, 600)
    while not running.running():
        time.sleep(0.01)
    pool.shutdown(wait=False)
    with pytest.raises(WorkerLostError):
        running.result(0)
    with pytest.raises(CancelledError):
        waiting.result(0)
    with pytest.raises(RuntimeError, match="closed"):
        pool.submit(pow, 1, 1)


CHILD = """\
import os, time
from wattq.experiments.campaign.pool import LocalPool
if __name__ == "__main__":
    pool = LocalPool(1)
    print(pool.submit(os.getpid).result(), flush=True)
    pool.submit(time.sleep, 600)
    time.sleep(600)
"""


def test_workers_end_with_a_killed_parent(tmp_path: Path) -> None:
    (tmp_path / "child.py").write_text(CHILD, encoding="utf-8")
    with subprocess.Popen([sys.executable, str(tmp_path / "child.py")], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        parent.kill()
    until = time.monotonic() + 30
    while Path(f"/proc/{worker}").exists() and time.monotonic() < until:
        time.sleep(0.1)
    assert not Path(f"/proc/{worker}").exists()
