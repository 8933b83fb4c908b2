"""``wattq surrogate evaluate`` and ``tune`` on the command line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from wattq.cli import main


def run(words: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    code = 0
    try:
        main(words)
    except SystemExit as end:
        code = int(end.code or 0)
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_the_command(small_log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["surrogate", "evaluate", str(small_log), "--first", "100", "-m", "last-two", "-m", "requested"]
    words += ["--parts", "accuracy", "--workers", "1", "--cache", str(tmp_path / "cache"), "-o", str(tmp_path / "out")]
    code, out, err = run(words, capsys)
    assert (code, err) == (0, "")
    assert "small: 800 jobs, prequential" in out
    assert f"written: {tmp_path / 'out' / 'metrics.json'}" in out
    assert all(line == line.rstrip() for line in out.splitlines())
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert run(words, capsys)[:2] == (0, out)
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before


def test_two_processes_write_what_one_writes(
    small_log: Path, other_log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["surrogate", "evaluate", str(small_log), str(other_log), "--first", "100", "--fresh"]
    words += ["-m", "last-two", "-m", "similar", "--parts", "accuracy,matrix"]
    assert run([*words, "--workers", "1", "-o", str(tmp_path / "one")], capsys)[0] == 0
    assert run([*words, "--workers", "2", "-o", str(tmp_path / "two")], capsys)[0] == 0
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes(), path.name


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["no-such-log"], "no-such-log"),
        (["LOG", "--parts", "accuracy,shedule"], "--parts shedule"),
        (["LOG", "--model", "last-tow"], "did you mean 'last-two'"),
        (["LOG", "--split", "2"], "--split 2"),
    ],
)
def test_bad_input_is_one_message(
    small_log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    given = [str(small_log) if word == "LOG" else word for word in words]
    command = ["surrogate", "evaluate", *given, "-o", str(tmp_path / "out"), "--cache", str(tmp_path / "cache")]
    code, out, err = run(command, capsys)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert message in err
    assert not (tmp_path / "out").exists()


def test_a_folder_in_use_is_refused_before_the_work(
    small_log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("keep me")
    code, _, err = run(["surrogate", "evaluate", str(small_log), "-o", str(tmp_path / "out")], capsys)
    assert code == 2
    assert "choose another -o" in err
    assert (tmp_path / "out" / "mine.txt").read_text() == "keep me"


def workers_of(process: int) -> list[int]:
    """Return the processes that a process began to work for it."""
    begun = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [int(word) for word in begun if b"spawn_main" in Path(f"/proc/{word}/cmdline").read_bytes()]


@pytest.mark.skipif(
    not Path(f"/proc/self/task/{os.getpid()}/children").is_file(), reason="the system does not list processes"
)
def test_ctrl_c_leaves_no_process_and_no_folder_and_what_is_done_is_kept(small_log: Path, tmp_path: Path) -> None:
    words = ["surrogate", "evaluate", str(small_log), "--first", "100", "--parts", "accuracy", "--workers", "2"]
    words += ["--cache", str(tmp_path / "cache"), "-o", str(tmp_path / "out")]
    command = [sys.executable, "-c", "import sys; from wattq.cli import main; main(sys.argv[1:])", *words]
    with subprocess.Popen(command, start_new_session=True, stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None and not list((tmp_path / "cache").glob("*.npz")):
            time.sleep(0.05)
        assert process.poll() is None, "it ended before it could be stopped"
        workers = workers_of(process.pid)
        assert len(workers) == 2
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted" in err
    assert "Traceback" not in err
    assert not (tmp_path / "out").exists()
    assert list((tmp_path / "cache").glob("*.npz"))
    assert not [worker for worker in workers if Path(f"/proc/{worker}").exists()]
