"""Search in place of gradients: linear policies of the node-power task by the cross-entropy method.

R. Rubinstein, The Cross-Entropy Method for Combinatorial and Continuous Optimization, 1999. In every generation
candidates are drawn from a normal distribution with independent numbers; the best of them give the next mean and
spread. All candidates of a generation play the same weeks and jobs, and each episode counts by its cost over that of
serving everything at once, so that what differs between candidates is what they decide.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from wattq import __version__
from wattq.errors import LearningError
from wattq.files import write_whole
from wattq.schedulers.rl.model_file import save_learned
from wattq.schedulers.rl.network import Network
from wattq.schedulers.rl.node_power.serve import N_SERVE, N_SHARES, SERVE_OBSERVATION, WIDTH
from wattq.schedulers.rl.training.config import TrainConfig
from wattq.schedulers.rl.training.effort import Effort
from wattq.schedulers.rl.training.node_power_task import (
    NodePowerOptions,
    node_power_data,
    node_power_envs,
    node_power_policy,
)
from wattq.schedulers.rl.training.tasks import Task, flat_shape, parse_options

__all__ = ["TASK", "SearchOptions", "linear_network"]

Floats = NDArray[np.float64]

READ = (
    "price_0h", "price_past_day", "price_rank", "week_now", "week_3h", "week_8h", "week_24h",
    "waiting_core_h_wide", "oldest_limit", "arriving_core_h", "nodes_used", "backlog_any", "queue_fill", "left_72h",
)  # fmt: skip
"""The numbers that candidates weigh, of those that are observed."""
CHOSEN = (N_SHARES - 1, 2 * N_SHARES - 1)
"""What they choose beside serving nothing (0): all of the queue, or all that waits, with refilling."""
_N = len(READ) + 1
_UNDONE = 10.0


class SearchOptions(NodePowerOptions, frozen=True):
    """Options of the search, beside those of the task.

    Attributes:
        population: candidates of a generation.
        elite: best ones that give the next mean and spread.
        spread: standard deviation of the numbers in the first generation.
        smoothing: share of the elite's spread in the next one.
        wait_price: added to the score for an hour of mean wait; 0 counts costs alone.
    """

    population: Annotated[int, Field(ge=4, le=1000)] = 20
    elite: Annotated[int, Field(ge=2, le=500)] = 5
    spread: Annotated[float, Field(gt=0, le=10)] = 0.25
    smoothing: Annotated[float, Field(gt=0, le=1)] = 0.4
    wait_price: Annotated[float, Field(ge=0, le=1)] = 0.0


@dataclass
class _State:
    """Mean, spread and history of a search."""

    mean: Floats
    spread: Floats
    rows: list[dict[str, float]]


def linear_network(env: Any, numbers: Floats) -> Network:
    """Return the network of a candidate: each choice's logit is a weighted sum and a constant, that of nothing is 0.

    Choices that candidates never take have a logit below all others.
    """
    weight = np.zeros((len(SERVE_OBSERVATION), N_SERVE), dtype=np.float32)
    bias = np.full(N_SERVE, -1e6, dtype=np.float32)
    bias[0] = 0.0
    rows = [SERVE_OBSERVATION.index(name) for name in READ]
    for place, part in zip(CHOSEN, numbers.reshape(len(CHOSEN), _N), strict=True):
        weight[rows, place] = part[:-1]
        bias[place] = part[-1]
    return Network.from_arrays("flat", flat_shape(env), {"all.weight0": weight, "all.bias0": bias}, "tanh")


def first_mean() -> Floats:
    """Return the numbers of a rule to begin with: serve all once the next 8 hours are 1.2 spreads below the week."""
    numbers = np.zeros((len(CHOSEN), _N))
    numbers[0, -1] = -1.0
    numbers[1, READ.index("week_8h")] = -1.0
    numbers[1, -1] = -1.2 / WIDTH
    return numbers.ravel()


def _search(config: TrainConfig, folder: Path, progress: Callable[[int, int, str], None]) -> Mapping[str, Any]:
    """Search as the settings say, and write policy.wattq, card.json and progress.csv."""
    options = parse_options(TASK, config.options)
    assert isinstance(options, SearchOptions)
    if options.elite > options.population:
        raise LearningError(f"key 'options.elite': {options.elite} of {options.population} candidates; lower it")
    env = node_power_envs(config.n_envs, config.seed, options)
    effort, draws = Effort(), np.random.default_rng(config.seed)
    effort.start()
    per_generation = (options.population + 2) * config.n_envs * options.horizon_h
    generations = max(config.steps // per_generation, 1)
    state = _State(first_mean(), np.full(len(CHOSEN) * _N, options.spread), [])
    for generation in range(generations):
        _advance(env, options, state, draws, int(draws.integers(2**31)))
        row = state.rows[-1]
        effort.update()
        progress((generation + 1) * per_generation, generations * per_generation, f"score {row['mean_score']:.4f}")
    return _write(config, folder, env, options, state, effort, generations * per_generation)


def _advance(env: Any, options: SearchOptions, state: _State, draws: np.random.Generator, episodes: int) -> None:
    """Play one generation, and move mean and spread."""
    reference = _play(env, None, episodes)
    numbers = state.mean + state.spread * draws.standard_normal((options.population, len(state.mean)))
    scores = np.array([_score(_play(env, one, episodes), reference, options) for one in numbers])
    best = np.argsort(scores, kind="stable")[: options.elite]
    state.rows.append(
        {
            "generation": len(state.rows),
            "mean_score": _score(_play(env, state.mean, episodes), reference, options),
            "elite_score": float(scores[best].mean()),
            "best_score": float(scores[best[0]]),
            "spread": float(state.spread.mean()),
        }
    )
    state.mean = 0.3 * state.mean + 0.7 * numbers[best].mean(axis=0)
    state.spread = (1 - options.smoothing) * state.spread + options.smoothing * (numbers[best].std(axis=0) + 0.02)


def _play(env: Any, numbers: Floats | None, episodes: int) -> Floats:
    """Return cost, undone share and mean wait of each episode, shape (3, episodes); None serves all at once."""
    x, infos = env.reset_to(episodes), []
    network = None if numbers is None else linear_network(env, numbers)
    waits = np.zeros(env.num_envs)
    for _ in range(env.config.horizon_h):
        choice = np.full(env.num_envs, CHOSEN[-1]) if network is None else network.choose_many(x)
        x, _, _, infos = env.step(choice)
        waits += env.waiting
    totals = [info["totals"] for info in infos]
    undone = [one["unfinished_ch"] / max(one["work_ch"], 1e-9) for one in totals]
    mean_wait = waits / np.array([max(one["submitted"], 1) for one in totals])
    return np.array([[one["cost"] for one in totals], undone, mean_wait])


def _score(played: Floats, reference: Floats, options: SearchOptions) -> float:
    """Return the mean ratio of costs, with a charge for work left undone and, if asked for, for waits."""
    ratio = played[0] / np.maximum(reference[0], 1e-9)
    undone = np.maximum(played[1] - reference[1], 0.0)
    return float(np.mean(ratio + _UNDONE * undone + options.wait_price * played[2]))


def _write(
    config: TrainConfig, folder: Path, env: Any, options: SearchOptions, state: _State, effort: Effort, steps: int
) -> dict[str, Any]:
    from wattq.schedulers.rl.training.start import CARD_FILE, POLICY_FILE, weights_digest

    network = linear_network(env, state.mean)
    card = {
        "task": TASK.name,
        "data": dict(node_power_data(options, env)),
        "settings": config.model_dump(mode="json"),
        "seed": config.seed,
        "steps": steps,
        "cost": effort.figures(),
        "search": state.rows,
        "versions": {"wattq": __version__, "numpy": np.__version__},
        "results": {},
    }
    save_learned(folder / POLICY_FILE, node_power_policy(network, env, card))
    write_whole(folder / CARD_FILE, (json.dumps(card, indent=2) + "\n").encode())
    file = io.StringIO()
    writer = csv.DictWriter(file, list(state.rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(state.rows)
    write_whole(folder / "progress.csv", file.getvalue().encode())
    env.close()
    digest = weights_digest(network.arrays)
    return {"steps": steps, "card": card, "digest": digest, "score": state.rows[-1]["mean_score"]}


TASK = Task(
    name="node-power-search",
    doc="as node-power, by a search over linear policies: no gradients, no torch",
    make_vec=node_power_envs,
    options=SearchOptions,
    masked=False,
    defaults={"algorithm": "ppo", "n_envs": 24, "n_steps": 336, "batch_size": 8064, "steps": 2_000_000},
    trainer=_search,
)
