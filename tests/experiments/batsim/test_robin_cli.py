"""``wattq robin``: the file, the options that go before it, `generate`, and exit codes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from wattq.cli import main
from wattq.experiments.batsim.robin_file import RobinFile, read_robin, robin_text

Instance = Callable[..., RobinFile]


@pytest.fixture
def wattq(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run the command line; returns exit code, standard output and standard error."""

    def run(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(words)
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return run


Run = Callable[..., tuple[int, str, str]]


def test_success(instance: Instance, wattq: Run) -> None:
    Path("run.yaml").write_text(robin_text(instance()))
    assert wattq("robin", "run.yaml") == (0, "simulation over; logs in out/log\n", "")
    assert wattq("robin", "run.yaml", "--quiet") == (0, "", "")


def test_failure(instance: Instance, wattq: Run) -> None:
    Path("run.yaml").write_text(robin_text(instance("true", "echo broken; exit 3")))
    code, out, err = wattq("robin", "run.yaml")
    assert (code, out) == (2, "")
    assert err == (
        "wattq: robin: error: The scheduler ended with exit code 3 (last line of out/log/sched.out.log: 'broken')\n"
    )


def test_options_go_before_the_file(instance: Instance, wattq: Run) -> None:
    Path("run.yaml").write_text(robin_text(instance("true", "exit 3")))
    assert wattq("robin", "run.yaml", "--schedcmd", "true", "--output-dir", "out/deeper")[0] == 0
    assert Path("out/deeper/log/sched.out.log").exists()
    hanging = ["--batcmd", instance("sleep 600").batcmd, "--simulation-timeout", "0.3"]
    assert wattq("robin", "run.yaml", "--schedcmd", "true", *hanging)[0] == 1


def test_without_a_file(instance: Instance, wattq: Run) -> None:
    made = instance("true", "", external=False)
    assert wattq("robin", "--batcmd", made.batcmd, "--output-dir", "out")[0] == 0
    code, _, err = wattq("robin", "--batcmd", "batsim")
    assert (code, err) == (
        2,
        "wattq: error: robin: --output-dir missing; give a robin file or these options\n",
    )


def test_warning(instance: Instance, wattq: Run) -> None:
    Path("run.yaml").write_text(robin_text(instance()))
    code, _, err = wattq("robin", "run.yaml", "--output-dir", "other")
    assert code == 0
    assert err == "wattq: robin: warning: Batsim's results go to 'out/run', outside of output-dir 'other'\n"


def test_generate(wattq: Run, tmp_path: Path) -> None:
    path = tmp_path / "made.yaml"
    words = ["--batcmd", "batsim -p 'a b.xml'", "--output-dir", "out", "--failure-timeout", "1.5"]
    assert wattq("robin", "generate", str(path), *words) == (0, f"{path}\n", "")
    assert read_robin(path) == RobinFile("batsim -p 'a b.xml'", "out", "", failure_timeout_s=1.5)
    assert wattq("robin", "generate", *words)[0] == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["missing.yaml"], "missing.yaml: cannot be read (No such file or directory); give a robin file (YAML)"),
        (["a.yaml", "b.yaml"], "robin a.yaml b.yaml: one robin file is expected, or generate and a file"),
        (
            ["bad.yaml"],
            "bad.yaml, line 2, key 'ready-timeout': '1' is no number; give a time in seconds, without quotes",
        ),
    ],
)
def test_bad_input(wattq: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], message: str) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bad.yaml").write_text("batcmd: batsim\nready-timeout: '1'\n")
    code, out, err = wattq("robin", *words)
    assert (code, out) == (2, "")
    assert message in err


def test_a_negative_option(instance: Instance, wattq: Run) -> None:
    Path("run.yaml").write_text(robin_text(instance()))
    code, _, err = wattq("robin", "run.yaml", "--ready-timeout", "-1")
    assert code == 2
    assert "key 'ready-timeout': -1.0 is no time to wait" in err
