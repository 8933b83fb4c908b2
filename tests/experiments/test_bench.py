from __future__ import annotations

import pytest

from wattq.experiments import bench
from wattq.experiments.bench import Result, format_results


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
        assert bench.main([]) == code
    assert "MISSED" in capsys.readouterr().out
