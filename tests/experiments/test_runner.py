from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wattq.errors import InvalidInputError, PolicyError
from wattq.experiments import PolicySpec, Window, compare, parse_experiment, read_run, run_once
from wattq.experiments.engines import clock_of, with_clock
from wattq.experiments.folders import folder_name, run_directories, whole_directory, write_text
from wattq.experiments.inputs import cleaning_options, find_platform
from wattq.experiments.windows import cut
from wattq.workloads import generate_saturated

STUDY = """\
name: study
platform: machine.xml
workloads:
  - label: made
    generate: {jobs: 40, hosts: 4}
policies: [fcfs, easy]
energy: true
windows:
  - {first_job: 0, n_jobs: 20}
  - {first_job: 20, n_jobs: 20}
seeds: [1, 2]
"""


@pytest.fixture
def base(tmp_path: Path) -> Path:
    from wattq.platforms import ComputeState, make_platform, write_platform

    write_platform(make_platform(4, [ComputeState(1e9, 100.0, 200.0)]), tmp_path / "machine.xml")
    return tmp_path


def test_an_experiment_runs_every_combination(base: Path) -> None:
    told: list[tuple[int, int, str]] = []
    experiment = parse_experiment(STUDY, "study.yaml")
    cases = compare(experiment, base / "out", base=base, progress=lambda *words: told.append(words))
    assert [case.part for case in cases] == [
        f"jobs {window}, seed {seed}" for seed in (1, 2) for window in ("0-19", "20-39")
    ]
    assert all(case.synthetic for case in cases)
    assert [measured.policy for measured in cases[0].runs] == ["fcfs", "easy"]
    assert all(measured.metrics["jobs_finished"] == 20 for case in cases for measured in case.runs)
    assert [number for number, _, _ in told] == list(range(9))
    assert len(run_directories(base / "out")) == 8
    assert (base / "out" / "comparison.csv").read_text(encoding="utf-8").count("\n") == 9
    assert "95 % bootstrap" in (base / "out" / "report.html").read_text(encoding="utf-8")
    assert not list(base.rglob("*.part"))


def test_a_run_directory_says_where_it_comes_from(base: Path) -> None:
    workload = generate_saturated(20, 4, seed=3)
    machine = find_platform("machine.xml", base)
    results = run_once(machine, [workload], PolicySpec(name="easy"), base / "run", energy=True, labels=["made"])
    stored = read_run(base / "run")
    assert stored.jobs.key == results.jobs.key
    assert stored.provenance["policy"] == {"name": "easy", "label": "easy", "params": {}}
    assert stored.provenance["platform"]["sha256"] == machine.sha256
    assert stored.provenance["workloads"][0]["sha256"] == workload.report.sha256
    assert stored.provenance["workloads"][0]["synthetic"] is True
    assert stored.provenance["packages"]["numpy"] == np.__version__
    assert stored.submitted is not None
    assert len(stored.submitted.key) == 20
    metrics = json.loads((base / "run" / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["jobs_finished"] == 20
    parts = sum(metrics[f"energy_{state}_j"] for state in ("computing", "idle", "sleeping", "switching"))
    assert parts == pytest.approx(metrics["energy_j"], rel=1e-9)
    # 100 W idle on each of 4 hosts, and 100 W more while one computes
    work = metrics["work_host_h"] * 3600
    end = stored.summary["end_s"]
    assert metrics["energy_j"] == pytest.approx(400.0 * end + 100.0 * work, rel=1e-9)


def test_a_failed_run_leaves_what_was_there(base: Path) -> None:
    machine, workload = find_platform("machine.xml", base), generate_saturated(5, 4)
    run_once(machine, [workload], PolicySpec(name="easy"), base / "run")
    before = (base / "run" / "jobs.csv").read_bytes()
    with pytest.raises(PolicyError, match="easy"):
        run_once(machine, [workload], PolicySpec(name="eassy"), base / "run")
    assert (base / "run" / "jobs.csv").read_bytes() == before

    def interrupt() -> None:
        with whole_directory(base / "run") as folder:
            (folder / "jobs.csv").write_text("half", encoding="utf-8")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupt()
    assert (base / "run" / "jobs.csv").read_bytes() == before
    assert sorted(path.name for path in base.iterdir()) == ["machine.xml", "run"]


def test_what_is_no_run_is_not_overwritten(base: Path) -> None:
    precious = base / "precious"
    precious.mkdir()
    (precious / "thesis.tex").write_text("x", encoding="utf-8")
    with pytest.raises(InvalidInputError, match="is no run directory"), whole_directory(precious):
        pass
    assert (precious / "thesis.tex").exists()
    with pytest.raises(InvalidInputError, match="cannot be written"):
        write_text(precious / "thesis.tex" / "report.html", "x")
    with pytest.raises(InvalidInputError, match="no run directory"):
        run_directories(precious)


def test_windows_cut_and_move_a_workload() -> None:
    whole = generate_saturated(50, 4, seed=1)
    part = cut(whole, Window(first_job=10, n_jobs=5))
    assert part.job_id == whole.job_id[10:15]
    assert part.submit_s.tolist() == (whole.submit_s[10:15] - whole.submit_s[10]).tolist()
    assert part.report.dropped == {"outside window jobs 10-14": 45}
    start, end = float(whole.submit_s[10]), float(whole.submit_s[20])
    dated = cut(whole, Window(start_s=start, end_s=end))
    inside = (whole.submit_s >= start) & (whole.submit_s < end)
    assert dated.n_jobs == inside.sum()
    assert dated.submit_s[0] == 0.0
    assert np.all(dated.submit_s < end - start)
    with pytest.raises(InvalidInputError, match="no job in window jobs 90-94; the workload has 50 jobs"):
        cut(whole, Window(first_job=90, n_jobs=5))


def test_windows_move_outcomes_and_json_objects(shared_dir: Path) -> None:
    from wattq.workloads import read_workload

    logged = read_workload(shared_dir / "data" / "swf" / "KTH-SP2-1996-2.1-cln.swf.gz")
    part = cut(logged, Window(first_job=100, n_jobs=10))
    assert logged.outcome is not None
    assert part.outcome is not None
    zero = logged.submit_s[100]
    assert np.array_equal(part.outcome.start_s, logged.outcome.start_s[100:110] - zero, equal_nan=True)
    assert part.unix_start_s == pytest.approx((logged.unix_start_s or 0) + zero)
    made = read_workload(shared_dir / "golden" / "policies" / "workloads" / "synsmall-delay.json.xz")
    part = cut(made, Window(first_job=100, n_jobs=10))
    assert part.extra is not None
    assert [extra["subtime"] for extra in part.extra] == part.submit_s.tolist()


def test_cleaning_options_by_name() -> None:
    options = cleaning_options({"max_jobs": 10, "arrival_factor": 2, "rebase": False, "drop_statuses": "0,5"}, "w")
    assert (options.max_jobs, options.arrival_factor, options.rebase) == (10, 2.0, False)
    assert options.drop_statuses == (0, 5)
    for values, words in (
        ({"max_job": 1}, "did you mean 'max_jobs'"),
        ({"max_jobs": "x"}, "'x' is not of type int"),
        ({"max_jobs": True}, "True is not of type int"),
        ({"rebase": 1}, "1 is not of type bool"),
        ({"drop_statuses": "x"}, "no list of codes"),
        ({"walltime_fallback": "guess"}, "guess"),
    ):
        with pytest.raises(InvalidInputError, match=words):
            cleaning_options(values, "workload w")


def test_names_of_folders() -> None:
    assert folder_name("easy order=sjf") == "easy-order=sjf"
    assert folder_name("../../etc/passwd") == "etc-passwd"
    assert folder_name("...") == "run"


def test_the_same_seed_gives_the_same_results(base: Path) -> None:
    def files(name: str, seed: int) -> dict[str, Any]:
        run_once(
            find_platform("machine.xml", base), [generate_saturated(30, 4, seed)], PolicySpec(name="easy"), base / name
        )
        return {file: (base / name / file).read_bytes() for file in ("jobs.csv", "machine_states.csv", "metrics.json")}

    assert files("a", 1) == files("b", 1)
    assert files("c", 2) != files("a", 1)


PREDICTED = """\
name: predicted
platform: machine.xml
workloads: [log.swf]
policies:
  - {name: easy, params: {backfill: sjf}}
  - {name: easy, params: {backfill: sjf, estimate: predictor, predictor: PREDICTOR}}
"""
LOG = "; UnixStartTime: 844087081\n; MaxProcs: 4\n" + "".join(
    f"{k + 1} {20 * k} -1 {15 + k % 7} {1 + k % 4} -1 -1 {1 + k % 4} {100 + k % 3} -1 1 {k % 3} 1 -1 1 -1 -1 -1\n"
    for k in range(40)
)


def test_an_experiment_with_a_predictor(base: Path) -> None:
    from wattq.surrogates import MODELS
    from wattq.surrogates.bundle import save_bundle
    from wattq.surrogates.bundle_manifest import BundleMeta, TrainingData

    (base / "log.swf").write_text(LOG)
    meta = BundleMeta("runtime", TrainingData("other.swf", "0" * 64, False, 9, until_s=5.0), "log")
    manifest = save_bundle(base / "two.wattq", MODELS["last-two"](), meta)
    for predictor in ("last-two", str(base / "two.wattq")):
        experiment = parse_experiment(PREDICTED.replace("PREDICTOR", predictor), "predicted.yaml")
        (case,) = compare(experiment, base / "out", base=base)
        title = f"easy backfill=sjf estimate=predictor predictor={predictor}"
        assert [measured.policy for measured in case.runs] == ["easy backfill=sjf", title]
        found = json.loads((base / "out" / "runs" / folder_name(title) / "provenance.json").read_text())
        # The log begins on its clock at 1996-09-30T12:18:01 (it does not tell its zone).
        assert found["policy"]["params"]["predictor_clock"] == 844087081.0
        assert found["predictor"]["model"] == "last-two"
    assert found["predictor"] == {
        "model": "last-two",
        "source": str(base / "two.wattq"),
        "sha256": manifest.digest,
        "trained_on": {"source": "other.swf", "sha256": "0" * 64, "jobs": 9, "until_s": 5.0},
        "label_source": "log",
    }


def test_the_clock_of_a_predictor_is_the_workloads_unless_given() -> None:
    predicted = PolicySpec(name="easy", params={"estimate": "predictor", "predictor": "last-two"})
    told = with_clock(predicted, 90.0)
    assert told.params == {**predicted.params, "predictor_clock": 90.0}
    assert told.title == predicted.title
    assert with_clock(told, 91.0) == told
    assert with_clock(predicted, None) == predicted
    assert with_clock(PolicySpec(name="easy"), 90.0) == PolicySpec(name="easy")
    assert clock_of([]) is None
    assert clock_of([generate_saturated(5, 4, seed=1)]) is None
