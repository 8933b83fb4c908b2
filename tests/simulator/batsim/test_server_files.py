"""The output files: which ones, where, all of them or none; and the Pajé trace."""

from __future__ import annotations

import errno
import re
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from wattq.errors import SimulationAbortError
from wattq.simulator.batsim.ending import OutputError
from wattq.simulator.batsim.files import OutputFiles
from wattq.simulator.batsim.paje import schedule_trace

ALL = ["consumed_energy.csv", "jobs.csv", "machine_states.csv", "pstate_changes.csv", "schedule.csv", "schedule.trace"]


def served(kit: SimpleNamespace, inputs: Any, listener: Any, *more: str) -> Any:
    """Return a simulation played to its end."""
    played = kit.Served(inputs.words(listener.endpoint, *more))
    listener.answer(kit.Fcfs(), played.ended)
    assert played.error is None, played.error
    return played.run


@pytest.mark.parametrize(
    ("more", "missing"),
    [
        (["-E"], set()),
        ([], {"consumed_energy.csv", "pstate_changes.csv"}),
        (["-E", "--disable-machine-state-tracing"], {"machine_states.csv"}),
        (["-E", "--disable-schedule-tracing"], {"schedule.trace"}),
    ],
)
def test_which_files_are_written(
    kit: SimpleNamespace, inputs: Any, listener: Any, more: list[str], missing: set[str]
) -> None:
    served(kit, inputs, listener, *more)
    assert inputs.outputs() == sorted({*ALL, "summary.json"} - missing)


def test_a_prefix_may_hold_folders(kit: SimpleNamespace, inputs: Any, listener: Any) -> None:
    (inputs.folder / "out" / "exp1").mkdir(parents=True)
    words = inputs.words(listener.endpoint)
    words[words.index("-e") + 1] = str(inputs.folder / "out" / "exp1" / "run.7")
    played = kit.Served(words)
    listener.answer(kit.Fcfs(), played.ended)
    names = sorted(path.name for path in (inputs.folder / "out" / "exp1").iterdir())
    assert names[0] == "run.7_jobs.csv"
    assert all(name.startswith("run.7_") for name in names)


def files_at(folder: Path) -> OutputFiles:
    return OutputFiles(str(folder / "out"), energy=False, machine_states=True, schedule_trace=True)


def test_results_of_an_earlier_simulation_do_not_outlive_its_beginning(tmp_path: Path) -> None:
    (tmp_path / "out_jobs.csv").write_text("old")
    (tmp_path / "out_other.csv").write_text("mine")
    files_at(tmp_path).prepare()
    assert [path.name for path in tmp_path.iterdir()] == ["out_other.csv"]


def test_a_place_that_cannot_be_written_is_noticed_at_the_beginning(tmp_path: Path) -> None:
    (tmp_path / "out_schedule.csv").mkdir()
    with pytest.raises(SimulationAbortError, match=r"out_schedule\.csv' cannot be written \(Is a directory\)"):
        files_at(tmp_path).prepare()


@pytest.mark.parametrize("broken", ["write_text", "replace"])
def test_all_files_or_none(
    kit: SimpleNamespace, inputs: Any, listener: Any, broken: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run = served(kit, inputs, listener)
    target = tmp_path / "again"
    target.mkdir()
    original = getattr(Path, broken)

    def fails(path: Path, *args: Any, **named: Any) -> Any:
        if "schedule.csv" in path.name:
            raise OSError(errno.ENOSPC, "No space left on device")
        return original(path, *args, **named)

    monkeypatch.setattr(Path, broken, fails)
    with pytest.raises(OutputError, match=r"out_schedule\.csv' cannot be written \(No space left on device\)"):
        files_at(target).write(run)
    assert not list(target.iterdir())


def test_the_end_of_the_program_leaves_no_unfinished_file(tmp_path: Path) -> None:
    files = files_at(tmp_path)
    for name in ("out_jobs.csv.part", "out_schedule.csv"):
        (tmp_path / name).touch()
    files.clean()
    assert [path.name for path in tmp_path.iterdir()] == ["out_schedule.csv"]
    late = threading.Thread(target=files.prepare, daemon=True)
    late.start()
    late.join(0.1)
    assert late.is_alive(), "nobody may make new files after that"
    files._lock.release()
    late.join(30)


def test_schedule_trace(kit: SimpleNamespace, inputs: Any, listener: Any) -> None:
    """Jobs 0 and 1 take the two hosts, job 2 takes the first one again; job 1 is cut at its walltime."""
    jobs = '{"id": "%d", "subtime": %d, "res": 1, "profile": "d", "walltime": %s}'
    text = ", ".join(jobs % row for row in [(0, 0, "9"), (1, 1, "0.5"), (2, 2, "9")])
    profiles = '{"d": {"type": "delay", "delay": 1.75}}'
    document = f'{{"nb_res": 2, "jobs": [{text}], "profiles": {profiles}}}'
    (inputs.folder / "workload.json").write_text(document, encoding="utf-8")
    run = served(kit, inputs, listener)
    written = (inputs.folder / "out_schedule.trace").read_text(encoding="utf-8")
    assert written == schedule_trace(run)
    body = written.partition("# Begin of events\n")[2]
    assert re.sub(r'"[0-9. ]{26}"', "COLOUR", body).splitlines() == [
        "6 0.000000 machine_state m0 w",
        "6 0.000000 machine_state m1 w",
        '5 jw0!0 machine_state "w0!0" COLOUR',
        "6 0.000000 machine_state m0 jw0!0",
        '5 jw0!1 machine_state "w0!1" COLOUR',
        "6 1.000000 machine_state m1 jw0!1",
        '8 1.500000 kk k "w0!1"',
        '8 1.500000 km m1 "w0!1"',
        "6 1.500000 machine_state m1 w",
        "6 1.750000 machine_state m0 w",
        '5 jw0!2 machine_state "w0!2" COLOUR',
        "6 2.000000 machine_state m1 jw0!2",
        "6 3.750000 machine_state m1 w",
        "",
        "# End of events, containers destruction",
        "3 3.750000 m0 machine_ct",
        "3 3.750000 m1 machine_ct",
        "3 3.750000 root root_ct",
    ]


def test_schedule_trace_is_a_paje_file(kit: SimpleNamespace, inputs: Any, listener: Any) -> None:
    """Every line after the head is an event that the head defines, with as many fields."""
    lines = schedule_trace(served(kit, inputs, listener)).splitlines()
    fields: dict[str, int] = {}
    number = ""
    for line in lines:
        if line.startswith("%EventDef"):
            number = line.split()[2]
            fields[number] = 0
        elif line.startswith("% "):
            fields[number] += 1
    assert sorted(map(int, fields)) == list(range(1, 11))
    containers, types = {"0"}, {"0"}
    for line in (line for line in lines if line[:1].isdigit()):
        kind, *rest = re.findall(r'"[^"]*"|\S+', line)
        assert len(rest) == fields[kind], line
        if kind == "1":
            assert rest[0] in types
            types.add(rest[1])
        elif kind == "2":
            assert rest[1] in types
            assert rest[4] in containers
            containers.add(rest[2])
        elif kind == "6":
            assert rest[2] in containers
