"""A live Slurm as its own commands tell of it: recorded answers of Slurm 22.05, JSON and text."""

from __future__ import annotations

import math
import os
import stat
from pathlib import Path

import pytest

from wattq.errors import MissingFileError, SlurmError
from wattq.schedulers.slurm.command import SlurmCommands
from wattq.schedulers.slurm.queue_json import parse_queue_json
from wattq.schedulers.slurm.queue_text import QUEUE_WORDS, parse_queue_text
from wattq.schedulers.slurm.reading import JSON_WORDS, parse_nodes, read_snapshot
from wattq.schedulers.slurm.recorded import Recorded, record_answers


def test_the_queue_of_a_real_slurm(recorded: Path) -> None:
    answers = Recorded(recorded)
    snapshot = read_snapshot(answers, answers.clock)
    jobs = {job.label: job for job in snapshot.jobs}
    assert set(jobs) == {"2_[5-9%2]", "2_3", "2_4", "3", "4", "5", "6", "10_[1-3]", "13"}
    array = jobs["2_[5-9%2]"]
    assert (array.tasks, array.throttle, array.limit_s, array.target) == ((5, 6, 7, 8, 9), 2, 93600.0, "2_[5-9]")
    assert jobs["2_3"].runs
    assert jobs["2_3"].node_list == "vm"
    assert jobs["3"].eligible_s is None
    assert jobs["4"].held
    assert not jobs["5"].held
    assert jobs["5"].eligible_s == 1795307468.0
    assert math.isinf(jobs["5"].limit_s)
    assert (jobs["6"].nodes, jobs["6"].exclusive) == (2, True)
    assert jobs["13"].comment == 'wattq:defer=6h; said "ok" | a=b'
    assert jobs["13"].name == "two words"
    assert [(node.name, node.state, node.usable) for node in snapshot.nodes] == [
        ("gone01", "drained", False), ("gone02", "reserved", False), ("vm", "mixed", True),
    ]  # fmt: skip
    assert snapshot.nodes[2].partitions == ("debug", "short")
    assert [(r.name, r.node_list, r.active, r.end_s - r.start_s) for r in snapshot.reservations] == [
        ("course", "gone02", True, 7200.0)
    ]
    assert snapshot.notes == ()


def test_text_says_the_same_as_json(recorded: Path) -> None:
    text = {job.number: job for job in parse_queue_text((recorded / "squeue.txt").read_text(encoding="utf-8"))}
    both = parse_queue_json((recorded / "squeue.json").read_text(encoding="utf-8"))
    # JSON tells of jobs that have ended, too.
    assert {job.label: job.state for job in both if job.over} == {
        "1": "CANCELLED", "8+0": "CANCELLED", "8+1": "CANCELLED", "11": "COMPLETED", "12": "COMPLETED",
    }  # fmt: skip
    told = {job.number: job for job in both if not job.over}
    assert set(text) == set(told)
    for number, job in told.items():
        found = text[number]
        for name in job.__dataclass_fields__:
            # Of the reason, JSON has the word and squeue the sentence; of the tasks that run, squeue does not tell %2.
            if name in ("reason", "throttle") and (name == "reason" or job.runs):
                continue
            assert getattr(found, name) == getattr(job, name), (job.label, name)


def test_a_slurm_without_json_is_read_as_text(recorded: Path) -> None:
    answers = Recorded(recorded)

    def ask(words: tuple[str, ...]) -> str:
        if tuple(words) == JSON_WORDS:
            raise SlurmError("squeue -a --json: exit code 1: unrecognized option '--json'; try it")
        return answers(words)

    snapshot = read_snapshot(ask, answers.clock)
    assert len(snapshot.jobs) == 9
    assert snapshot.notes == (
        "the queue was read as text, for squeue -a --json: exit code 1: unrecognized option '--json'",
    )


def test_later_versions_write_numbers_and_states_otherwise() -> None:
    row = """{"jobs": [{"job_id": 7, "job_state": ["PENDING"], "submit_time": {"set": true, "infinite": false,
    "number": 100}, "eligible_time": {"set": true, "infinite": false, "number": 120}, "time_limit": {"set": false,
    "infinite": true, "number": 0}, "priority": {"set": true, "infinite": false, "number": 5}, "node_count": {"set":
    true, "infinite": false, "number": 3}, "array_job_id": {"set": true, "infinite": false, "number": 0},
    "array_task_id": {"set": false, "infinite": false, "number": 0}, "shared": ["none"], "partition": "a,b"}]}"""
    job = parse_queue_json(row)[0]
    assert (job.label, job.state, job.submit_s, job.eligible_s, job.nodes) == ("7", "PENDING", 100.0, 120.0, 3)
    assert math.isinf(job.limit_s)
    assert job.exclusive
    assert job.partitions == ("a", "b")


def test_signs_behind_the_state_of_a_node() -> None:
    lines = ["a|idle~|0/4/0/4|p|up|infinite", "b|idle*|0/4/0/4|p|up|infinite", "c|idle|0/4/0/4|q|down|1:00:00"]
    nodes = parse_nodes("\n".join(lines))
    assert [(node.name, node.usable, node.flags) for node in nodes] == [
        ("a", True, "~"),
        ("b", False, "*"),
        ("c", False, ""),
    ]


def test_a_line_of_sinfo_that_is_none() -> None:
    with pytest.raises(SlurmError, match=r"sinfo, line 2: 'what is this' cannot be understood"):
        parse_nodes("a|idle|0/4/0/4|p|up|infinite\nwhat is this\n")


def program(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def test_errors_have_the_command_and_its_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, "squeue", "echo 'slurm_load_jobs error: Unable to contact slurm controller' >&2; exit 1")
    program(tmp_path, "sinfo", "sleep 30")
    program(tmp_path, "scontrol", 'echo "$TZ $SLURM_TIME_FORMAT $SQUEUE_FORMAT"')
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/bin{os.pathsep}/usr/bin")
    monkeypatch.setenv("SQUEUE_FORMAT", "%i")
    ask = SlurmCommands(0.3)
    with pytest.raises(SlurmError, match=r"squeue -a: exit code 1: slurm_load_jobs error: Unable to contact"):
        ask(("squeue", "-a"))
    with pytest.raises(SlurmError, match=r"sinfo: no answer within 0\.3 s"):
        ask(("sinfo",))
    assert ask(("scontrol",)) == "UTC0 standard \n"
    monkeypatch.setenv("PATH", str(tmp_path / "none"))
    with pytest.raises(SlurmError, match=r"there is no program squeue; run this where"):
        ask(("squeue",))


def test_answers_are_kept_and_read_again(recorded: Path, tmp_path: Path) -> None:
    answers = Recorded(recorded)
    names = record_answers(answers, tmp_path / "kept", answers.clock)
    assert names == ["recorded.json", "reservations.txt", "sinfo.txt", "squeue.json"]
    again = Recorded(tmp_path / "kept")
    assert read_snapshot(again, again.clock) == read_snapshot(answers, answers.clock)
    with pytest.raises(SlurmError, match="was not recorded"):
        again(QUEUE_WORDS)
    with pytest.raises(MissingFileError, match="give a folder of"):
        Recorded(tmp_path)
