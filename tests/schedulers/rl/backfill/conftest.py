"""Small scenarios of the backfilling environment, and ways to play them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from wattq.platforms import ComputeState, SleepState, make_platform
from wattq.platforms.signals import Signal
from wattq.schedulers.rl.backfill import Fleet, Options, Scenario, Weights
from wattq.workloads import generate_saturated

STATES = (ComputeState(1e9, 100.0, 200.0), ComputeState(0.75e9, 90.0, 150.0))
SLEEP = SleepState(10.0, off_s=5.0, off_w=125.0, on_s=64.0, on_w=115.0)
SIGNAL_S = 40 * 86400.0

Chooser = Callable[[Fleet], int]


def signal(quantity: str, seed: int = 0) -> Signal:
    """Forty days of made-up hours."""
    start_s = np.arange(0.0, SIGNAL_S, 3600.0)
    value = np.random.default_rng(seed).uniform(50.0, 400.0, len(start_s))
    unit = {"carbon": "g/kWh", "price": "EUR/MWh"}[quantity]
    return Signal(start_s, SIGNAL_S, value, quantity, unit, synthetic=True)


def scenario(
    hosts: int = 16, jobs: int = 60, load: float = 0.9, episodes: int = 2, seed: int = 0, **changes: Any
) -> Scenario:
    """Made-up jobs on a small machine, in a few episodes of equal length."""
    workload = generate_saturated(jobs, hosts, seed, load=load)
    length_s = float(np.ceil(workload.submit_s[-1] / episodes)) + 1.0
    values = {"episode_s": length_s, "drain_s": 5 * 86400.0, "walltime_factor": 1.4, "origin_s": 86400.0} | changes
    return Scenario(make_platform(hosts, STATES, sleep=[SLEEP]), workload, **values)


def full_scenario(**changes: Any) -> Scenario:
    """Every option at once: both signals, holding, sleeping, a cap, and weights for all parts."""
    options = Options(window=6, hold_s=(3600.0, 14400.0), sleep=True, cap_w=16 * 170.0)
    return scenario(
        carbon=signal("carbon"),
        price=signal("price", 1),
        weights=Weights(0.1, 0.2, 0.3, 0.4),
        options=changes.pop("options", options),
        **changes,
    )


def randomly(seed: int) -> Chooser:
    """Any legal action, each as likely."""
    rng = np.random.default_rng(seed)
    return lambda fleet: int(rng.choice(np.flatnonzero(fleet.mask[0])))


def waiting(fleet: Fleet) -> int:
    """Wait wherever that is legal."""
    wait = fleet.scenario.actions.index("wait")
    return wait if fleet.mask[0, wait] else int(np.argmax(fleet.mask[0]))


def one_host_only(fleet: Fleet) -> int:
    """Start jobs of one host only."""
    states = len(fleet.scenario.states)
    ledger = fleet.ledger(0)
    for slot, job in enumerate(slots_of(fleet)):
        if fleet.mask[0, slot * states] and ledger.jobs["hosts"][job] == 1:
            return slot * states
    return waiting(fleet)


def slots_of(fleet: Fleet) -> list[int]:
    """The jobs in the slots of a scenario without holding."""
    head = fleet.ledger(0).head[0]
    queue = fleet.ledger(0).queue[head["q_head"] : head["q_tail"]]
    return [int(job) for job in queue[queue >= 0][: fleet.scenario.options.window]]


def taught(name: str) -> Chooser:
    """What a teacher does."""
    return lambda fleet: int(fleet.teach(name)[0])


def play(fleet: Fleet, number: int, choose: Chooser, most: int = 100_000) -> float:
    """Play an episode and return the sum of its rewards."""
    fleet.begin(0, number)
    total = 0.0
    for _ in range(most):
        if fleet.status[0] != 0:
            return total
        fleet.step(np.array([choose(fleet)]))
        total += float(fleet.reward[0])
    raise AssertionError("the episode does not end")


@pytest.fixture
def kit() -> Any:
    """The functions of this file, since test files cannot import it."""
    return _Kit


class _Kit:
    STATES = STATES
    SLEEP = SLEEP
    scenario = staticmethod(scenario)
    full_scenario = staticmethod(full_scenario)
    signal = staticmethod(signal)
    randomly = staticmethod(randomly)
    waiting = staticmethod(waiting)
    one_host_only = staticmethod(one_host_only)
    taught = staticmethod(taught)
    play = staticmethod(play)
    replace = staticmethod(replace)
