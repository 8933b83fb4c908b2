"""Service-level targets against runs written by hand."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from wattq.cli import main
from wattq.errors import WattqError
from wattq.experiments import read_run
from wattq.experiments.sla import SlaReport, Violation, judge
from wattq.experiments.sla_output import sla_csv, sla_json, sla_text
from wattq.experiments.sla_targets import SlaTargets, read_targets
from wattq.experiments.submitted import with_workload

SUBMITTED = "job_id,workload_name,submission_time,requested_number_of_resources,requested_time,user,queue"


@pytest.fixture
def run_folder(make_run: Callable[..., Path], craft: SimpleNamespace) -> Path:
    """Five jobs: waits 0, 90, 0 (killed at 60); job 4 is rejected, job 5 never starts; the run ends at 150."""
    lines = [
        craft.job(("1", 0.0, 2, 0.0, 100.0, "0-1")),
        craft.job(("2", 10.0, 4, 100.0, 50.0, "0-3")),
        craft.job(("3", 20.0, 1, 20.0, 40.0, "3"), state="COMPLETED_KILLED"),
        craft.rejected("4", 30.0, 9),
    ]
    rows = [
        "1,w0,0.000000,2,100.000000,1,0",
        "2,w0,10.000000,4,100.000000,1,1",
        "3,w0,20.000000,1,100.000000,2,1",
        "4,w0,30.000000,9,100.000000,2,1",
        "5,w0,40.000000,1,100.000000,2,0",
    ]
    return make_run(lines, files={"submitted.csv": "\n".join([SUBMITTED, *rows]) + "\n"})


def held(folder: Path, **targets: Any) -> SlaReport:
    return judge(read_run(folder), SlaTargets.model_validate(targets))


def test_deadlines(run_folder: Path) -> None:
    # Queue 1 is due 120 s after submission: job 2 takes 140 s, job 3 was killed, job 4 rejected.
    report = held(run_folder, classes=[{"name": "q1", "queue": 1, "deadline_s": 120}])
    assert report.violations == (
        Violation("w0!2", "q1", "deadline_s", 120.0, 140.0, 20.0, False, "late"),
        Violation("w0!3", "q1", "deadline_s", 120.0, 40.0, None, False, "killed"),
        Violation("w0!4", "q1", "deadline_s", 120.0, None, None, False, "rejected"),
    )
    (q1, rest) = report.classes
    assert (q1.name, q1.jobs, q1.never_started, q1.rejected, q1.preempted, q1.violations) == ("q1", 3, 0, 1, 1, 3)
    assert (rest.name, rest.jobs, rest.never_started, rest.violations) == ("(none)", 2, 1, 0)
    assert report.preempted == 1


def test_a_deadline_of_one_job_goes_before_the_class(run_folder: Path) -> None:
    report = held(
        run_folder, classes=[{"name": "q1", "queue": 1, "deadline_s": 1000}], deadlines={"w0!2": 149, "w0!1": 100}
    )
    late = Violation("w0!2", "q1", "deadline_s", 139.0, 140.0, 1.0, False, "late")
    assert report.violations[0] == late
    assert [one.job for one in report.violations] == ["w0!2", "w0!3", "w0!4"]


def test_jobs_that_never_started_are_violations(run_folder: Path) -> None:
    report = held(run_folder, classes=[{"name": "q0", "queue": [0], "deadline_s": 1e6, "wait_p95_s": 104}])
    # Waits 0 and at least 110 (40 to 150): the 95th percentile is at least 104.5.
    never, percentile = report.violations
    assert never == Violation("w0!5", "q0", "start", None, 110.0, None, True, "never started")
    assert percentile == Violation("", "q0", "wait_p95_s", 104.0, 104.5, 0.5, True, "percentile")
    assert report.classes[0].never_started == 1


def test_percentiles_and_waits(run_folder: Path) -> None:
    # Hosts 2 to 4: waits 0 and 90, bounded slowdowns 1 and 2.8.
    classes = [
        {"name": "wide", "hosts_min": 2, "hosts_max": 4, "wait_max_s": 80, "wait_p95_s": 85.5, "wait_p99_s": 80,
         "bounded_slowdown_p95": 2.5, "bounded_slowdown_p99": 3}
    ]  # fmt: skip
    job, p99, slow = held(run_folder, classes=classes).violations
    assert job == Violation("w0!2", "wide", "wait_max_s", 80.0, 90.0, 10.0, False, "late")
    assert (p99.target, p99.value, p99.excess) == ("wait_p99_s", pytest.approx(89.1), pytest.approx(9.1))
    assert (slow.target, slow.value, slow.excess) == ("bounded_slowdown_p95", pytest.approx(2.71), pytest.approx(0.21))


def test_the_first_class_that_matches_counts(run_folder: Path) -> None:
    classes = [{"name": "short", "walltime_max_s": 100, "user": 2}, {"name": "rest"}]
    one, rest = held(run_folder, classes=classes).classes
    assert (one.name, one.jobs, rest.name, rest.jobs) == ("short", 3, "rest", 2)


def test_preemptions_and_fairness(run_folder: Path) -> None:
    # Mean bounded slowdowns: user 1 (1 + 2.8) / 2 = 1.9, user 2 (1 + 210 / 100) / 2 = 1.55.
    jain = (1.9 + 1.55) ** 2 / (2 * (1.9**2 + 1.55**2))
    report = held(run_folder, classes=[{"name": "all", "preemptions_max": 0}], jain_min=0.999)
    assert report.violations[-2] == Violation("", "all", "preemptions_max", 0, 1, 1, False, "preempted")
    assert report.violations[-1].value == pytest.approx(jain)
    assert report.violations[-1].excess == pytest.approx(0.999 - jain)
    assert report.fairness["user_slowdown_jain"] == pytest.approx(jain)
    assert not [v for v in held(run_folder, classes=[{"name": "all", "preemptions_max": 1}]).violations if not v.job]


def test_outputs(run_folder: Path) -> None:
    reports = [("r", held(run_folder, classes=[{"name": "q1", "queue": 1, "deadline_s": 120}, {"name": "rest"}]))]
    rows = list(csv.reader(io.StringIO(sla_csv(reports))))
    assert rows[0] == ["run", "job", "class", "target", "limit", "value", "excess", "lower_bound", "reason"]
    assert rows[1] == ["r", "w0!2", "q1", "deadline_s", "120", "140", "20", "false", "late"]
    assert rows[4] == ["r", "w0!5", "rest", "start", "", "110", "", "true", "never started"]
    content = json.loads(sla_json(reports))
    assert content["units"]["wait_p95_s"] == "s"
    (run,) = content["runs"]
    assert (run["met"], run["preempted"], len(run["violations"])) == (False, 1, 4)
    text = sla_text(reports)
    assert "r (run): 4 violations" in text
    assert "w0!2 (class q1): deadline_s 120, came 140, missed by 20 (late)" in text
    assert "w0!5 (class rest): never started, waited at least 110 s" in text


def test_files_of_the_real_batsim(make_run: Callable[..., Path], craft: SimpleNamespace, tmp_path: Path) -> None:
    folder = make_run([craft.job(("1", 0.0, 2, 5.0, 10.0, "0-1"))])
    assert held(folder, classes=[{"name": "all", "wait_max_s": 4}]).violations[0].excess == 1.0
    with pytest.raises(WattqError, match="of some queue, which the run does not tell"):
        held(folder, classes=[{"name": "q", "queue": 1}])
    with pytest.raises(WattqError, match="compares users"):
        held(folder, jain_min=0.5)
    with pytest.raises(WattqError, match="'w0!8', which is not in the run"):
        held(folder, deadlines={"w0!8": 1})
    work = tmp_path / "w.json"
    jobs = [{"id": k, "subtime": 0, "res": 2, "walltime": 20, "profile": "d", "queue": k} for k in (1, 2)]
    work.write_text(json.dumps({"nb_res": 2, "jobs": jobs, "profiles": {"d": {"type": "delay", "delay": 10}}}))
    run = with_workload(read_run(folder), work)
    report = judge(run, SlaTargets.model_validate({"classes": [{"name": "q", "queue": 2}]}))
    assert [one.job for one in report.violations] == ["w0!2"]
    with pytest.raises(WattqError, match="lists its jobs itself"):
        with_workload(run, work)
    work.write_text(json.dumps({"nb_res": 2, "jobs": jobs[1:], "profiles": {"d": {"type": "delay", "delay": 10}}}))
    with pytest.raises(WattqError, match=r"'w0!1' of .* is not in this workload"):
        with_workload(read_run(folder), work)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("classes:\n- {name: a, wait_p90_s: 5}\n", ["line 2", "classes[0].wait_p90_s", "did you mean 'wait_p9"]),
        ("classes:\n- {name: a, wait_p95_s: soon}\n", ["line 2", "'soon'"]),
        ("classes:\n- {name: a, deadline_s: 0}\n", ["line 2", "greater than 0"]),
        ("classes:\n- {name: a}\n- {name: a}\n", ["two classes are called 'a'"]),
        ("classes:\n- {wait_p95_s: 5}\n", ["line 2", "classes[0].name", "missing"]),
        ("tau_s: 10\n", ["no target is given"]),
        ("deadlines: {w0!1: x}\n", ["line 1", "'x'"]),
        ("5\n", ["service-level targets are a mapping"]),
    ],
)
def test_what_is_wrong_with_targets_is_said(tmp_path: Path, text: str, words: list[str]) -> None:
    path = tmp_path / "t.yaml"
    path.write_text(text)
    with pytest.raises(WattqError) as caught:
        read_targets(path)
    assert all(word in str(caught.value) for word in [str(path), *words]), str(caught.value)


def test_command_line(run_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "t.yaml"
    path.write_text("classes:\n- {name: q1, queue: 1, deadline_s: 120}\n")
    words = ["sla", str(run_folder), "-t", str(path)]
    codes = []
    for more in ([], ["--check"], ["-o", str(tmp_path / "v.csv")], ["-o", str(tmp_path / "v.txt")], ["-w", str(path)]):
        with pytest.raises(SystemExit) as end:
            main([*words, *more])
        codes.append(end.value.code)
    assert codes == [0, 1, 0, 2, 2]
    assert (tmp_path / "v.csv").read_text().count("\n") == 4
    assert "3 violations" in capsys.readouterr().out
    path.write_text("classes:\n- {name: q1, deadline_s: 1000, hosts_max: 2, user: 1}\n")
    with pytest.raises(SystemExit) as end:
        main([*words, "--check"])
    assert end.value.code == 0
