"""`wattq/NodePower-v0`: each hour an agent switches nodes of a machine on or off, against the price of the hour.

One step is one hour, in this order:

1. the agent decides, from what the last hour left and without the jobs that are about to arrive;
2. waiting jobs that are too old are lost;
3. jobs arrive: in the queue, behind a backlog in that, else they are lost;
4. nodes whose start takes hours and is over become usable, then nodes are switched: only idle ones go off;
5. jobs start by first-fit in queue order, also out of order where an earlier one does not fit;
6. with refill, the queue is filled from the backlog, and jobs start again; without, the backlog stays where it is;
7. the hour passes: energy at the price of this very hour, below 0 as a revenue;
8. jobs whose last hour is over complete;
9. the reward, and at the last hour the charge for unfinished work.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium import spaces

from wattq.schedulers.rl.node_power import layout as c
from wattq.schedulers.rl.node_power.arrivals import Arrivals
from wattq.schedulers.rl.node_power.config import FORECAST_H, HISTORY_H, NodePowerConfig
from wattq.schedulers.rl.node_power.masks import action_masks
from wattq.schedulers.rl.node_power.observe import AGE_MOST_H
from wattq.schedulers.rl.node_power.prices import Prices
from wattq.schedulers.rl.node_power.world import World

__all__ = ["NodePowerEnv", "action_space", "observation_space"]

_PRICE_MOST = 1e6


def action_space(config: NodePowerConfig) -> Any:
    """Return the actions: off, keep or on; the number of nodes; whether to refill the queue."""
    return spaces.MultiDiscrete([3, config.n_magnitudes, 2])


def observation_space(config: NodePowerConfig, n_flat: int, flat: bool) -> Any:
    """Return the space of observations, see docs/rl-node-power.md for names and units."""
    if flat:
        return spaces.Box(-1.0, 1.0, (n_flat,), np.float32)
    job = [config.max_duration_h, AGE_MOST_H, config.max_nodes_per_job, config.cores_per_node]
    queue = np.tile(np.array(job, np.int32), config.queue_size)
    most = float(np.finfo(np.float32).max)
    single = {
        "pending_job_count": most,
        "pending_core_hours": most,
        "pending_avg_duration": float(config.max_duration_h),
        "pending_max_nodes": float(config.max_nodes_per_job),
        "backlog_size": most,
        "booting_nodes": float(config.n_nodes),
        "hour_of_week": 167.0,
        "hours_left": float(config.horizon_h),
    }
    boxes = {name: spaces.Box(0.0, high, (1,), np.float32) for name, high in single.items()}
    return spaces.Dict(
        {
            "nodes": spaces.Box(-1, config.max_duration_h, (config.n_nodes,), np.int32),
            "job_queue": spaces.Box(np.zeros_like(queue), queue, dtype=np.int32),
            "predicted_prices": spaces.Box(-_PRICE_MOST, _PRICE_MOST, (FORECAST_H,), np.float32),
            "price_history": spaces.Box(-_PRICE_MOST, _PRICE_MOST, (HISTORY_H,), np.float32),
            **boxes,
        }
    )


class NodePowerEnv(gymnasium.Env):
    """The hourly node-power task for one agent.

    Args:
        config: the task; None is that of the published one.
        prices: prices, or their name (``sinus``, ``logic``, ``noisy-logic``, or the file of a signal).
        arrivals: jobs, or how many of the default kind arrive in an hour.
        flat: whether observations are one row of numbers from -1 to 1 instead of a dictionary.
        start: ``sequence`` or ``random``: where the next episode begins in prices and in a log.
        log: whether each job is written down, for `wattq.schedulers.rl.node_power.episode.record`.

    Attributes:
        world: the episode, its prices and arrivals.

    Raises:
        LearningError: when an argument is outside its range.
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": []}

    def __init__(
        self,
        config: NodePowerConfig | None = None,
        *,
        prices: Prices | str | Path = "sinus",
        arrivals: Arrivals | float = 200.0,
        flat: bool = False,
        start: str = "sequence",
        log: bool = False,
    ) -> None:
        self.config = config or NodePowerConfig()
        self.world = World(self.config, 1, prices=prices, arrivals=arrivals, start=start, log=log)
        self.flat = flat
        self.action_space = action_space(self.config)
        self.observation_space = observation_space(self.config, len(self.world.names), flat)
        self._actions = np.zeros((1, 3), np.int64)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Start the next episode; a seed starts the sequence of episodes anew.

        Args:
            seed: of arrivals and starts.
            options: see `World.reset`.
        """
        super().reset(seed=seed)
        if seed is not None:
            self.world.seed(0, seed)
        self.world.reset(0, options)
        return self._observation(), self._info()

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Let an hour pass; see the module for the order of what happens."""
        self._actions[0] = action
        self.world.step(self._actions)
        done, cut = self.world.done(0), self.config.end == "truncated"
        info = self._info()
        if done:
            info["totals"] = self.world.totals(0)
        return self._observation(), float(self.world.rewards[0]), done and not cut, done and cut, info

    def action_masks(self) -> np.ndarray:
        """Return which choices of each part of the action do something, one after the other."""
        return action_masks(self.world.state, self.config)[0]

    def _observation(self) -> Any:
        return self.world.flat_of(0) if self.flat else self.world.observation(0)

    def _info(self) -> dict[str, Any]:
        num, hour = self.world.state.num[0], self.world.state.hourly[0]
        return {
            "step_cost": float(hour[c.H_COST]),
            "step_mwh": float(hour[c.H_MWH]),
            "num_unprocessed_jobs": int(num[c.N_QUEUE] + num[c.N_BACK]),
            "num_on_nodes": int(num[c.N_ON]),
            "episode_jobs_dropped": int(num[c.LOST_FULL] + num[c.LOST_AGE]),
            "parts": self.world.parts(0),
        }
