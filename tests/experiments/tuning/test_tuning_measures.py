from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wattq.errors import TuningError
from wattq.experiments import METRICS
from wattq.experiments.experiment_model import PolicySpec
from wattq.experiments.results import EnergyTrace, JobTable, RunResults
from wattq.experiments.study.bootstrap import Estimate, Sampled, total
from wattq.experiments.study.plan import PlannedRun
from wattq.experiments.study.quantities import QUANTITIES
from wattq.experiments.tuning import Gap, parse_tuning
from wattq.experiments.tuning.arena import build_arena
from wattq.experiments.tuning.findings import points_text
from wattq.experiments.tuning.gap import _difference
from wattq.experiments.tuning.measures import find_measure, further_of
from wattq.experiments.tuning.outcome import spread
from wattq.experiments.tuning.scoring import score


def test_every_metric_and_quantity_is_a_measure() -> None:
    for name in (*METRICS, *QUANTITIES, "cost", "lost_work_host_h", "cap_excess_w"):
        assert find_measure(name).name == name
    with pytest.raises(TuningError, match="did you mean wait_mean_s"):
        find_measure("wait_meen_s")


@pytest.mark.parametrize(
    ("cap", "excess"),
    [("250", 50.0), ("0:400,10:250", 0.0), ("0:400,8:150", 50.0), ("", 0.0), ("400", 0.0)],
)
def test_power_above_a_cap(cap: str, excess: float) -> None:
    """100 W for 5 s, 300 W for 5 s, 200 W for 10 s."""
    empty = np.empty(0)
    jobs = JobTable((), empty, empty.astype(np.int64), empty, (), empty, empty, empty, (), empty)
    trace = EnergyTrace(np.array([0.0, 5.0, 10.0, 20.0]), np.array([0.0, 500.0, 2000.0, 4000.0]))
    run = RunResults(Path("-"), jobs, energy=trace)
    planned = PlannedRun(PolicySpec(name="power-cap", params={"cap": cap} if cap else {}), "x", ())
    found = further_of([find_measure("cap_excess_w")], 10.0)(planned, run)
    assert found["run cap_excess_w"] == pytest.approx(excess, abs=0.01)


def test_metrics_of_runs_are_put_together_over_weeks(tuning_base: Path, tmp_path: Path, small: Any) -> None:
    changes = (("[energy_kwh]", "[makespan_s, wait_max_s, power_max_w]"), ("tuning: [1, 2, 3]", "tuning: [1, 2]"))
    arena = build_arena(parse_tuning(small(*changes), "t.yaml"), tmp_path, tuning_base)
    row = next(iter(score(arena, [step.easy for step in arena.steps]).values.values()))
    weekly = {
        name: [step.easy[0].values[f"run {name}"] for step in arena.steps] for name in ("makespan_s", "wait_max_s")
    }
    assert row["makespan_s"] == pytest.approx(sum(weekly["makespan_s"]) / 2)
    assert row["wait_max_s"] == max(weekly["wait_max_s"])
    assert row["power_max_w"] == pytest.approx(800.0, rel=1e-3)  # four hosts at 200 W
    assert row["power_max_w/easy"] == 1.0


def test_a_gap_is_as_wide_as_two_independent_samples() -> None:
    weeks = np.random.default_rng(1).normal(10.0, 1.0, 12).tolist()
    one = total(weeks)
    found = _difference(one, one)
    assert found.value == 0.0
    assert np.std(found.draws) == pytest.approx(np.sqrt(2) * np.std(one.draws), rel=0.05)
    assert _difference(one, Sampled(3.0, np.empty(0))).estimate == Estimate(one.value - 3.0)


def test_points() -> None:
    assert points_text(Estimate(0.03, -0.02, 0.0821)) == "+3.0 points [-2.0, +8.2]"
    assert points_text(Estimate(-0.1)) == "-10.0 points"
    assert Gap.__dataclass_fields__["gap"].type == "Estimate"


def test_a_front_is_thinned_evenly_with_its_ends() -> None:
    rows: Any = list(range(11))
    assert spread(rows, 3) == [0, 5, 10]
    assert spread(rows, 20) == rows
    assert spread(rows, 1) == [0]
