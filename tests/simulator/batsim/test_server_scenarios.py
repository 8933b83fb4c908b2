"""Recorded conversations with real Batsim, replayed over a real socket from Batsim's own command line."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from wattq.errors import WattqError

SCENARIOS = Path(__file__).resolve().parents[4] / "shared" / "golden" / "scenarios"
NAMES = sorted(path.name for path in SCENARIOS.iterdir()) if SCENARIOS.is_dir() else []
AS_PROGRAM = [
    "s01_fcfs_delay_e",
    "s05_cluster_comm",
    "s11_exec_busy",
    "s13_reject_silent",
    "s23_dynamic_ack",
    "s27_duplicate_ids",
    "s27_roles",
    "s28_random_energy_seed5",
]


@pytest.fixture
def scenario(request: pytest.FixtureRequest, replay_tool: ModuleType) -> Any:
    """A copy of a scenario with its packed files unpacked; gone after the test."""
    folder = replay_tool.unpacked(SCENARIOS / request.param)
    yield folder
    shutil.rmtree(folder.parent)


def exchanges(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "transcript.jsonl").read_text(encoding="utf-8").split("\n")
    return [json.loads(line) for line in lines if line.strip()]


def play(listener: Any, played: list[dict[str, Any]], compare: ModuleType) -> None:
    """Play the recorded scheduler; every message must be the recorded one."""
    for number, exchange in enumerate(played):
        text = listener.recv()
        if text != exchange["recv"]:
            differences = compare.message_differences(exchange["recv"], text)
            assert not differences, f"message {number}: {differences[:3]}"
        listener.send(json.dumps(exchange["send"]))


def check_files(folder: Path, out: Path, compare: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    """The files written under the prefix are the recorded ones."""
    actual = out / "plain"
    actual.mkdir()
    for path in out.glob("out_*"):
        shutil.copy(path, actual / path.name.removeprefix("out_"))
    report = compare.compare(str(folder), str(actual), 5, compare.CSVS)
    assert report.count == 0, capsys.readouterr().out


@pytest.mark.parametrize("scenario", NAMES, indirect=True)
def test_scenario_over_a_socket(
    scenario: Path,
    listener: Any,
    kit: SimpleNamespace,
    recordings: ModuleType,
    replay_tool: ModuleType,
    compare_tool: ModuleType,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    expected = json.loads((scenario / "expect.json").read_text(encoding="utf-8"))
    words = replay_tool.options(scenario, str(tmp_path / "out"), listener.endpoint)
    served = kit.Served(words)
    if scenario.name in recordings.EXCEPTIONS:
        served.wait()
        error, wording = recordings.REFUSALS[recordings.EXCEPTIONS[scenario.name]]
        assert isinstance(served.error, error)
        assert wording in str(served.error)
        return
    played = exchanges(scenario)
    play(listener, played, compare_tool)
    served.wait()
    assert not listener.socket.poll(0), "a message too many"
    if expected["abort"]:
        assert isinstance(served.error, WattqError)
        if played:
            assert recordings.ABORTS.get(scenario.name, "the simulation aborts") in str(served.error)
        assert not list(tmp_path.glob("out_*"))
        return
    assert served.error is None, served.error
    assert served.run.deadlock == bool(expected["deadlock"])
    check_files(scenario, tmp_path, compare_tool, capsys)


@pytest.mark.parametrize("scenario", AS_PROGRAM, indirect=True)
def test_scenario_played_by_the_program(
    scenario: Path,
    listener: Any,
    kit: SimpleNamespace,
    recordings: ModuleType,
    replay_tool: ModuleType,
    compare_tool: ModuleType,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    expected = json.loads((scenario / "expect.json").read_text(encoding="utf-8"))
    words = replay_tool.options(scenario, str(tmp_path / "out"), listener.endpoint)
    with kit.program(words, cwd=scenario) as process:
        if scenario.name not in recordings.EXCEPTIONS:
            play(listener, exchanges(scenario), compare_tool)
        _, said = process.communicate(timeout=kit.patience_s)
    lines = said.splitlines()
    if scenario.name in recordings.EXCEPTIONS:
        assert process.returncode == 5
        assert len(lines) == 1
    elif expected["abort"]:
        assert process.returncode == -signal.SIGABRT
        assert len(lines) == 1
        assert not list(tmp_path.glob("out_*"))
    else:
        assert process.returncode == 0
        assert len(lines) == bool(expected["deadlock"])
        assert ("deadlock" in said) == bool(expected["deadlock"])
        check_files(scenario, tmp_path, compare_tool, capsys)


def test_the_scenarios_played_by_the_program_cover_every_ending(recordings: ModuleType, shared_dir: Path) -> None:
    endings = set()
    for name in AS_PROGRAM:
        expected = json.loads((SCENARIOS / name / "expect.json").read_text(encoding="utf-8"))
        excepted = name in recordings.EXCEPTIONS
        endings.add("excepted" if excepted else "abort" if expected["abort"] else str(bool(expected["deadlock"])))
    assert endings == {"excepted", "abort", "True", "False"}
    assert len(NAMES) == 143
