from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.experiments import METRICS, compute_metrics, jain_index, population, read_run
from wattq.experiments.metrics import spread
from wattq.experiments.timelines import Steps, busy_hosts, power_w, queue_length, span


def test_exact_values_of_a_small_run(small_run: Path) -> None:
    # waits 0, 90, 0; turnarounds 100, 140, 5; run times 100, 50, 5; slowdowns 1, 2.8, 1; bounded: 5/10 -> 1
    metrics = compute_metrics(read_run(small_run))
    expected = {
        "jobs_submitted": 3,
        "jobs_finished": 3,
        "jobs_succeeded": 3,
        "jobs_killed": 0,
        "jobs_rejected": 0,
        "jobs_never_started": 0,
        "work_host_h": (200 + 200 + 5) / 3600,
        "wait_mean_s": 30,
        "wait_p50_s": 0,
        "wait_p95_s": 81,
        "wait_p99_s": 88.2,
        "wait_max_s": 90,
        "turnaround_mean_s": 245 / 3,
        "slowdown_mean": 4.8 / 3,
        "slowdown_max": 2.8,
        "bounded_slowdown_mean": 4.8 / 3,
        "bounded_slowdown_p50": 1,
        "makespan_s": 150,
        "span_s": 150,
        "utilisation": 405 / 600,
        "throughput_per_h": 72,
        "queue_mean": 90 / 150,
        "queue_max": 1,
        "energy_j": 100500,
        "energy_per_work_j": 100500 / 405,
        "power_mean_w": 670,
        "power_max_w": 800,
        "users": 2,
        # users 7: (1 + 2.8) / 2 = 1.9, user 8: 1
        "user_slowdown_jain": 2.9**2 / (2 * (1.9**2 + 1)),
        "user_slowdown_spread": 0.8 * 0.9,
    }
    for name, value in expected.items():
        assert metrics[name] == pytest.approx(value, rel=1e-12), name


def test_every_metric_is_in_the_table_and_has_words(small_run: Path) -> None:
    assert set(compute_metrics(read_run(small_run))) <= set(METRICS)
    for name, metric in METRICS.items():
        assert metric.name == name
        assert metric.label
        assert metric.definition.endswith(".")


def test_jobs_that_never_started_count_with_their_lower_bound(make_run: Any, craft: Any) -> None:
    lines = [craft.job(("1", 0.0, 4, 0.0, 100.0, "0-3")), craft.rejected("9", 5.0, 8)]
    submitted = [
        "1,w0,0.000000,4,100.000000,1",
        "2,w0,40.000000,4,20.000000,2",
        "3,w0,60.000000,4,-1.000000,2",
        "9,w0,5.000000,8,100.000000,3",
    ]
    run = read_run(make_run(lines, submitted=submitted))
    jobs = population(run)
    assert jobs.key == ("w0!1", "w0!2", "w0!3")
    assert jobs.censored.tolist() == [False, True, True]
    assert jobs.wait_s.tolist() == [0.0, 60.0, 40.0]
    assert jobs.turnaround_s.tolist() == [100.0, 60.0, 40.0]
    # job 2 would last its 20 s from the end on: (60 + 20) / 20; job 3 asked for no time: 1
    assert jobs.bounded_slowdown.tolist() == [1.0, 4.0, 1.0]
    assert jobs.slowdown.tolist() == [1.0, 4.0, 1.0]
    assert jobs.rejected == ("w0!9",)
    metrics = compute_metrics(run)
    assert metrics["jobs_never_started"] == 2
    assert metrics["jobs_submitted"] == 4
    assert metrics["jobs_rejected"] == 1
    assert metrics["wait_max_s"] == 60.0
    assert metrics["queue_mean"] == pytest.approx(1.0)


def test_the_end_of_a_run_comes_from_its_summary(make_run: Any, craft: Any) -> None:
    lines = [craft.job(("1", 0.0, 4, 0.0, 100.0, "0-3"))]
    submitted = ["1,w0,0.000000,4,100.000000,1", "2,w0,40.000000,4,20.000000,2"]
    folder = make_run(lines, submitted=submitted, files={"summary.json": '{"end_s": 500.0}'})
    assert population(read_run(folder)).wait_s.tolist() == [0.0, 460.0]


def test_zero_length_jobs_have_no_slowdown_but_a_bounded_one(make_run: Any, craft: Any) -> None:
    jobs = population(read_run(make_run([craft.job(("1", 0.0, 1, 30.0, 0.0, "0"))])))
    assert np.isnan(jobs.slowdown).tolist() == [True]
    assert jobs.bounded_slowdown.tolist() == [3.0]
    assert population(read_run(make_run([], name="none"))).key == ()


def test_an_empty_run_has_counts_and_no_statistics(make_run: Any, craft: Any) -> None:
    metrics = compute_metrics(read_run(make_run([])))
    assert metrics["jobs_submitted"] == 0
    assert metrics["makespan_s"] == 0
    assert "wait_mean_s" not in metrics
    assert "utilisation" not in metrics


def test_energy_parts_and_exact_energy_come_from_the_summary(make_run: Any, craft: Any) -> None:
    parts = {"computing": 80.0, "idle": 10.0, "unavailable": 0.5, "switching_on": 0.0}
    summary = json.dumps({"energy_exact_j": 90.5, "energy_by_state_j": parts})
    energy = ["0.000000,0.000000,s,1.0,NA", "5.000000,100.000000,e,1.0,20.0"]
    lines = [craft.job(("1", 0.0, 1, 0.0, 5.0, "0"))]
    metrics = compute_metrics(read_run(make_run(lines, energy=energy, joules=100.0, files={"summary.json": summary})))
    assert metrics["energy_j"] == 90.5
    assert metrics["energy_computing_j"] == 80.0
    assert metrics["energy_idle_j"] == 10.5
    assert metrics["energy_switching_j"] == 0.0
    states = ("computing", "idle", "sleeping", "switching")
    assert sum(metrics[f"energy_{state}_j"] for state in states) == metrics["energy_j"]


def test_tau_bounds_the_slowdown(small_run: Path) -> None:
    run = read_run(small_run)
    assert population(run, 1.0).bounded_slowdown.tolist() == [1.0, 2.8, 1.0]
    assert population(run, 1000.0).bounded_slowdown.tolist() == [1.0, 1.0, 1.0]
    with pytest.raises(ValueError, match="greater than 0"):
        population(run, 0.0)


def test_timelines_of_the_small_run(small_run: Path) -> None:
    run = read_run(small_run)
    busy = busy_hosts(run)
    assert busy.time_s.tolist() == [0.0, 20.0, 25.0, 100.0, 150.0, 150.0]
    assert busy.value.tolist() == [2.0, 3.0, 2.0, 4.0, 0.0]
    assert busy.integral(0.0, 150.0) == pytest.approx(405.0)
    assert queue_length(run).integral(0.0, 150.0) == pytest.approx(90.0)
    power = power_w(run)
    assert power is not None
    assert power.time_s.tolist() == [0.0, 20.0, 25.0, 100.0, 150.0]
    assert power.value.tolist() == [600.0, 700.0, 600.0, 800.0]
    assert span(run) == (0.0, 150.0)


def test_jain_index() -> None:
    assert jain_index(np.array([1.0, 1.0, 1.0])) == pytest.approx(1.0)
    assert jain_index(np.array([1.0, 0.0, 0.0])) == pytest.approx(1 / 3)
    assert jain_index(np.zeros(3)) == 1.0
    assert np.isnan(jain_index(np.empty(0)))


def test_metrics_agree_with_batsims_own_of_recorded_runs(shared_dir: Path) -> None:
    names = ["synsmall-ptask-easy_bf_fast-e", "kth3k-ptask-energy_bf", "sdsc3k-delay-filler", "syn-ptask-easy_bf_fast"]
    for name in names:
        run = read_run(shared_dir / "golden" / "policies" / name)
        metrics = compute_metrics(run)
        for ours, theirs in {
            "wait_mean_s": "mean_waiting_time",
            "wait_max_s": "max_waiting_time",
            "turnaround_mean_s": "mean_turnaround_time",
            "turnaround_max_s": "max_turnaround_time",
            "slowdown_mean": "mean_slowdown",
            "slowdown_max": "max_slowdown",
            "makespan_s": "makespan",
            "jobs_finished": "nb_jobs_finished",
            "jobs_succeeded": "nb_jobs_success",
            "jobs_killed": "nb_jobs_killed",
        }.items():
            assert metrics[ours] == pytest.approx(run.schedule[theirs], rel=1e-5, abs=2e-6), (name, ours)
        busy = metrics["work_host_h"] * 3600
        assert busy == pytest.approx(run.schedule["time_computing"], rel=1e-6)
        if "energy_j" in metrics:
            assert metrics["energy_j"] == pytest.approx(run.schedule["consumed_joules"])


samples = st.lists(st.floats(0, 1e9), min_size=1, max_size=50)


@settings(deadline=None, max_examples=100)
@given(samples)
def test_percentiles_rise_and_lie_in_range(values: list[float]) -> None:
    found = spread(np.array(values), "x")
    assert min(values) <= found["x_p50"] <= found["x_p95"] <= found["x_p99"] <= found["x_max"] == max(values)
    assert min(values) * (1 - 1e-9) <= found["x_mean"] <= max(values) * (1 + 1e-9)


@settings(deadline=None, max_examples=100)
@given(samples)
def test_jain_index_lies_between_one_over_n_and_one(values: list[float]) -> None:
    assert 1 / len(values) - 1e-9 <= jain_index(np.array(values)) <= 1 + 1e-9


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(st.floats(0.01, 100), st.floats(0, 100)), min_size=1, max_size=40), st.integers(1, 20))
def test_bins_keep_the_integral(steps: list[tuple[float, float]], n_bins: int) -> None:
    times = np.concatenate([[0.0], np.cumsum([width for width, _ in steps])])
    curve = Steps(times, np.array([value for _, value in steps]))
    binned = curve.binned(n_bins)
    assert binned.integral(0.0, times[-1]) == pytest.approx(curve.integral(0.0, times[-1]), rel=1e-9, abs=1e-9)
    assert binned.value.max() <= curve.value.max() * (1 + 1e-9) + 1e-9


@st.composite
def schedules(draw: st.DrawFn) -> list[tuple[float, float, float, int]]:
    """Jobs that run one after another on all hosts: submission, start, run time, hosts."""
    clock, rows = 0.0, []
    for _ in range(draw(st.integers(1, 12))):
        submit = draw(st.integers(0, 100))
        start = max(clock, float(submit)) + draw(st.integers(0, 5))
        run = draw(st.integers(1, 50))
        rows.append((float(submit), start, float(run), draw(st.integers(1, 4))))
        clock = start + run
    return rows


@settings(deadline=None, max_examples=60)
@given(schedules())
def test_invariants_of_any_schedule(tmp_path_factory: pytest.TempPathFactory, craft: Any, rows: list[tuple]) -> None:
    folder = tmp_path_factory.mktemp("run")
    lines = [
        craft.job((str(index), submit, hosts, start, run, f"0-{hosts - 1}" if hosts > 1 else "0"))
        for index, (submit, start, run, hosts) in enumerate(rows)
    ]
    (folder / "jobs.csv").write_text("\n".join([craft.header, *lines]) + "\n", encoding="utf-8")
    (folder / "schedule.csv").write_text(f"makespan,nb_jobs,nb_computing_machines\n0,{len(rows)},4\n", encoding="utf-8")
    run = read_run(folder)
    metrics = compute_metrics(run)
    assert 0 < metrics["utilisation"] <= 1 + 1e-12
    assert metrics["queue_mean"] * metrics["span_s"] == pytest.approx(metrics["wait_mean_s"] * len(rows), abs=1e-6)
    assert busy_hosts(run).integral(*span(run)) == pytest.approx(metrics["work_host_h"] * 3600)
    assert metrics["bounded_slowdown_mean"] >= 1
    assert metrics["turnaround_mean_s"] >= metrics["wait_mean_s"]
