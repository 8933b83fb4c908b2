"""`wattq telemetry exporter`: as a program that is started, scraped and told to stop."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from wattq.cli import main


@contextmanager
def program(*words: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Start an exporter at a free port; yield it and the port."""
    start = "import sys; from wattq.cli import main; main(sys.argv[1:])"
    command = [sys.executable, "-c", start, "telemetry", "exporter", *words, "--port", "0"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        port = next(int(found[1]) for line in process.stderr if (found := re.search(r":(\d+)/metrics", line)))
        yield process, port
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def scrape(port: int, path: str = "/metrics") -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
        return str(answer.read().decode())


@pytest.fixture(autouse=True)
def direct(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_it_is_told_to_stop(number: signal.Signals, tmp_path: Path) -> None:
    with program("node", "--sysfs-root", str(tmp_path)) as (process, port):
        assert "wattq_node_load15" in scrape(port)
        process.send_signal(number)
        _, said = process.communicate(timeout=30)
    assert (process.returncode, said) == (0, "stopped\n")


def test_a_port_in_use(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with program("node", "--sysfs-root", str(tmp_path)) as (_, port), pytest.raises(SystemExit) as end:
        main(["telemetry", "exporter", "node", "--sysfs-root", str(tmp_path), "--port", str(port)])
    assert end.value.code == 2
    assert f"cannot listen at 127.0.0.1:{port} (Address already in use)" in capsys.readouterr().err


def test_once(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATTQ_EXPORTER_FRESH_S", "0")
    with pytest.raises(SystemExit) as end:
        main(["telemetry", "exporter", "node", "--sysfs-root", str(tmp_path), "--once", "--no-aliases"])
    assert not end.value.code
    printed = capsys.readouterr().out
    assert "wattq_node_cpu_utilization_ratio" in printed
    assert "\nhpc_" not in printed


def test_slurm_once(fake_slurm: Any, job: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    fake_slurm.prints("squeue", job("17"))
    words = ["telemetry", "exporter", "slurm", "--once", "--state", str(tmp_path / "s.json"), "--max-jobs", "0"]
    with pytest.raises(SystemExit) as end:
        main(words)
    assert not end.value.code
    assert "wattq_slurm_jobs_not_shown 1.0" in capsys.readouterr().out
    fake_slurm.fails("squeue", "no controller")
    with pytest.raises(SystemExit) as end:
        main(words)
    assert end.value.code == 1
    assert capsys.readouterr().err == "wattq: error: Slurm does not answer: squeue: exit code 1: no controller\n"


def test_a_state_file_that_cannot_be_written(
    fake_slurm: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SystemExit) as end:
        main(["telemetry", "exporter", "slurm", "--once", "--state", str(tmp_path / "file" / "s.json")])
    assert end.value.code == 2
    assert "cannot be written" in capsys.readouterr().err


def test_slurm_counts_on_after_a_kill(fake_slurm: Any, job: Any, t0: float, tmp_path: Path, until: Any) -> None:
    state = tmp_path / "s.json"
    words = ("slurm", "--state", str(state), "--refresh", "1")
    line = 'wattq_slurm_jobs_finished_total{partition="p",state="COMPLETED"} '
    fake_slurm.prints("squeue", job("17", "COMPLETED", end=t0 + 5))
    with program(*words) as (process, port):
        until(lambda: line + "1.0" in scrape(port))
        process.kill()
        process.communicate(timeout=30)
    fake_slurm.prints("squeue", job("17", "COMPLETED", end=t0 + 5) + job("18", "COMPLETED", end=t0 + 6))
    with program(*words) as (process, port):
        assert line + "0.0" not in scrape(port)
        until(lambda: line + "2.0" in scrape(port))


@pytest.mark.service
def test_two_hundred_scrapes_a_second(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with program("node", "--sysfs-root", str(tmp_path)) as (process, port):
        examine(process.pid, port, "node", capsys)


@pytest.mark.service
def test_two_hundred_scrapes_a_second_of_a_long_queue(
    fake_slurm: Any, job: Any, tmp_path: Path, until: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """A thousand jobs, of 20,000, have metrics of their own, and squeue takes a second."""
    queue = [job(str(n), "RUNNING" if n < 500 else "PENDING", name=f"work{n}") for n in range(1, 20_001)]
    fake_slurm.prints("squeue", "".join(queue))
    script = fake_slurm.folder / "squeue"
    script.write_text(script.read_text(encoding="utf-8").replace("case", "sleep 1\ncase"), encoding="utf-8")
    with program("slurm", "--state", str(tmp_path / "s.json"), "--refresh", "5") as (process, port):
        until(lambda: "wattq_slurm_jobs_not_shown 19000.0" in scrape(port))
        examine(process.pid, port, "slurm", capsys)


def examine(pid: int, port: int, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Ask over eight connections 25 times a second each, for five seconds: all are answered, and little CPU is used."""
    size = len(scrape(port))
    waits, used_s, span_s = load(pid, port, rate=200, seconds=5.0)
    waits.sort()
    median, p99 = waits[len(waits) // 2], waits[int(0.99 * len(waits))]
    share = used_s / span_s
    with capsys.disabled():
        print(
            f"\n{name}: {len(waits)} scrapes of {size} bytes in {span_s:.2f} s: median {median * 1e3:.1f} ms, ", end=""
        )
        print(f"p99 {p99 * 1e3:.1f} ms, worst {waits[-1] * 1e3:.1f} ms, {100 * share:.1f} % of a core")
    assert len(waits) == 1000
    assert share < 0.7


def load(pid: int, port: int, *, rate: int, seconds: float) -> tuple[list[float], float, float]:
    """Scrape at a rate over eight kept connections; return waits, the exporter's CPU time and the time that it took."""
    import http.client
    from concurrent.futures import ThreadPoolExecutor

    process = psutil.Process(pid)
    before = sum(process.cpu_times()[:2])
    begin = time.monotonic()

    def client(number: int) -> list[float]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        waits = []
        for step in range(int(rate * seconds / 8)):
            due = begin + (step * 8 + number) / rate
            time.sleep(max(due - time.monotonic(), 0.0))
            asked = time.monotonic()
            connection.request("GET", "/metrics", headers={"Accept-Encoding": "gzip"})
            answer = connection.getresponse()
            assert (answer.status, len(answer.read()) > 100) == (200, True)
            waits.append(time.monotonic() - asked)
        connection.close()
        return waits

    with ThreadPoolExecutor(8) as pool:
        waits = [wait for found in pool.map(client, range(8)) for wait in found]
    return waits, sum(process.cpu_times()[:2]) - before, time.monotonic() - begin


def test_no_slurm_here(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", os.fspath(tmp_path))
    with pytest.raises(SystemExit) as end:
        main(["telemetry", "exporter", "slurm", "--state", str(tmp_path / "s.json")])
    assert end.value.code == 1
    assert "squeue: not on the PATH" in capsys.readouterr().err
