"""Every policy with expected run times of a predictor: right, wrong, and wildly wrong."""

from __future__ import annotations

import importlib.util
import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.schedulers import POLICIES, check_policy, make_policy, policy_spec
from wattq.schedulers.check_worlds import JobRow, World
from wattq.schedulers.estimates import Predicted
from wattq.simulator import Run, simulate
from wattq.simulator import layout as c
from wattq.simulator.interface import CompiledPolicy, Policy

PARAMS: dict[str, dict[str, object]] = {"power-cap": {"cap": 1800.0}, "easy": {"backfill": "sjf"}}
NAMES = [name for name in POLICIES if not {"signal", "model"} & set(policy_spec(name)[1].needs)]
KINDS = ("easy", "easy-bf-fast", "conservative", "fair-share", "qos", "sites", "sleep", "energy-bf")
few = settings(deadline=None, max_examples=25)


class Wild:
    """Draws an answer to each question: from a second to days, or none."""

    def __init__(self, seed: int) -> None:
        self._draw = random.Random(seed)

    def submitted(self, job: int, facts: np.void, now_s: float) -> float:
        return self._draw.choice([float("nan"), -1.0, 0.0, 1.0, 5.0, 20.0, 50.0, 1e5, float("inf")])

    def started(self, job: int, now_s: float) -> None:
        pass

    def rejected(self, job: int, now_s: float) -> None:
        pass

    def ended(self, job: int, now_s: float, run_s: float) -> None:
        pass

    def outlived(self, job: int, elapsed_s: float) -> float:
        return self._draw.choice([float("nan"), 0.0, elapsed_s, elapsed_s + 7.0, 2.0 * elapsed_s, 1e5])


class Walltimes(Wild):
    """Expects every job to run for its walltime."""

    def submitted(self, job: int, facts: np.void, now_s: float) -> float:
        return float(facts["walltime_s"]) if facts["walltime_s"] > 0.0 else float("inf")


def joined(
    name: str, source: Callable[[], Wild], params: Mapping[str, object] | None = None
) -> CompiledPolicy | Policy:
    """Return a new policy with a predictor."""
    made = make_policy(name, params or PARAMS.get(name))
    if isinstance(made, CompiledPolicy):
        return replace(made, predictor=source)
    return Predicted(made, source, name, {})


@cache
def plain_easy() -> type[Any]:
    path = Path(__file__).resolve().parents[2] / "docs" / "examples" / "easy.py"
    spec = importlib.util.spec_from_file_location("easy_of_the_docs", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: type[Any] = module.Easy
    return found


def drawn(seed: int, n_hosts: int, *, walltimes: bool = True) -> World:
    draw = random.Random(seed)
    rows, submit_s = [], 0.0
    for _ in range(draw.randint(10, 40)):
        submit_s += draw.choice([0.0, 0.0, 1.0, 3.0, 10.0, 40.0])
        run_s = float(draw.randint(1, 60))
        walltime_s = draw.choice([run_s, run_s + 30.0, 300.0, max(run_s / 2, 1.0)])
        given_s = walltime_s if walltimes or draw.random() < 0.8 else None
        rows.append(JobRow(submit_s, draw.randint(1, n_hosts), run_s, given_s, draw.randint(-1, 3)))
    return World("drawn", n_hosts, (tuple(rows),))


def played(world: World, policy: CompiledPolicy | Policy, *, energy: bool) -> Run:
    return simulate(world.machine(), world.workloads(), policy, energy=energy)


def check_sound(run: Run) -> None:
    """Every job ran or was rejected, none beyond its walltime, and the machine was never exceeded."""
    assert not run.deadlock
    jobs, view = run.kernel.jobs, run.ledger.jobs
    assert set(np.unique(jobs["state"])) <= {c.SUCCESS, c.WALLTIME, c.REJECTED}
    ran = jobs["state"] != c.REJECTED
    start_s, end_s, hosts = jobs["start_s"][ran], jobs["end_s"][ran], jobs["hosts"][ran]
    limit_s = np.where(view["walltime_s"][ran] > 0.0, view["walltime_s"][ran], np.inf)
    assert (end_s - start_s <= limit_s + 1e-5).all()
    for date_s in start_s:
        running = (start_s <= date_s) & (date_s < end_s - 1e-6)
        assert hosts[running].sum() <= run.platform.n_compute
    assert run.ledger.head[0]["n_running"] == run.ledger.head[0]["n_waiting"] == 0


@pytest.mark.parametrize("name", NAMES)
def test_wild_predictions_break_nothing(name: str) -> None:
    energy = policy_spec(name)[1].needs_energy
    for seed in range(6):
        world = drawn(seed, 1 + seed * 3, walltimes=seed % 2 == 0)
        check_sound(played(world, joined(name, lambda seed=seed: Wild(seed)), energy=energy))


@few
@given(
    seed=st.integers(0, 10**6),
    n_hosts=st.integers(1, 9),
    name=st.sampled_from(["easy", "easy-sjbf", "easy-bf", "conservative"]),
)
def test_any_prediction_keeps_the_invariants(seed: int, n_hosts: int, name: str) -> None:
    check_sound(played(drawn(seed, n_hosts, walltimes=False), joined(name, lambda: Wild(seed)), energy=False))


def dates(run: Run) -> list[Any]:
    jobs = run.kernel.jobs
    hosts = [run.kernel.alloc[j["iv"] : j["iv"] + j["n_iv"]].tolist() for j in run.ledger.jobs]
    return [jobs["start_s"].tolist(), jobs["end_s"].tolist(), jobs["state"].tolist(), hosts]


@pytest.mark.parametrize("name", NAMES)
def test_walltimes_as_predictions_change_nothing(name: str) -> None:
    energy = policy_spec(name)[1].needs_energy
    for seed in range(3):
        world = drawn(seed, 8, walltimes=seed > 0)
        plain = played(world, make_policy(name, PARAMS.get(name)), energy=energy)
        assert dates(played(world, joined(name, lambda: Walltimes(0)), energy=energy)) == dates(plain)


@few
@given(seed=st.integers(0, 10**6), n_hosts=st.integers(1, 9))
def test_easy_with_walltimes_as_predictions_is_easy(seed: int, n_hosts: int) -> None:
    world = drawn(seed, n_hosts, walltimes=False)
    plain = played(world, make_policy("easy"), energy=False)
    assert dates(played(world, replace(make_policy("easy"), predictor=lambda: Walltimes(0)), energy=False)) == dates(
        plain
    )


@few
@given(seed=st.integers(0, 10**6), n_hosts=st.integers(1, 9))
def test_easy_keeps_no_reservation_of_an_end_that_moved(seed: int, n_hosts: int) -> None:
    # The example of the documentation computes everything anew at each message.
    world = drawn(seed, n_hosts)
    anew = Predicted(plain_easy()(), lambda: Wild(seed), "easy.py", {})
    kept = replace(make_policy("easy"), predictor=lambda: Wild(seed))
    assert dates(played(world, kept, energy=False)) == dates(played(world, anew, energy=False))


@pytest.mark.parametrize(
    "name", [name if name in KINDS else pytest.param(name, marks=pytest.mark.slow) for name in NAMES]
)
def test_policies_keep_the_contract_with_a_predictor(name: str) -> None:
    # The same in single rounds, in the compiled loop and over the protocol; with no knowledge of what is to come.
    params = {"cap": 8000.0} if name == "power-cap" else PARAMS.get(name)
    check_policy(lambda: joined(name, lambda: Wild(1), params), energy=policy_spec(name)[1].needs_energy)


def test_qos_limits_are_about_walltimes(tmp_path: Path) -> None:
    table = tmp_path / "classes.yaml"
    table.write_text("default: debug\n")
    # Class 'debug' takes half an hour at most, asked for; what is expected does not matter.
    world = World("long", 2, ((JobRow(0.0, 1, 5.0, 7200.0, 0), JobRow(0.0, 1, 5.0, 600.0, 0)),))
    made = make_policy("qos", {"classes": str(table)})
    run = played(world, Predicted(made, lambda: Wild(0), "qos", {}), energy=False)
    assert run.kernel.jobs["state"].tolist() == [c.REJECTED, c.SUCCESS]
