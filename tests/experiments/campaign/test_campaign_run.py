from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from wattq.experiments.campaign import Layout, Results, Status, collect, read_attempts, read_status
from wattq.experiments.campaign.collecting import results_parquet

Call = Callable[..., int]
FILES = {
    "cells.json",
    "manifest.csv",
    "manifest.json",
    "results.csv",
    "tables.csv",
    "tables.json",
    "sweep-load.png",
    "runs",
    "attempts",
    "parts",
}


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_a_campaign_and_its_resumption(small: Path, call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    out = small.parent / "out"
    assert call("campaign", "small.yaml", "-o", "out", "--workers", "1", "--only", "load=0.5") == 0
    assert "4 cells, 4 runs, 2 asked for: 2 done now, 0 done before" in capsys.readouterr().out
    assert [row["status"] for row in table(out / "manifest.csv")] == ["done", "done", "new", "new"]
    before = {path: path.stat().st_mtime_ns for path in (out / "runs").iterdir()}
    assert call("campaign", "run", "small.yaml", "-o", "out", "--workers", "1") == 0
    printed = capsys.readouterr()
    assert "4 cells, 4 runs, 4 asked for: 2 done now, 2 done before" in printed.out
    assert printed.err == ""
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert {path.name for path in out.iterdir()} - {"results.parquet"} == FILES
    assert list((out / "parts").iterdir()) == []
    check_results(out)
    assert call("campaign", "status", "out") == 0
    assert capsys.readouterr().out == "small: 4 cells, 4 runs: 4 done\n4 attempts, 0 of them after the run was done\n"


def check_results(out: Path) -> None:
    """Check tables against the files of the runs."""
    rows = table(out / "results.csv")
    assert [(row["load"], row["workload"], row["seed"], row["policy"]) for row in rows] == [
        (load, "made", "0", policy) for load in ("0.5", "1.0") for policy in ("fcfs", "easy")
    ]
    for row in rows:
        run = out / "runs" / row["key"]
        batsim = {"jobs.csv", "schedule.csv", "machine_states.csv", "pstate_changes.csv", "consumed_energy.csv"}
        own = {"summary.json", "provenance.json", "submitted.csv", "metrics.json", "platform.xml"}
        assert {path.name for path in run.iterdir()} == batsim | own | {"cell.json", "result.json", "log.txt"}
        metrics = json.loads((run / "metrics.json").read_bytes())
        assert float(row["wait_mean_s"]) == metrics["wait_mean_s"]
        # the PUE at 20 degC of the model that the page of signals states
        pue = 1.0743 + 0.0041 * 20 + 7.1705e-5 * 20**2
        assert float(row["energy_kwh"]) == pytest.approx(pue * metrics["energy_j"] / 3.6e6, rel=1e-9)
    results = collect(out)
    assert [row["key"] for row in results.rows] == [row["key"] for row in rows]
    attempts = read_attempts(Layout(out))
    assert all([attempt.status for attempt in tried] == ["done"] for tried in attempts.values())
    manifest = json.loads((out / "manifest.json").read_bytes())
    assert manifest["runs"] == {"done": 4, "failed": 0, "begun": 0, "new": 0}
    means = [row for row in table(out / "tables.csv") if row["factor"] == "load" and row["figure"] == "energy_kwh"]
    assert [(row["level"], row["policy"], row["n"]) for row in means] == [
        (load, policy, "1") for load in ("0.5", "1") for policy in ("fcfs", "easy")
    ]
    assert [float(row["mean"]) for row in means] == [float(row["energy_kwh"]) for row in rows]
    tables = json.loads((out / "tables.json").read_bytes())
    assert [entry["factor"] for entry in tables["tables"]] == ["load", "policy"]


def test_parquet_holds_what_csv_does() -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    status = Status("n", "n", [], 0)
    rows = [
        {"key": "a", "status": "done", "f": 1, "g": "x", "e": 1, "h": True},
        {"key": "b", "status": "new", "f": 2, "g": 2, "h": False},
        {"key": "c", "status": "done", "f": 3, "g": 1.5, "e": 2.5, "h": None},
    ]
    names = ["key", "status", "f", "g", "h", "e"]
    found = pq.read_table(io.BytesIO(results_parquet(Results(status, names, rows, ["e"])))).to_pydict()
    assert list(found) == names
    assert (found["key"], found["f"]) == (["a", "b", "c"], [1, 2, 3])
    assert (found["g"], found["h"], found["e"]) == (["x", "2", "1.5"], [True, False, None], [1.0, None, 2.5])


FLAKY = """\
import os, signal
from pathlib import Path

class Policy:
    def __init__(self, place, how):
        self.mark, self.how = Path(place), how

    def decide(self, view, actions):
        if self.how == "never" or not self.mark.exists():
            self.mark.touch()
            print("about to fail", flush=True)
            if self.how == "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            raise RuntimeError("no luck")
        for job in view.queue[: 1 if view.n_free == view.n_hosts else 0]:
            actions.start(job)
"""


def test_failures_are_tried_again_and_reported(small: Path, call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    (small.parent / "flaky.py").write_text(FLAKY, encoding="utf-8")
    text = small.read_text(encoding="utf-8").replace(
        "policies: [fcfs, easy]",
        "policies:\n"
        + "".join(
            f"  - {{name: 'flaky.py:Policy', label: {how}, params: {{place: {how}, how: {how}}}}}\n"
            for how in ("once", "killed", "never")
        ),
    )
    small.write_text(text.replace("values: [0.5, 1.0]", "values: [0.5]"), encoding="utf-8")
    assert call("campaign", "small.yaml", "-o", "out", "--workers", "1", "--retry", "2") == 1
    printed = capsys.readouterr()
    assert "3 cells, 3 runs, 3 asked for: 2 done now, 0 done before, 1 failed" in printed.out
    assert "policy never: " in printed.err
    assert "no luck" in printed.err
    assert "Traceback" not in printed.err
    status = read_status(small.parent / "out")
    assert [(row.status, len(row.attempts)) for row in status.rows] == [("done", 2), ("done", 2), ("failed", 3)]
    assert [attempt.status for attempt in status.rows[0].attempts] == ["failed", "done"]
    # a process that was killed says nothing any more
    assert [attempt.status for attempt in status.rows[1].attempts] == ["running", "done"]
    assert "no luck" in status.rows[2].error
    logs = [path.read_text(encoding="utf-8") for path in (small.parent / "out" / "attempts").glob("*.log")]
    assert len(logs) == 4
    assert all("about to fail" in log for log in logs)
    # again: what is done stays, what failed is tried; what was never begun is not begun
    small.write_text(small.read_text(encoding="utf-8").replace("values: [0.5]", "values: [0.5, 1.0]"), encoding="utf-8")
    words = ("campaign", "small.yaml", "-o", "out", "--workers", "1", "--retry", "0")
    assert call(*words, "--continue-only") == 1
    assert "6 cells, 6 runs, 6 asked for: 0 done now, 2 done before, 1 failed, 3 never begun and left" in (
        capsys.readouterr().out
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("absent.yaml",), "absent.yaml: no such file; give a campaign file, or one of those shipped: campaign-"),
        (("small.yaml", "--executor", "cloud"), "--executor cloud: no such executor; there are local, dask, slurm"),
        (("small.yaml", "--workers", "0"), "--workers 0: give a number from 1"),
        (("small.yaml", "--retry", "-1"), "--retry -1: give a number from 0"),
        (("small.yaml", "--address", "tcp://x:1"), "--address: goes with --executor dask"),
        (("small.yaml", "--only", "load=7"), "--only load=7: fits no cell"),
        (("small.yaml", "--fix-weights", "energy=1"), "--fix-weights energy: no simplex of this campaign has it"),
        (("small.yaml", "--fix-weights", "energy=x"), "--fix-weights energy=x: a weight is a number"),
        (("small.yaml", "-o", "small.yaml"), "is no folder"),
        (("small.yaml", "-o", "."), "holds files, but no campaign"),
        (("status", "."), "holds no campaign"),
        (("collect", "absent"), "holds no campaign"),
    ],
)
def test_wrong_input_is_one_message(
    words: tuple[str, ...], message: str, small: Path, call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("campaign", *words) == 2
    printed = capsys.readouterr()
    assert printed.err.startswith("wattq: error: ")
    assert message in printed.err
    assert printed.err.count("\n") == 1
    assert [path.name for path in small.parent.iterdir()] == ["small.yaml"]


def test_two_at_once(small: Path, call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    from wattq.experiments.campaign.lock import held

    (small.parent / "out" / "runs").mkdir(parents=True)
    with held(small.parent / "out"):
        assert call("campaign", "small.yaml", "-o", "out") == 2
    assert "another campaign runs here" in capsys.readouterr().err


WEEK = """\
name: week
platform: kth-sp2-dvfs
workloads:
  - label: made
    generate: {jobs: 1200, hosts: 100}
    walltime_factor: 1.25
policies: [easy, {name: eco, params: {timeout: 30}}]
energy: true
weeks: {test: [1], warmup_s: 86400, cooldown_s: 86400, drain_s: 1209600}
signals:
  made: {carbon: carbon.csv, pue: 1.2}
factors:
  weights: {simplex: [energy, carbon], step: 1}
"""


def test_a_week_on_a_grid_is_what_a_study_finds(small: Path, call: Call) -> None:
    from wattq.experiments import load_experiment, run_study
    from wattq.platforms.signals import daily_sinusoid, write_signal

    signal = daily_sinusoid(1.6e9, 60, base=300.0, swing=0.5, unit="g/kWh", quantity="carbon")
    write_signal(signal, small.parent / "carbon.csv")
    small.write_text(WEEK, encoding="utf-8")
    assert call("campaign", "small.yaml", "-o", "out", "--workers", "1") == 0
    (small.parent / "study.yaml").write_text(WEEK.partition("factors:")[0], encoding="utf-8")
    study = run_study(load_experiment("study.yaml"), small.parent / "study", base=small.parent, workers=1)
    rows = table(small.parent / "out" / "results.csv")
    assert len(rows) == 4
    assert len({row["key"] for row in rows}) == 2
    records = {record.policy: record.values for record in study.records}
    for row in rows:
        for name in ("jobs_served", "served_work_host_h", "busy_host_h"):
            assert float(row[name]) == records[row["policy"]][name]
        assert float(row["energy_kwh"]) > 0
    # the two place their week on other Mondays of the grid, which changes CO2e and nothing else for EASY
    assert float(rows[0]["energy_kwh"]) == records["easy"]["energy_kwh"]
    scores = {(row["weights.energy"], row["policy"]): float(row["score"]) for row in rows}
    assert scores["1.0", "easy"] == scores["0.0", "easy"] == 1.0
    assert scores["1.0", "eco timeout=30"] == float(rows[1]["energy_kwh"]) / float(rows[0]["energy_kwh"])
    assert scores["0.0", "eco timeout=30"] == float(rows[1]["co2e_kg"]) / float(rows[0]["co2e_kg"])


def test_fixed_weights_and_robin_files(small: Path, call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    factors = (
        "factors:\n"
        "  weights: {simplex: [energy, carbon, slowdown], step: 0.25}\n"
        "  nodes: {key: machine.nodes, values: [100, 120]}\n"
    )
    text = small.read_text(encoding="utf-8").partition("factors:")[0] + factors
    small.write_text(text, encoding="utf-8")
    assert call("campaign", "small.yaml", "--fix-weights", "carbon=0.5", "--to-robin", "robins") == 0
    printed = capsys.readouterr()
    # weights decide no run: two policies on two machines
    assert "4 robin files" in printed.err
    files = sorted((small.parent / "robins").rglob("*.yaml"))
    assert [str(path.relative_to(small.parent)) for path in files] == sorted(printed.out.splitlines())
    from wattq.platforms import read_platform

    sizes = {read_platform(path).n_compute for path in (small.parent / "robins").rglob("platform.xml")}
    assert sizes == {100, 120}


def test_other_sizes_of_a_machine() -> None:
    from wattq.errors import CampaignError
    from wattq.experiments.campaign.machines import resized
    from wattq.experiments.campaign.model import MachineSpec
    from wattq.platforms import load_platform, make_platform, platform_xml
    from wattq.platforms.make import ComputeState, SleepState

    base = load_platform("kth-sp2")
    assert resized(base, MachineSpec()) is base
    made = resized(base, MachineSpec(nodes=1001, cores=4))
    assert (made.n_compute, made.n_hosts, len(made.messages.latency_s)) == (1001, 1001, 1002)
    assert set(made.cores.tolist()) == {4}
    assert np.array_equal(made.full_w[1000], base.full_w[0], equal_nan=True)
    states = (ComputeState(1e9, 100.0, 200.0), ComputeState(0.75e9, 90.0, 150.0))
    sleep = SleepState(10.0, off_s=5.0, off_w=125.0, on_s=64.0, on_w=115.0, off_idle_w=120.0, on_idle_w=110.0)
    same = make_platform(50, states, (sleep,), name=base.name)
    assert platform_xml(resized(base, MachineSpec(nodes=50))).count("<host ") == platform_xml(same).count("<host ")
    from dataclasses import replace

    uneven = replace(base, cores=np.arange(1, 101))
    with pytest.raises(CampaignError, match="the hosts of platform 'kth-sp2' differ"):
        resized(uneven, MachineSpec(nodes=3))
