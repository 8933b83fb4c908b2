"""Processes under watch: their ends are told, and they end with their owner."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from wattq.experiments.batsim.keeper import descendants
from wattq.experiments.batsim.processes import Ended, Processes, ProcessesError, Terminated
from wattq.experiments.batsim.wording import ending, last_line, quotation

BASH = ["bash", "-c"]


def test_ends_are_told_in_their_order(tmp_path: Path) -> None:
    with Processes() as processes:
        processes.start("first", [*BASH, "exit 4"], tmp_path / "a", tmp_path / "b")
        assert processes.wait() == Ended("first", 4)
        processes.start("second", [*BASH, "kill -SEGV $$"], tmp_path / "a", tmp_path / "b")
        assert processes.wait() == Ended("second", -signal.SIGSEGV)


def test_news_during_a_start_are_kept(tmp_path: Path) -> None:
    with Processes() as processes:
        for name in ("a", "b", "c"):
            processes.start(name, ["true"], tmp_path / name, tmp_path / name)
            time.sleep(0.05)
        ends = [processes.wait() for _ in range(3)]
    assert sorted(end.name for end in ends if end is not None) == ["a", "b", "c"]


def test_deadline(tmp_path: Path, alive: Callable[[int], bool]) -> None:
    with Processes() as processes:
        pid = processes.start("long", ["sleep", "600"], tmp_path / "o", tmp_path / "o")
        assert processes.wait(time.monotonic() + 0.05) is None
        assert processes.wait(time.monotonic() - 1.0) is None
        assert alive(pid)
        processes.stop("long")
        assert processes.wait() == Ended("long", -signal.SIGTERM)
    assert not alive(pid)


def test_each_process_leads_its_group_and_shares_no_terminal(tmp_path: Path) -> None:
    with Processes() as processes:
        pid = processes.start("long", ["sleep", "600"], tmp_path / "o", tmp_path / "o")
        assert os.getpgid(pid) == pid
        assert os.getsid(pid) != os.getsid(0)
        assert Path(f"/proc/{pid}/fd/0").readlink() == Path(os.devnull)
        ignored = int(Path(f"/proc/{pid}/status").read_text().split("SigIgn:")[1].split()[0], 16)
        # signals 32 and 33 belong to the C library
        assert ignored & (2**31 - 1) == 0


def test_output_goes_to_files_that_are_emptied(tmp_path: Path) -> None:
    (tmp_path / "o").write_text("old words\n" * 10)
    with Processes() as processes:
        processes.start("both", [*BASH, "echo out; echo err >&2"], tmp_path / "o", tmp_path / "o")
        processes.wait()
    assert (tmp_path / "o").read_text() == "out\nerr\n"


def test_what_cannot_be_started(tmp_path: Path) -> None:
    with Processes() as processes:
        with pytest.raises(ProcessesError, match="x cannot be started: no program 'no-such-program' on PATH"):
            processes.start("x", ["no-such-program"], tmp_path / "o", tmp_path / "o")
        with pytest.raises(ProcessesError, match=r"x cannot be started \(No such file or directory\); its output"):
            processes.start("x", ["true"], tmp_path / "missing" / "o", tmp_path / "o")
        with pytest.raises(ProcessesError, match="x cannot be started"):
            processes.start("x", ["true", "a\0b"], tmp_path / "o", tmp_path / "o")
        processes.start("y", ["true"], tmp_path / "o", tmp_path / "o")
        assert processes.wait() == Ended("y", 0)


def test_an_exception_ends_the_processes(tmp_path: Path, alive: Callable[[int], bool]) -> None:
    pids: list[int] = []

    def run() -> None:
        with Processes(grace_s=0.3) as processes:
            pids.append(processes.start("a", ["sleep", "600"], tmp_path / "o", tmp_path / "o"))
            stubborn = "trap '' TERM; while :; do sleep 0.05; done"
            pids.append(processes.start("b", [*BASH, stubborn], tmp_path / "o", tmp_path / "o"))
            raise RuntimeError("from the block")

    with pytest.raises(RuntimeError, match="from the block"):
        run()
    assert not any(map(alive, pids))


def test_sigterm_before_the_wait(tmp_path: Path) -> None:
    with Processes() as processes:
        processes.start("a", ["sleep", "600"], tmp_path / "o", tmp_path / "o")
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(Terminated):
            processes.wait()
    assert processes.terminated


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        with Processes() as processes:
            processes.start("a", ["true"], tmp_path / "o", tmp_path / "o")
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_descendants() -> None:
    with subprocess.Popen([*BASH, "sleep 600 & sleep 600 & wait"], start_new_session=True) as shell:
        while len(descendants(shell.pid)) < 2:
            time.sleep(0.02)
        below = descendants(shell.pid)
        assert len(below) == 2
        assert set(below) < set(descendants(os.getpid()))
        os.killpg(shell.pid, signal.SIGKILL)
    assert descendants(shell.pid) == []


def test_the_keeper_does_nothing_for_a_stranger() -> None:
    keeper = Path(sys.modules["wattq.experiments.batsim.keeper"].__file__ or "")
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(keeper), "1", "0.1"], stdin=subprocess.PIPE, capture_output=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (1, b"")


def test_wording(tmp_path: Path) -> None:
    assert ending(0) == "ended with exit code 0"
    assert ending(134) == "ended with exit code 134 (SIGABRT)"
    assert ending(200) == "ended with exit code 200"
    assert ending(-9) == "was ended by SIGKILL"
    assert ending(-100) == "was ended by signal 100"
    log, other = tmp_path / "log", tmp_path / "other"
    assert quotation(log, other) == f"{log} says nothing"
    other.write_bytes(b"\x1b[31mred\x1b[0m \xff\n+ batsim\n\n")
    assert last_line(other) == "red \N{REPLACEMENT CHARACTER}"
    assert quotation(log, other) == f"last line of {other}: 'red \N{REPLACEMENT CHARACTER}'"
    other.write_text("x" * 100_000)
    assert last_line(other) == "x" * 197 + "..."
