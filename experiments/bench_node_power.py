"""Speed of the hourly node-power task, by CPU time, at several loads."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np

from wattq.experiments.bench import Result

__all__ = ["bench_node_power"]

_REPEATS = 3
_KEEP = (1, 0, 1)
_PUBLISHED = "the published environment on a log"
_PUBLISHED_200 = "the published environment at 200 arrivals/h"


def bench_node_power() -> list[Result]:
    """Steps of the node-power task: one environment through Gymnasium, and 64 in one compiled call."""
    if find_spec("gymnasium") is None or find_spec("stable_baselines3") is None:
        print("left out, the extra is not installed: pip install 'wattq[rl]'", file=sys.stderr)
        return []
    crowd = _crowded()
    name = "node-power task"
    single = [
        ("20 jobs/h", 20.0, 20_000.0, _PUBLISHED, 240.0),
        ("200 jobs/h, 61 % load", 200.0, 1000.0, _PUBLISHED_200, 29.0),
        ("200 jobs/h, queue full", crowd, 1000.0, _PUBLISHED_200, 29.0),
    ]
    rows = [
        Result(f"{name}, Gymnasium: {words}", _single(arrivals), budget, "/s", reference, value, more_is_better=True)
        for words, arrivals, budget, reference, value in single
    ]
    many = [("2 jobs/h", 2.0, 200_000.0), ("20 jobs/h", 20.0, None), ("200 jobs/h, queue full", crowd, None)]
    return rows + [
        Result(f"{name}, 64 at once: {words}", _many(arrivals), budget, "/s", more_is_better=True)
        for words, arrivals, budget in many
    ]


def _crowded() -> Any:
    """Return 200 jobs an hour that ask for six times the machine."""
    from wattq.schedulers.rl.node_power import NodePowerConfig, generated
    from wattq.workloads.arrivals import Law
    from wattq.workloads.generate_hours import HourlyModel

    laws = Law("poisson", 200), Law("uniform", 1, 16), Law("uniform", 1, 4), Law("uniform", 1, 96)
    return generated(HourlyModel(*laws), NodePowerConfig())


def _single(arrivals: Any) -> float:
    import gymnasium

    import wattq.schedulers.rl.registration as names

    names.register_environments()
    env = gymnasium.make("wattq/NodePower-v0", flat=True, arrivals=arrivals)
    action = np.array(_KEEP)

    def episode() -> int:
        env.reset()
        steps = 1
        while not env.step(action)[3]:
            steps += 1
        return steps

    env.reset(seed=1)
    return _rate(episode)


def _many(arrivals: Any) -> float:
    from wattq.schedulers.rl.node_power import NodePowerVecEnv

    vec = NodePowerVecEnv(64, arrivals=arrivals, seed=1)
    actions = np.tile(np.array(_KEEP), (64, 1))
    vec.reset()

    def episode() -> int:
        for _ in range(336):
            vec.step(actions)
        return 336 * 64

    return _rate(episode)


def _rate(work: Callable[[], int]) -> float:
    """Return the best of several repetitions after one that warms up, steps per CPU second."""
    work()
    rates = []
    for _ in range(_REPEATS):
        begin = time.process_time()
        rates.append(work() / (time.process_time() - begin))
    return max(rates)
