"""The task of the hourly machine: nodes on and off against prices, learned over several markets and arrival rates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from wattq.files import read_plain, sha256_hex
from wattq.schedulers.rl.model_file import Learned
from wattq.schedulers.rl.network import Network
from wattq.schedulers.rl.node_power.config import PARTS, NodePowerConfig, Weights
from wattq.schedulers.rl.node_power.markets import GAP_H, PERIOD_H, SPAN_H, read_prices
from wattq.schedulers.rl.node_power.serve import N_SHARES, SERVE_ACTIONS, SERVE_OBSERVATION, WIDTH
from wattq.schedulers.rl.training.tasks import Cost, Task

__all__ = ["TASK", "NodePowerOptions", "cheap_hours", "node_power_data", "node_power_envs", "node_power_policy"]

Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class NodePowerOptions(BaseModel, extra="forbid", frozen=True):
    """Options of the task.

    Attributes:
        prices: series to learn from: ``FILE``, ``FILE#REGION``, or ``sinus``, ``logic``, ``noisy-logic``.
        rates: jobs that arrive per hour, one of them in each episode; 200 fill 61 % of the machine.
        horizon_h: hours of an episode.
        forecast: what is known of prices: ``day-ahead``, ``perfect``, ``persistence``, ``noisy:E``.
        weights: of the parts of the reward, by name; those not named are 0.
        centred: whether rewards count costs above or below the mean price of the episode, see `ServeVecEnv`.
    """

    prices: tuple[str, ...] = Field(("sinus", "noisy-logic"), min_length=1, max_length=200)
    rates: tuple[Annotated[float, Field(gt=0, le=10_000)], ...] = Field(
        (25.0, 50.0, 100.0, 150.0, 200.0, 250.0), min_length=1
    )
    horizon_h: Annotated[int, Field(ge=24, le=384)] = 336
    forecast: Annotated[str, Field(max_length=40)] = "day-ahead"
    weights: dict[str, Amount] = Field(default_factory=lambda: {"cost": 1.0, "unfinished": 1.0})
    centred: bool = True


def _config(options: NodePowerOptions) -> NodePowerConfig:
    unknown = set(options.weights) - set(PARTS)
    if unknown:
        from wattq.errors import LearningError

        raise LearningError(f"weight {min(unknown)!r}: no part of the reward; there are {', '.join(PARTS)}")
    weights = Weights(**{**dict.fromkeys(PARTS, 0.0), **options.weights})
    return NodePowerConfig(horizon_h=options.horizon_h, weights=weights, end="terminated")


def node_power_envs(n_envs: int, seed: int, options: NodePowerOptions) -> Any:
    """Return episodes to learn from, see `ServeVecEnv`."""
    from wattq.schedulers.rl.node_power.serve_env import ServeVecEnv

    prices = [read_prices(name, forecast=options.forecast) for name in options.prices]
    return ServeVecEnv(n_envs, _config(options), prices=prices, rates=options.rates, seed=seed, centred=options.centred)


_PLACE = {name: place for place, name in enumerate(SERVE_OBSERVATION)}
_ALL = 2 * N_SHARES - 1
"""The choice of all nodes that are needed, with refilling."""


def _demand(env: Any) -> NDArray[np.int64]:
    """Serve everything that waits, at once."""
    return np.full(env.num_envs, _ALL, dtype=np.int64)


def cheap_hours(x: NDArray[np.float32], below: float = -1.2, patience_h: float = 200.0) -> NDArray[np.int64]:
    """Return the choices of a rule of thresholds: serve everything while prices are low, else nothing.

    Low is a mean price of the next 8 hours below that of the past week by so many of its standard deviations; and
    every hour is cheap enough once a job has waited long.

    Args:
        x: observations.
        below: the threshold, standard deviations.
        patience_h: longest wait, h.
    """
    cheap = x[:, _PLACE["week_8h"]] * WIDTH < below
    late = x[:, _PLACE["oldest_limit"]] * 336.0 > patience_h
    found: NDArray[np.int64] = np.where(cheap | late, _ALL, 0)
    return found


def _cheap(env: Any) -> NDArray[np.int64]:
    return cheap_hours(env.view.observe())


def _lost(env: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    from wattq.schedulers.rl.node_power import layout as c

    hourly = env.world.state.hourly
    return hourly[:, c.H_LOST_FULL] + hourly[:, c.H_LOST_AGE], hourly[:, c.H_SUBMITTED]


def _waiting(env: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    from wattq.schedulers.rl.node_power import layout as c

    hourly = env.world.state.hourly
    return hourly[:, c.H_QUEUE] + hourly[:, c.H_BACKLOG], hourly[:, c.H_SUBMITTED]


def node_power_policy(network: Network, env: Any, card: Mapping[str, Any]) -> Learned:
    """Return a policy of this task, ready to be saved."""
    config: NodePowerConfig = env.config
    state = {"speed_flops": 1.0, "idle_w": config.idle_w, "full_w": config.used_w}
    return Learned(
        "node-power",
        network,
        SERVE_OBSERVATION,
        options={"interface": "serve", "choices": list(SERVE_ACTIONS), "horizon_h": config.horizon_h},
        machine={"hosts": config.n_nodes, "cores": config.cores_per_node, "states": [state]},
        signals=("price",),
        card=card,
        versions=dict(card["versions"]),
    )


def node_power_data(options: NodePowerOptions, env: Any) -> Mapping[str, Any]:
    """Return what was learned from, for the card."""
    blocks = f"hours {SPAN_H + GAP_H} to {PERIOD_H - GAP_H} of every {PERIOD_H}"
    series = {_name(name): {"sha256": _digest(name), "learned_from": blocks} for name in options.prices}
    arrivals = {"synthetic": True, "jobs_per_hour": list(options.rates)}
    return {"prices": series, "arrivals": arrivals, "first_weeks": len(env.starts)}


def _name(text: str) -> str:
    """Return the name of a series without its folder, which says nothing elsewhere."""
    return text.rpartition("/")[2]


def _digest(name: str) -> str:
    from pathlib import Path

    path = Path(name.partition("#")[0])
    return sha256_hex(read_plain(path)) if path.is_file() else ""


_TEACHERS: Mapping[str, Callable[[Any], NDArray[np.int64]]] = {"demand": _demand, "cheap": _cheap}

TASK = Task(
    name="node-power",
    doc="nodes of a machine on and off, hour by hour, against prices",
    make_vec=node_power_envs,
    options=NodePowerOptions,
    costs={
        "lost": Cost("jobs lost, of those submitted", _lost),
        "wait": Cost("mean wait, h (jobs that wait in an hour, over jobs that arrive)", _waiting),
    },
    teachers=_TEACHERS,
    masked=False,
    defaults={"algorithm": "ppo", "gamma": 0.999, "gae_lambda": 0.97, "n_envs": 32, "n_steps": 336, "batch_size": 2688},
    learned=node_power_policy,
    data=node_power_data,
)
