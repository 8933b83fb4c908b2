"""Runs as they lie in folders: found again, cut, several workloads, events; what cannot be played again is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from wattq.cli import main
from wattq.errors import InvalidInputError, MissingFileError
from wattq.experiments.explain import Explanation, explain, explanation_json, explanation_text, open_run
from wattq.experiments.explain.recorded import find_job

BLOCKED = ((0, 3, 100, 100), (1, 4, 50, 50), (10, 1, 50, 200))


def cli(*words: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(list(words))
    return int(end.value.code or 0)


def held(found: Explanation) -> list[str]:
    return [stretch.cause.reason for stretch in found.scene.timeline.stretches]


def test_text(run: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    folder = run("easy", *BLOCKED)
    assert cli("explain", str(folder), "2") == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "Job w0!2 asked for 1 host for up to 3.33 min at 10 s and waited 140 s." not in text
    assert "Job w0!2 asked for 1 host for up to 3.33 min at 10 s and waited 2.33 min." in text
    assert (
        "It waited 90 s behind the reservation of another job: w0!1, first in the queue, is to start at 100 s" in text
    )
    assert "a walltime of 0:01:30 (asked for 0:03:20)" in text
    assert "what came before is the same." in text


def test_json(run: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    folder = run("easy", *BLOCKED)
    assert cli("explain", str(folder), "w0!2", "--json", "--by", "1") == 0
    said = json.loads(capsys.readouterr().out)
    assert said["job"] == "w0!2"
    assert [part["reason"] for part in said["held_by"]] == ["reservation", "hosts"]
    assert said["held_by"][0]["behind"] == "w0!1"
    assert said["held_by"][1]["running"] == [
        {"job": "w0!1", "hosts": 4, "host_s": pytest.approx(200), "expected_end_s": 150.0, "end_s": pytest.approx(150)}
    ]
    (walltime,) = [part for part in said["changes"] if part["kind"] == "walltime"]
    assert (walltime["value"], walltime["was"], walltime["next_smaller_fails"]) == (90, 200, True)
    assert walltime["others"]["later"] == 0


def test_a_job_that_did_not_wait(run: Callable[..., Path]) -> None:
    found = explain(run("easy", *BLOCKED), "0")
    assert "started at once; nothing held it" in explanation_text(found)
    assert json.loads(explanation_json(found))["changes"] == []


def test_ids(run: Callable[..., Path]) -> None:
    opened = open_run(run("easy", *BLOCKED))
    assert find_job(opened, "2") == find_job(opened, "w0!2") == find_job(opened, "002") == 2
    with pytest.raises(InvalidInputError, match="no such job"):
        find_job(opened, "77")


def test_wrong_options(run: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(run("easy", *BLOCKED))
    for words in (["--by", "0"], ["--by", "1.5"], ["--scaling", "square"], ["--horizon", "-1"], ["--simulations", "0"]):
        assert cli("explain", folder, "2", *words) == 2
        assert words[0] in capsys.readouterr().err
    assert cli("explain", folder, "99") == 2
    assert cli("explain", "no-such-folder", "2") == 2
    assert "Traceback" not in capsys.readouterr().err


def test_a_run_that_another_policy_made(run: Callable[..., Path]) -> None:
    """What was recorded does not come out again: no explanation, and a message that says which job."""
    folder = run("easy", *BLOCKED)
    said = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))
    said["policy"]["name"] = "filler"
    (folder / "provenance.json").write_text(json.dumps(said), encoding="utf-8")
    with pytest.raises(InvalidInputError, match=r"cannot be played again: job w0!\d started at"):
        explain(folder, "2")


def test_a_run_that_was_not_written_by_wattq(run: Callable[..., Path]) -> None:
    folder = run("easy", *BLOCKED)
    (folder / "provenance.json").unlink()
    with pytest.raises(InvalidInputError, match="provenance"):
        explain(folder, "2")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("policy", None),
        ("policy", "easy"),
        ("policy", {"name": 3, "params": {}}),
        ("policy", {"name": "easy", "params": []}),
        ("policy", {"name": "esay", "params": {}}),
        ("workloads", []),
        ("workloads", [3]),
        ("workloads", {}),
        ("workloads", [{}]),
        ("workloads", [{"source": "run.json", "beta": ["a"]}]),
        ("command", 7),
        ("command", ["--events"]),
        ("command", ["--events", "nowhere.txt"]),
        ("energy", "perhaps"),
    ],
)
def test_damaged_provenance(
    run: Callable[..., Path], capsys: pytest.CaptureFixture[str], key: str, value: object
) -> None:
    folder = run("easy", *BLOCKED)
    path = folder / "provenance.json"
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), key: value}), encoding="utf-8")
    assert cli("explain", str(folder), "2", "--simulations", "1") in (0, 2)
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("name", ["submitted.csv", "jobs.csv", "platform.xml"])
def test_damaged_files(run: Callable[..., Path], capsys: pytest.CaptureFixture[str], name: str) -> None:
    folder = run("easy", *BLOCKED)
    whole = (folder / name).read_text(encoding="utf-8")
    for text in ("", whole[: len(whole) // 2], whole.replace("w0", "w7"), whole.replace("1", "2"), whole + "x"):
        (folder / name).write_text(text, encoding="utf-8")
        assert cli("explain", str(folder), "2", "--simulations", "1") in (0, 2)
        assert "Traceback" not in capsys.readouterr().err


def test_a_workload_that_is_gone_or_changed(run: Callable[..., Path], tmp_path: Path) -> None:
    folder = run("easy", *BLOCKED)
    jobs = tmp_path / "run.json"
    other = tmp_path / "elsewhere" / "jobs.json"
    other.parent.mkdir()
    jobs.rename(other)
    with pytest.raises(MissingFileError, match="by -w"):
        explain(folder, "2")
    assert held(explain(folder, "2", workloads=(str(other),))) == ["reservation", "hosts"]
    jobs.write_text(other.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    with pytest.raises(InvalidInputError, match="has changed since the run"):
        explain(folder, "2")
    with pytest.raises(InvalidInputError, match="1 workloads, and 2 are given"):
        explain(folder, "2", workloads=("a", "b"))


def test_events(run: Callable[..., Path], tmp_path: Path) -> None:
    """Two hosts are away from 5 s to 500 s: a job of four waits for them."""
    events = tmp_path / "events.txt"
    lines = [(5, "machine_unavailable"), (500, "machine_available")]
    text = "\n".join(json.dumps({"timestamp": at, "type": kind, "resources": "0-1"}) for at, kind in lines)
    events.write_text(text + "\n", encoding="utf-8")
    folder = run("easy", (10, 4, 50, 60), (20, 1, 10, 20), events=events)
    with pytest.raises(InvalidInputError, match="cannot be played again"):
        explain(folder, "0")
    found = explain(folder, "0", events=events, by=1.0)
    assert held(found) == ["hosts"]
    assert found.scene.timeline.stretches[0].high["away"] == 2
    assert "2 not available" in explanation_text(found)
    (more,) = [f for f in found.findings if f.kind == "machine"]
    assert (more.amount, more.start_s) == (2, pytest.approx(10))


def test_a_policy_in_plain_python(run: Callable[..., Path], tmp_path: Path) -> None:
    """Its reasons are the hosts; what helps is found by playing all again."""
    code = (
        "class First:\n"
        "    def decide(self, view, actions):\n"
        "        for job in view.queue:\n"
        "            if view.hosts_of(job) > view.n_free:\n"
        "                return\n"
        "            actions.start(job)\n"
    )
    (tmp_path / "first.py").write_text(code, encoding="utf-8")
    found = explain(run(f"{tmp_path}/first.py:First", *BLOCKED), "2", by=1.0)
    assert held(found) == ["policy", "hosts"]
    assert "1 host was free, and the policy did not start it" in explanation_text(found)
    by_kind = {f.kind: f for f in found.findings}
    assert by_kind["machine"].amount == 4
    assert not by_kind["policy"].found


def test_commands_of_several_workloads_windows_and_generated_jobs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli("platform", "make", "--nodes", "8", "--state", "1Gf:100:200", "--out", "eight.xml") == 0
    for name, seed in (("a", 1), ("b", 2)):
        made = ["workload", "generate", f"{name}.json", "--jobs", "40", "--hosts", "8", "--seed", str(seed)]
        assert cli(*made, "--load", "0.9") == 0
    assert cli("run", "-p", "eight.xml", "-w", "a.json", "-w", "b.json", "--policy", "easy", "-o", "two") == 0
    opened = open_run(Path("two"))
    with pytest.raises(InvalidInputError, match="there are w0!20, w1!20"):
        find_job(opened, "20")
    assert explain("two", "w1!20").scene.start_s == pytest.approx(opened.start_s[60], abs=2e-6)
    Path("study.yaml").write_text(
        "name: s\nplatform: eight.xml\n"
        "workloads: [{source: a.json, walltime_factor: 2}, {label: g, generate: {jobs: 60, hosts: 8}}]\n"
        "windows: [{first_job: 10, n_jobs: 25}]\npolicies: [conservative, easy]\noutputs: {report: false}\n",
        encoding="utf-8",
    )
    assert cli("compare", "study.yaml", "-o", "out") == 0
    folders = sorted(path.parent for path in Path("out").rglob("jobs.csv"))
    assert len(folders) == 4
    capsys.readouterr()
    for folder in folders:
        opened = open_run(folder)
        last = opened.world.keys[-1]
        assert explain(folder, last).scene.start_s == pytest.approx(opened.start_s[-1], abs=2e-6)
        assert cli("explain", str(folder), last) == 0
        assert "recorded starts agree" in " ".join(capsys.readouterr().out.split())


def test_longer_walltimes_of_a_study_are_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli("platform", "make", "--nodes", "8", "--state", "1Gf:100:200", "--out", "eight.xml") == 0
    assert cli("workload", "generate", "a.json", "--jobs", "20", "--hosts", "8", "--seed", "1") == 0
    assert cli("run", "-p", "eight.xml", "-w", "a.json", "--policy", "easy", "-o", "once", "--beta", "0.5") == 0
    opened = open_run(Path("once"))
    assert set(opened.world.workloads[0].beta) == {0.5}
    assert np.isfinite(opened.start_s).all()
