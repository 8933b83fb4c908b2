from __future__ import annotations

import pytest

from wattq.experiments import bench
from wattq.experiments.bench import Result, format_results
from wattq.experiments.bench_surrogates import bench_surrogates, made_up_log


def test_budgets_and_ratios() -> None:
    fast = Result("fast", 0.01, 0.02, "s", "Batsim", 7.0)
    slow = Result("slow", 0.05, 0.02, "s")
    rate = Result("rate", 60_000.0, 50_000.0, "/s", "pybatsim", 1400.0, more_is_better=True)
    assert (fast.met, slow.met, rate.met) == (True, False, True)
    assert (fast.ratio, slow.ratio, rate.ratio) == ("700 x", "-", "43 x")
    assert Result("part", 1.0, None, "s").met
    lines = format_results([fast, slow, rate]).splitlines()
    assert "10 ms" in lines[2]
    assert "MISSED" in lines[3]
    assert ">= 50,000 /s" in lines[4]


def test_a_missed_budget_is_exit_code_1(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    names = ("bench_start", "bench_easy", "bench_python_policy", "bench_million")
    for ours, code in ((1.0, 0), (3.0, 1)):
        for name in names:

            def measure(ours: float = ours) -> list[Result]:
                """Measure nothing."""
                return [Result("x", ours, 2.0, "s")]

            monkeypatch.setattr(bench, name, measure)
        monkeypatch.setattr("wattq.experiments.bench_server.bench_server", measure)
        monkeypatch.setattr("wattq.experiments.bench_surrogates.bench_surrogates", measure)
        monkeypatch.setattr("wattq.experiments.bench_node_power.bench_node_power", measure)
        monkeypatch.setattr("wattq.experiments.bench_policy.bench_policy", measure)
        monkeypatch.setattr("wattq.experiments.bench_training.bench_training", measure)
        monkeypatch.setattr("wattq.experiments.bench_rl.bench_rl", measure)
        monkeypatch.setattr("wattq.experiments.bench_api.bench_api", measure)
        assert bench.main([]) == code
    assert "MISSED" in capsys.readouterr().out


def test_predictions_are_measured_on_made_up_jobs() -> None:
    rows = bench_surrogates(400)
    assert [row.unit for row in rows] == ["s", "jobs/s", "s"]
    assert all(row.ours > 0.0 for row in rows)
    one, other = made_up_log(50), made_up_log(50)
    assert (one[0].submit_s == other[0].submit_s).all()
    assert one[0].synthetic
    assert (one[1].run_s <= one[0].request_s).all()


def test_decisions_of_a_learned_policy_are_measured() -> None:
    from wattq.experiments.bench_policy import bench_policy

    rows = bench_policy(200)
    assert [(row.unit, row.budget) for row in rows] == [("decisions/s", 100_000.0), ("decisions/s", None)]
    assert all(row.ours > 0.0 for row in rows)


def test_training_is_measured() -> None:
    pytest.importorskip("sb3_contrib")
    from wattq.experiments.bench_training import bench_training

    (row,) = bench_training(256, 4)
    assert (row.unit, row.budget) == ("steps/s", 5000.0)
    assert row.ours > 0.0


def test_steps_of_the_backfilling_environment_are_measured() -> None:
    pytest.importorskip("stable_baselines3")
    from wattq.experiments.bench_rl import bench_rl

    rows = bench_rl(400, 2)
    assert [(row.unit, row.budget) for row in rows] == [("steps/s", 2e4), ("steps/s", 2e5), ("steps/s", None)]
    assert all(row.ours > 0.0 for row in rows)


def test_the_api_answers_from_its_cache() -> None:
    from wattq.experiments.bench_api import bench_api, measure_api

    found = measure_api(200.0, 0.5, connections=4, distinct=10)
    assert (found.sent, found.good, found.cached) == (100, 100, 100)
    assert 0.0 < found.p50_ms <= found.p99_ms <= found.worst_ms
    rows = bench_api(200.0, 0.1)
    assert [(row.unit, row.budget) for row in rows] == [("%", 100.0), ("ms", 50.0)]
