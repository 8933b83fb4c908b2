"""Speed of the backfilling environment: random legal actions on KTH-SP2, 16 slots, no cap; in processor time."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from wattq.experiments.bench import Result
from wattq.platforms import load_platform
from wattq.workloads import generate_saturated, read_workload

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from wattq.schedulers.rl.backfill import Scenario
    from wattq.workloads import Workload

__all__ = ["bench_rl"]

_LOG = "KTH-SP2-1996-2.1-cln.swf.gz"
_WINDOW = 16


def _log() -> tuple[str, Workload]:
    """Return the log beside the checkout, or made-up jobs where it is not there, with its name."""
    path = Path(__file__).resolve().parents[2] / "shared" / "data" / "swf" / _LOG
    if path.is_file():
        return "KTH-SP2", read_workload(path)
    return "generated jobs", generate_saturated(20_000, 100, load=0.8)


def bench_rl(steps: int = 200_000, n_envs: int = 16) -> list[Result]:
    """Steps of the backfilling environment, alone through Gymnasium's API and many in one call."""
    from wattq.schedulers.rl.backfill import Options, Scenario

    name, workload = _log()
    machine = load_platform("kth-sp2")
    all_states = Scenario(machine, workload, options=Options(window=_WINDOW))
    one_state = Scenario(machine, workload, options=Options(window=_WINDOW, states=(0,)))
    single = max(_single(all_states, steps // 10) for _ in range(3))
    many = [max(_many(scenario, steps, n_envs) for _ in range(3)) for scenario in (one_state, all_states)]
    title = f"backfilling environment, {name}"
    return [
        Result(f"{title}, one", single, 20_000.0, "steps/s", more_is_better=True),
        Result(f"{title}, {n_envs} in one call", many[0], 200_000.0, "steps/s", more_is_better=True),
        Result(f"{title}, {n_envs}, two power states", many[1], None, "steps/s", more_is_better=True),
    ]


def _single(scenario: Scenario, steps: int) -> float:
    """Return the steps per second of one environment, draws of actions included."""
    import gymnasium

    from wattq.schedulers.rl.registration import register_environments

    register_environments()
    env = gymnasium.make("wattq/Backfill-v0", scenario=scenario)
    masks = env.unwrapped.action_masks
    draws = np.random.default_rng(0).random(steps)
    env.reset(seed=0)
    begin = time.process_time()
    for draw in draws.tolist():
        legal = masks().nonzero()[0]
        if env.step(int(legal[int(draw * len(legal))]))[2]:
            env.reset()
    return steps / (time.process_time() - begin)


def _many(scenario: Scenario, steps: int, n_envs: int) -> float:
    """Return the steps per second of many environments, without the draws of actions."""
    from wattq.schedulers.rl.backfill import BackfillVecEnv

    env = BackfillVecEnv(scenario, n_envs, seed=0)
    env.reset()
    rng = np.random.default_rng(0)
    rounds = max(steps // n_envs, 2)
    spent = 0.0
    for k in range(rounds + rounds // 2):  # the first third warms caches up
        actions = _drawn(env.action_masks(), rng)
        begin = time.process_time()
        env.step(actions)
        if k >= rounds // 2:
            spent += time.process_time() - begin
    return rounds * n_envs / spent


def _drawn(masks: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.int64]:
    """Return one legal action of each environment."""
    actions: NDArray[np.int64] = np.argmax(masks * rng.random(masks.shape), axis=1)
    return actions
