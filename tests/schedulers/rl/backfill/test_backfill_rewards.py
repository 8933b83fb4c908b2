"""What is charged: exact sums, signals, delays, and work that is left undone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wattq.errors import LearningError
from wattq.platforms.signals import Signal
from wattq.schedulers.rl.backfill import Fleet, Options, Weights, episode_results
from wattq.schedulers.rl.backfill import reward as r


def test_parts_add_up_to_the_return(kit: Any) -> None:
    fleet = Fleet(kit.full_scenario(), 1)
    total = kit.play(fleet, 0, kit.randomly(3))
    results = episode_results(fleet, 0)
    weighted = 0.1 * results["energy_kwh"] + 0.2 * results["carbon_kg"] + 0.3 * results["cost"] + 0.4 * results["delay"]
    assert total == pytest.approx(-weighted, rel=1e-12)
    assert results["return"] == pytest.approx(total, rel=1e-12)
    assert results["steps"] == fleet.book[0, r.N_STEPS]


def test_constant_signals_are_factors(kit: Any) -> None:
    steady = {
        quantity: Signal(np.zeros(1), 40 * 86400.0, np.full(1, value), quantity, unit)
        for quantity, value, unit in (("carbon", 250.0, "g/kWh"), ("price", 80.0, "EUR/MWh"))
    }
    fleet = Fleet(kit.scenario(**steady), 1)
    kit.play(fleet, 0, kit.taught("easy"))
    results = episode_results(fleet, 0)
    assert results["carbon_kg"] == pytest.approx(0.25 * results["energy_kwh"], rel=1e-12)
    assert results["cost"] == pytest.approx(0.08 * results["energy_kwh"], rel=1e-12)


def test_carbon_is_the_integral_of_power_and_intensity(kit: Any) -> None:
    carbon = kit.signal("carbon")
    fleet = Fleet(kit.scenario(carbon=carbon, episodes=1), 1)
    kit.play(fleet, 0, kit.taught("easy"))
    jobs, s = fleet.ledger(0).jobs, fleet.kernel(0)
    begin_s, end_s = jobs["start_s"], s.jobs["end_s"]
    edges_s = np.unique(np.concatenate([[0.0], begin_s, end_s]))
    busy = [jobs["hosts"][(begin_s <= t) & (end_s > t)].sum() for t in edges_s[:-1]]
    power_w = 16 * 100.0 + 100.0 * np.array(busy)
    intensity = carbon.integral(edges_s[:-1] + 86400.0, edges_s[1:] + 86400.0)
    assert episode_results(fleet, 0)["carbon_kg"] == pytest.approx((power_w * intensity).sum() / 3.6e9, rel=1e-9)


def test_delay_is_the_excess_of_bounded_slowdowns(kit: Any) -> None:
    fleet = Fleet(kit.scenario(load=1.3), 1)
    kit.play(fleet, 0, kit.taught("eco"))
    jobs = fleet.ledger(0).jobs
    run_s = fleet.pool.episode(0).truth[r.RUN_S]
    end_s = fleet.kernel(0).jobs["end_s"][: len(run_s)]
    excess = (end_s - jobs["submit_s"][: len(run_s)] - run_s) / np.maximum(run_s, 10.0)
    results = episode_results(fleet, 0)
    assert results["delay"] == pytest.approx(excess.sum(), rel=1e-9)
    waits_s = (jobs["start_s"] - jobs["submit_s"])[: len(run_s)]
    assert results["p95_wait_s"] == pytest.approx(np.quantile(waits_s, 0.95))
    assert fleet.book[0, r.TOTAL + r.STARTED] == len(run_s)
    assert fleet.book[0, r.TOTAL + r.WAITED_S] == pytest.approx(waits_s.sum())
    assert fleet.book[0, r.TOTAL + r.LATE] == (waits_s > fleet.scenario.late_s).sum()


def test_delay_in_hours_of_waiting(kit: Any) -> None:
    fleet = Fleet(kit.scenario(load=1.3, delay="wait", options=Options(states=(0,))), 1)
    kit.play(fleet, 0, kit.taught("fcfs"))
    results = episode_results(fleet, 0)
    assert results["delay"] == pytest.approx(results["mean_wait_s"] * results["jobs"] / 3600.0, rel=1e-9)


def test_energy_above_idle(kit: Any) -> None:
    found = {}
    for count in ("all", "above-idle"):
        fleet = Fleet(kit.scenario(count=count, options=Options(states=(0,))), 1)
        kit.play(fleet, 0, kit.taught("easy"))
        found[count] = episode_results(fleet, 0)["energy_kwh"]
    truth, jobs = fleet.pool.episode(0).truth, fleet.ledger(0).jobs
    run_s = truth[r.RUN_S]
    assert found["above-idle"] == pytest.approx((jobs["hosts"][: len(run_s)] * run_s).sum() * 100.0 / 3.6e6, rel=1e-9)
    assert found["all"] > found["above-idle"]


def test_a_job_killed_by_a_slow_state_is_work_left_undone(kit: Any) -> None:
    slow = Fleet(kit.scenario(walltime_factor=1.0, options=Options(states=(1,))), 1)
    kit.play(slow, 0, kit.taught("easy"))
    results = episode_results(slow, 0)
    killed = np.flatnonzero(slow.kernel(0).jobs["state"] == 5)
    assert results["lost"] == len(killed) > 0
    left_s = (slow.ledger(0).jobs["hosts"][killed] * slow.pool.episode(0).truth[r.RUN_S, killed]).sum()
    assert results["unfinished_kwh"] == pytest.approx(left_s * 200.0 / 3.6e6)
    full = Fleet(kit.scenario(walltime_factor=1.0, options=Options(states=(0,))), 1)
    kit.play(full, 0, kit.taught("easy"))
    assert episode_results(full, 0)["lost"] == 0
    assert results["delay"] > 100.0 * episode_results(full, 0)["delay"]


def test_doing_nothing_is_charged(kit: Any) -> None:
    carbon = kit.signal("carbon")  # with a signal the agent may wait until the horizon
    fleet = Fleet(kit.scenario(carbon=carbon, drain_s=86400.0), 1)
    kit.play(fleet, 0, kit.waiting)
    results = episode_results(fleet, 0)
    truth, jobs = fleet.pool.episode(0).truth, fleet.ledger(0).jobs
    n = results["jobs"]
    assert results["unfinished"] == n == truth.shape[1]
    horizon_s = fleet.book[0, r.HORIZON_S]
    idle_kwh = 16 * 100.0 * horizon_s / 3.6e6
    left_kwh = (jobs["hosts"][:n] * truth[r.RUN_S]).sum() * 200.0 / 3.6e6
    assert results["energy_kwh"] == pytest.approx(idle_kwh + left_kwh, rel=1e-9)
    assert results["delay"] == pytest.approx((truth[r.PER_S] * (horizon_s - jobs["submit_s"][:n])).sum(), rel=1e-9)
    mean = carbon.mean(86400.0, 86400.0 + horizon_s)
    assert results["carbon_kg"] == pytest.approx((idle_kwh + left_kwh) * mean / 1000.0, rel=1e-9)
    assert results["mean_wait_s"] == pytest.approx((horizon_s - jobs["submit_s"][:n]).mean())


@pytest.mark.parametrize("seed", range(3))
def test_lazy_agents_score_worse_than_fcfs(kit: Any, seed: int) -> None:
    # FCFS without backfilling leaves so many holes near saturation that any way to fill them is better than none.
    options = Options(hold_s=(3600.0, 14400.0))
    scenario = kit.scenario(
        jobs=120,
        load=0.3,
        seed=seed,
        carbon=kit.signal("carbon"),
        weights=Weights(0.01, 0.01, 0.0, 0.01),
        options=options,
    )
    fleet = Fleet(scenario, 1)
    found = {
        name: sum(kit.play(fleet, number, choose) for number in range(2))
        for name, choose in (
            ("fcfs", kit.taught("fcfs")),
            ("easy", kit.taught("easy")),
            ("nothing", kit.waiting),
            ("one host", kit.one_host_only),
            ("random", kit.randomly(seed)),
        )
    }
    assert found["easy"] >= found["fcfs"]
    assert max(found["nothing"], found["one host"], found["random"]) < found["fcfs"]


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"weights": Weights(carbon=1.0)}, "weight carbon"),
        ({"weights": Weights(cost=1.0)}, "weight cost"),
        ({"episode_s": 0.0}, "episode_s"),
        ({"walltime_factor": 0.5}, "walltime_factor"),
        ({"delay": "none"}, "delay"),
        ({"count": "none"}, "count"),
        ({"late_s": -1.0}, "late_s"),
        ({"t0_s": 1e9}, "no episode"),
    ],
)
def test_bad_scenarios_are_named(kit: Any, changes: dict[str, Any], word: str) -> None:
    with pytest.raises(LearningError, match=word):
        kit.scenario(**changes)


def test_bad_weights_and_signals_are_named(kit: Any) -> None:
    with pytest.raises(LearningError, match="weight energy"):
        Weights(energy=-1.0)
    with pytest.raises(LearningError, match="does not cover"):
        kit.scenario(carbon=kit.signal("carbon"), origin_s=39 * 86400.0)


@pytest.mark.slow
def test_lazy_agents_on_weeks_of_a_real_log(kit: Any, shared_dir: Path) -> None:
    from wattq.platforms import load_platform
    from wattq.schedulers.rl.backfill import Scenario
    from wattq.workloads import read_workload

    workload = read_workload(shared_dir / "data" / "swf" / "KTH-SP2-1996-2.1-cln.swf.gz")
    scenario = Scenario(load_platform("kth-sp2"), workload, walltime_factor=1.4)
    fleet = Fleet(scenario, 1)
    for number in (0, 24, 42):
        easy = kit.play(fleet, number, kit.taught("easy"))
        fcfs = kit.play(fleet, number, kit.taught("fcfs"))
        lazy = [kit.play(fleet, number, one) for one in (kit.waiting, kit.one_host_only)]
        assert max(lazy) < fcfs <= easy
        assert kit.play(fleet, number, kit.randomly(0)) < easy
