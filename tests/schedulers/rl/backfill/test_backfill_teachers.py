"""EASY and FCFS, played through the environment, are those of the registry."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wattq.platforms import load_platform
from wattq.schedulers import make_policy
from wattq.schedulers.rl.backfill import Fleet, Options, Scenario
from wattq.simulator import simulate
from wattq.workloads import read_workload


def _same_schedule(fleet: Fleet, number: int, policy: str) -> None:
    run = simulate(
        fleet.scenario.platform, [fleet.pool.episode(number).workload], make_policy(policy), energy=True
    ).ledger
    ours = fleet.ledger(0)
    jobs = ours.jobs[: len(run.jobs)]
    assert (jobs["start_s"] == run.jobs["start_s"]).all()
    for job, other in zip(jobs, run.jobs, strict=True):
        own = ours.iv[job["iv"] : job["iv"] + job["n_iv"]]
        assert (own == run.iv[other["iv"] : other["iv"] + other["n_iv"]]).all()


@pytest.mark.parametrize("policy", ["easy", "fcfs"])
@pytest.mark.parametrize("seed", range(6))
def test_schedule_is_that_of_the_policy(kit: Any, policy: str, seed: int) -> None:
    options = Options(window=128, states=(0,), backfill="any" if seed % 2 else "easy")
    fleet = Fleet(kit.scenario(jobs=120, load=(0.6, 1.3)[seed // 3], seed=seed, options=options), 1)
    for number in range(2):
        kit.play(fleet, number, kit.taught(policy))
        assert fleet.book[0].any()
        _same_schedule(fleet, number, policy)


def test_only_the_first_slots_are_seen(kit: Any) -> None:
    wide = Fleet(kit.scenario(jobs=120, load=1.5, options=Options(window=128, states=(0,))), 1)
    narrow = Fleet(kit.scenario(jobs=120, load=1.5, options=Options(window=1, states=(0,))), 1)
    kit.play(wide, 0, kit.taught("fcfs"))
    kit.play(narrow, 0, kit.taught("easy"))  # with one slot EASY has nobody to backfill
    assert (wide.ledger(0).jobs["start_s"] == narrow.ledger(0).jobs["start_s"]).all()


def test_frugal_teacher_takes_the_frugal_state(kit: Any) -> None:
    fleet = Fleet(kit.scenario(load=0.5), 1)
    assert kit.play(fleet, 0, kit.taught("eco")) < 0.0
    assert (fleet.ledger(0).hosts["pstate"] == 1).any()
    assert fleet.kernel(0).head["n_out_pstates"][0] > 0


def test_sleeping_teacher_saves_energy_and_ends_all_work(kit: Any) -> None:
    options = Options(sleep=True, states=(0,))
    fleet = Fleet(kit.scenario(load=0.3, options=options), 1)
    results = {}
    for name in ("easy", "sleep"):
        kit.play(fleet, 0, kit.taught(name))
        assert fleet.ledger(0).head["n_waiting"][0] == 0
        results[name] = fleet.book[0].copy()
    from wattq.schedulers.rl.backfill import reward as r

    assert results["sleep"][r.TOTAL + r.ENERGY] < 0.8 * results["easy"][r.TOTAL + r.ENERGY]
    assert results["sleep"][r.N_UNFINISHED] == 0


def test_warm_up_is_easy(kit: Any) -> None:
    options = Options(window=128, states=(0,))
    base = kit.scenario(jobs=120, load=1.2, episodes=3, options=options)
    scenario = kit.replace(base, at_s=(base.begins_s[1],), warmup_s=base.episode_s)
    fleet = Fleet(scenario, 1)
    kit.play(fleet, 0, kit.taught("easy"))
    _same_schedule(fleet, 0, "easy")
    jobs = fleet.ledger(0).jobs
    assert (jobs["submit_s"] < scenario.warmup_s).sum() > 20


@pytest.mark.slow
@pytest.mark.parametrize("number", [0, 18, 30])
def test_easy_on_weeks_of_a_real_log(kit: Any, shared_dir: Path, number: int) -> None:
    workload = read_workload(shared_dir / "data" / "swf" / "KTH-SP2-1996-2.1-cln.swf.gz")
    options = Options(window=128, states=(0,))
    fleet = Fleet(Scenario(load_platform("kth-sp2"), workload, options=options), 1)
    kit.play(fleet, number, kit.taught("easy"))
    assert np.isfinite(fleet.book[0]).all()
    _same_schedule(fleet, number, "easy")
