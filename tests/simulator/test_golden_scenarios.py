"""Recorded conversations with real Batsim, replayed message by message and file by file."""

from __future__ import annotations

import importlib.util
import json
import lzma
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from wattq.errors import SimulationAbortError, UnsupportedError, WattqError
from wattq.platforms import read_platform
from wattq.platforms.model import Platform
from wattq.simulator import Run
from wattq.simulator.conversation import converse
from wattq.simulator.external import read_events
from wattq.simulator.protocol import ProtocolOptions
from wattq.workloads import read_workload
from wattq.workloads.model import Workload

SCENARIOS = Path(__file__).resolve().parents[3] / "shared" / "golden" / "scenarios"
NAMES = sorted(path.name for path in SCENARIOS.iterdir()) if SCENARIOS.is_dir() else []

COMMUNICATION = "jobs communicate between hosts"
# How what is not simulated yet is refused: error and words.
REFUSALS: Mapping[str, tuple[type[WattqError], str]] = {
    COMMUNICATION: (UnsupportedError, "key 'com': communication between hosts is not simulated"),
}
EXCEPTIONS: Mapping[str, str] = {
    "s05_cluster_comm": COMMUNICATION,
    "s05_routed_comm": COMMUNICATION,
}
# What the error says where Batsim aborts while it plays; malformed decisions are told by the kind of error alone.
ABORTS: Mapping[str, str] = {
    "s07_profiles_wrong_size": "job 'w0!a' was given 2 machines",
    "s08_multicore_bad_mapping": "'mapping' holds no executor 1",
    "s10_kill_race_pz": "job 'w0!a' does not exist",
    "s11_alloc_commas": "job 'w0!1' was given 1 machines",
    "s11_exec_bad_machine": "machine 2 does not exist",
    "s11_exec_busy": "machine 0 ('h0'), which is computing another job",
    "s11_exec_not_submitted": "job 'w0!2' cannot be executed: its state is NOT_SUBMITTED",
    "s11_exec_twice": "job 'w0!0' cannot be executed: its state is RUNNING",
    "s11_exec_unknown_job": "does not exist",
    "s11_kill_after_report": "job 'w0!0' does not exist",
    "s11_kill_not_started": "job 'w0!0' cannot be killed",
    "s11_reject_running": "job 'w0!0' cannot be rejected: its state is RUNNING",
    "s11_ts_after_now": "dated after the reply that holds it",
    "s12_calls_at_end": "after the end of the simulation",
    "s12_calls_past": "at a date that is not in the future",
    "s17_exec_sleeping": "machine 0 ('h0'), which is sleeping",
    "s17_exec_switching_off": "machine 0 ('h0'), which is switching_off",
    "s17_exec_switching_on": "machine 0 ('h0'), which is switching_on",
    "s17_no_energy": "in a simulation without energy",
    "s17_sleep_busy": "jobs are running on machine 0",
    "s17_sleep_to_sleep": "machine 0 ('h0') sleeps and was asked for power state 2",
    "s17_unknown_machine": "machine 2 does not exist",
    "s17_unknown_pstate": "machine 1 ('h1') has no power state 9",
    "s20_energy_query_no_energy": "in a simulation without energy",
    "s21_initial_sleep_execute": "machine 1 ('h1'), which is in no computing power state",
    "s22_events_available_twice": "machine 3 ('h3') became available while it was",
    "s22_events_exec_unavailable": "machine 1 ('h1'), which is unavailable",
    "s22_events_twice": "machine 3 ('h3') became unavailable twice",
    "s23_dynamic_after_finished": "a job was registered after 'registration_finished'",
    "s23_dynamic_gc": "profile 'dyn_d', which existed some time ago but is no longer accessible",
    "s23_dynamic_not_enabled": "dynamic registration is off; run with --enable-dynamic-jobs",
    "s23_dynamic_unknown_profile": "job 'w0!9' names the profile 'nope', which does not exist",
}


@dataclass
class Replay:
    """The recorded scheduler: compares what it is told, and says what it said.

    The first difference is kept and ends the replay.
    """

    exchanges: list[dict[str, Any]]
    differences: Callable[[str, str], list[Any]]
    asked: int = 0
    wrong: list[str] = field(default_factory=list)

    def __call__(self, text: str) -> str:
        number, self.asked = self.asked, self.asked + 1
        if number >= len(self.exchanges):
            self.wrong.append(f"message {number} is one too many: {text[:200]}")
            raise EOFError
        expected = self.exchanges[number]["recv"]
        if text != expected and (found := self.differences(expected, text)):
            self.wrong.append(f"message {number}: {found[:3]}")
            raise EOFError
        return json.dumps(self.exchanges[number]["send"])


@pytest.fixture(scope="session")
def compare(shared_dir: Path) -> ModuleType:
    """The comparison that came with the recordings."""
    spec = importlib.util.spec_from_file_location("golden_compare", shared_dir / "golden" / "compare.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def read_inputs(folder: Path, args: Mapping[str, Any], scratch: Path) -> tuple[Platform, list[Workload]]:
    """Return the machine and the workloads of a scenario, cut to the hosts that Batsim was told to use."""
    workloads = []
    for number, file in enumerate(args["workloads"]):
        path = folder / file
        if not path.exists():
            # A compressed workload keeps its recorded name, which the first message tells.
            path = scratch / file
            path.write_bytes(lzma.decompress((folder / f"{file}.xz").read_bytes()))
        workloads.append(read_workload(path, name=f"w{number}"))
    largest = max(w.nb_res for w in workloads)
    limits = [limit for limit in (args["mmax"], largest if args["mmax_workload"] else 0) if limit]
    platform = read_platform(
        folder / "platform.xml",
        master=args["master_host"] or "master_host",
        roles=args["roles"],
        mmax=min(limits, default=0),
    )
    return platform, workloads


def play(folder: Path, replay: Replay, scratch: Path) -> Run:
    """Play a scenario from its own files and options."""
    args = json.loads((folder / "args.json").read_text(encoding="utf-8"))
    platform, workloads = read_inputs(folder, args, scratch)
    externals = None
    if args["events"]:
        paths = [folder / file for file in args["events"]]
        externals = read_events(paths, platform.n_hosts, forward_unknown=args["forward_unknown_events"])
    options = ProtocolOptions(
        sched_config=args["sched_config"],
        forward_profiles=args["forward_profiles_on_submission"],
        forward_unknown_events=args["forward_unknown_events"],
        dynamic_jobs=args["dynamic_jobs"],
        acknowledge_dynamic_jobs=args["acknowledge_dynamic_jobs"],
        profile_reuse=args["profile_reuse"],
        compute_sharing=args["compute_sharing"],
    )
    return converse(platform, workloads, replay, energy=args["energy"], externals=externals, options=options)


def recorded(folder: Path, compare: ModuleType) -> Replay:
    """Return the recorded side of a scenario."""
    lines = compare.load(str(folder), "transcript.jsonl").split("\n")
    return Replay([json.loads(line) for line in lines if line.strip()], compare.message_differences)


def check_abort(folder: Path, replay: Replay, scratch: Path) -> None:
    """Where Batsim aborts, wattq fails as well: while it reads its input, or after the last reply."""
    if not replay.exchanges:
        with pytest.raises(WattqError):
            play(folder, replay, scratch)
        return
    kinds = (SimulationAbortError, UnsupportedError)
    with pytest.raises(kinds, match=re.escape(ABORTS.get(folder.name, "the simulation aborts"))):
        play(folder, replay, scratch)
    assert replay.asked == len(replay.exchanges)


def test_no_scenario_is_left_out(shared_dir: Path) -> None:
    assert len(NAMES) == 143
    assert set(EXCEPTIONS) | set(ABORTS) <= set(NAMES)
    assert not set(EXCEPTIONS) & set(ABORTS)


@pytest.mark.parametrize("name", NAMES)
def test_scenario(name: str, compare: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = SCENARIOS / name
    expected = json.loads((folder / "expect.json").read_text(encoding="utf-8"))
    replay = recorded(folder, compare)
    if name in EXCEPTIONS:
        error, words = REFUSALS[EXCEPTIONS[name]]
        with pytest.raises(error, match=re.escape(words)):
            play(folder, replay, tmp_path)
        assert not replay.wrong
        return
    try:
        if expected["abort"]:
            check_abort(folder, replay, tmp_path)
            return
        run = play(folder, replay, tmp_path)
    except EOFError:
        pytest.fail(replay.wrong[0])
    assert replay.asked == len(replay.exchanges)
    assert run.deadlock == bool(expected["deadlock"])
    run.write(tmp_path / "out")
    report = compare.compare(str(folder), str(tmp_path / "out"), 5, compare.CSVS)
    assert report.count == 0, capsys.readouterr().out
