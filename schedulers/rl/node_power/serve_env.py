"""Episodes of the node-power task side by side in which a choice says how much of the machine to give to jobs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from wattq.errors import LearningError
from wattq.schedulers.rl.node_power import layout as c
from wattq.schedulers.rl.node_power.arrivals import Arrivals, default_model, generated
from wattq.schedulers.rl.node_power.config import NodePowerConfig
from wattq.schedulers.rl.node_power.markets import joined
from wattq.schedulers.rl.node_power.prices import Prices
from wattq.schedulers.rl.node_power.serve import N_SERVE, SERVE_OBSERVATION
from wattq.schedulers.rl.node_power.serve_view import ServeView
from wattq.schedulers.rl.node_power.vector import NodePowerVecEnv

__all__ = ["ServeVecEnv"]

_STREAM_H = 2016


class ServeVecEnv(NodePowerVecEnv):
    """Episodes for training: other prices, weeks, arrival rates and jobs in each, drawn anew.

    Args:
        n_envs: episodes.
        config: the task.
        prices: series to learn from; episodes lie in their blocks to learn from, see `joined`.
        rates: jobs per hour that there may be; each episode draws one.
        seed: of everything.
        centred: add to each reward what the cores at work would cost in full nodes at the mean price of the episode,
            with the weight of the costs. Over an episode that is the same for all who do the same work; what is left of
            an hour is whether it was cheap, and what idle nodes cost.

    Attributes:
        starts: hours of the joined prices at which episodes may begin.
        waiting: jobs that waited in the last hour, float64 [episodes].

    Raises:
        LearningError: when an argument is outside its range.
    """

    def __init__(
        self,
        n_envs: int,
        config: NodePowerConfig,
        *,
        prices: Sequence[Prices],
        rates: Sequence[float],
        seed: int,
        centred: bool = True,
    ) -> None:
        market, self.starts = joined(prices, config.horizon_h)
        if not rates:
            raise LearningError("rates: give one arrival rate at least, jobs per hour")
        super().__init__(n_envs, config, prices=market, arrivals=float(rates[0]), flat=True)
        self.observation_space = spaces.Box(-1.0, 1.0, (len(SERVE_OBSERVATION),), np.float32)
        self.action_space = spaces.Discrete(N_SERVE)
        self.view = ServeView(self.world)
        self._streams: list[Arrivals] = [
            generated(default_model(rate), config, seed + k) for k, rate in enumerate(rates)
        ]
        self._draws = np.random.default_rng(seed)
        self._centred, self._means = centred, np.zeros(n_envs)
        self.waiting: NDArray[np.float64] = np.zeros(n_envs)

    def reset(self) -> NDArray[np.float32]:
        """Start every episode and return the observations."""
        for e in range(self.num_envs):
            self._begin(e)
        return self.view.observe()

    def reset_to(self, seed: int) -> NDArray[np.float32]:
        """Start the episodes of a seed, always the same ones, and return the observations."""
        self._draws = np.random.default_rng(seed)
        return self.reset()

    def step_async(self, actions: np.ndarray) -> None:
        """Note the choices, whole numbers [episodes]."""
        self._actions[:] = self.view.actions(np.asarray(actions).reshape(-1))

    def step_wait(self) -> tuple[NDArray[np.float32], np.ndarray, np.ndarray, list[dict[str, Any]]]:
        """Let an hour pass in every episode."""
        means = self._means.copy()
        observations, rewards, dones, infos = super().step_wait()
        if self._centred:
            share = self._cores / self.config.total_cores
            rewards = (rewards + self.config.weights.cost * means * share).astype(np.float32)
        return observations, rewards, dones, infos

    def _ended(self) -> np.ndarray:
        # noted before episodes that are over start anew
        hourly = self.world.state.hourly
        self._cores = hourly[:, c.H_CORES].copy()
        self.waiting = hourly[:, c.H_QUEUE] + hourly[:, c.H_BACKLOG]
        return super()._ended()

    def action_masks(self) -> np.ndarray:
        """Return that every choice is legal."""
        return np.ones((self.num_envs, N_SERVE), np.bool_)

    def _begin(self, e: int) -> None:
        """Start an episode at a week, a rate and jobs that are drawn."""
        stream, place = self._draws.integers(len(self._streams)), self._draws.integers(len(self.starts))
        begin = int(self._draws.integers(0, _STREAM_H - self.config.horizon_h + 1)) // 24 * 24
        self.world.arrivals[e] = self._streams[int(stream)]
        begin += int(self.world.prices.clock[self.starts[place]]) % 24
        first = int(self.starts[place])
        self.world.reset(e, {"price_start_index": first, "arrival_start_hour": begin})
        mean = float(self.world.prices.value[first : first + self.config.horizon_h].mean())
        self._means[e] = mean / float(self.world.task.real[c.PRICE_SCALE])

    def _finish(self, e: int, info: dict[str, Any]) -> None:
        totals = self.world.totals(e)
        info["totals"] = totals
        info["episode"] = {"r": totals["reward"], "l": self.config.horizon_h, "t": 0.0}
        info["TimeLimit.truncated"] = self.config.end == "truncated"
        info["terminal_observation"] = self.view.observe()[e]
        self._begin(e)

    def _observations(self) -> NDArray[np.float32]:
        return self.view.observe()

    def state(self) -> dict[str, NDArray[Any]]:
        """Return all that changes as arrays."""
        arrays = {name: np.array(array) for name, array in self.world.state._asdict().items()}
        words = json.dumps(self._draws.bit_generator.state)
        return {**arrays, "draws": np.frombuffer(words.encode(), np.uint8).copy(), "means": self._means.copy()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from what `state` returned."""
        kept = dict(state)
        self._draws.bit_generator.state = json.loads(bytes(kept.pop("draws")).decode())
        self._means[:] = kept.pop("means")
        self.world.state = c.State(**{name: np.array(array) for name, array in kept.items()})
