from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from wattq.cli import main

Text = Callable[..., str]


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(["tune", *words])
    return int(end.value.code or 0)


def test_the_command_writes_and_prints(
    tuning_base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = (str(tuning_base / "small.yaml"), "-o", str(tmp_path / "out"), "--trials", "2", "--weeks", "1")
    monkeypatch.setattr(sys, "argv", ["wattq", "tune", *words])
    assert run(*words) == 0
    out = capsys.readouterr().out
    assert out.startswith("The search\n- 2 trials: 2 judged on all tuning weeks")
    assert f"{tmp_path}/out/best.yaml" in out
    text = (tmp_path / "out" / "best.yaml").read_text()
    assert text.startswith("# Found by: wattq tune ")
    assert "platform: ../" in text or f"platform: {tuning_base}" in text or "machine.xml" in text
    assert run(*words) == 2
    assert "go on with it by --resume" in capsys.readouterr().err
    assert run(*words, "--resume") == 0


@pytest.mark.parametrize(
    ("words", "rule"),
    [
        (("nowhere.yaml",), "no such file"),
        (("small.yaml", "--workers", "0"), "--workers 0: give a number from 1 to 64"),
        (("small.yaml", "--storage", "."), "is a folder"),
        (("small.yaml", "--storage", "nosuch://x"), "--storage nosuch://x"),
    ],
)
def test_wrong_input_is_one_message(
    words: tuple[str, ...], rule: str, tuning_base: Path, tmp_path: Path, capsys: Any, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tuning_base)
    assert run(*words, "-o", str(tmp_path / "out"), "--weeks", "1", "--trials", "2") == 2
    err = capsys.readouterr().err
    assert err.startswith("wattq: error: ")
    assert rule in err
    assert "Traceback" not in err


def test_ctrl_c_says_how_to_go_on(tuning_base: Path, tmp_path: Path, capsys: Any, monkeypatch: Any) -> None:
    import wattq.experiments.tuning.search as search

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(search, "work", stop)
    file = str(tuning_base / "small.yaml")
    assert run(file, "-o", str(tmp_path / "out")) == 130
    assert f"go on with: wattq tune {file} --resume -o {tmp_path}/out" in capsys.readouterr().err


@pytest.mark.slow
def test_killed_searches_lose_no_trial(small: Text, tuning_base: Path, tmp_path: Path) -> None:
    """SIGKILL to the search and its workers, three times; then it ends with every trial judged once."""
    (tuning_base / "kill.yaml").write_text(small(("trials: 6", "trials: 24")), encoding="utf-8")
    code = "from wattq.cli import main; main()"
    words = [sys.executable, "-c", code, "tune", str(tuning_base / "kill.yaml"), "-o", str(tmp_path), "--resume"]
    journal = tmp_path / "study.journal"
    for _ in range(3):
        process = subprocess.Popen([*words, "--workers", "2"], start_new_session=True, stdout=subprocess.DEVNULL)
        before = journal.read_bytes().count(b'"op_code":6') if journal.exists() else 0
        while process.poll() is None:
            if journal.exists() and journal.read_bytes().count(b'"op_code":6') >= before + 3:
                os.killpg(process.pid, signal.SIGKILL)
                break
            time.sleep(0.05)
        process.wait()
    done = subprocess.run([*words, "--workers", "1"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "24 trials: 24 judged on all tuning weeks" in done.stdout
    rows = (tmp_path / "trials.csv").read_text().splitlines()[1:]
    knobs = [tuple(row.split(",")[8:11]) for row in rows]
    assert len(rows) == 24
    assert len(set(knobs)) == 24
