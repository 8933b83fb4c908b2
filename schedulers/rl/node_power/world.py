"""Episodes side by side with their prices and arrivals: what the environment and the vector environment share."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattq.errors import LearningError
from wattq.schedulers.rl.node_power import layout as c
from wattq.schedulers.rl.node_power.arrivals import Arrivals, default_model, generated
from wattq.schedulers.rl.node_power.config import FORECAST_H, HISTORY_H, PARTS, NodePowerConfig
from wattq.schedulers.rl.node_power.core import step_all
from wattq.schedulers.rl.node_power.episodes import begin, make_room
from wattq.schedulers.rl.node_power.layout import State, market_of, new_memory, new_state, task_of
from wattq.schedulers.rl.node_power.observe import (
    flat_names,
    observe_all,
    observe_flat,
    widest,
    write_nodes,
    write_prices,
    write_queue,
)
from wattq.schedulers.rl.node_power.prices import Prices, named_prices

__all__ = ["STARTS", "World"]

STARTS = ("sequence", "random")
"""Where episodes begin in prices and in a log: one after the other, or on random days."""
_DAY = 24
_OPTIONS = ("price_start_index", "arrival_start_hour", "carry_over")

Observation = dict[str, NDArray[Any]]


class World:
    """Episodes side by side.

    Args:
        config: the task.
        n_envs: episodes.
        prices: prices, or their name (see `named_prices`).
        arrivals: jobs, or how many arrive in an hour (see `default_model`).
        start: see `STARTS`.
        log: whether each job is written down, for records of episodes.

    Attributes:
        config, prices, arrivals, start: as given; of each episode its own arrivals.
        state, market, task, memory: arrays for the compiled core.
        rewards: float64 [episodes], of the last hour.
        names: names of the flat observation.
    """

    def __init__(
        self,
        config: NodePowerConfig,
        n_envs: int,
        *,
        prices: Prices | str | Path = "sinus",
        arrivals: Arrivals | float = 200.0,
        start: str = "sequence",
        log: bool = False,
    ) -> None:
        if start not in STARTS:
            raise LearningError(f"start {start!r} of episodes: not one of {', '.join(STARTS)}")
        self.config, self.start, self.log, self.n_envs = config, start, log, n_envs
        self.prices = prices if isinstance(prices, Prices) else named_prices(prices)
        source = arrivals if isinstance(arrivals, Arrivals) else generated(default_model(arrivals), config)
        self.arrivals = [source.seeded(source.seed + e) for e in range(n_envs)]
        self.market, self.task, self.memory = market_of(self.prices), task_of(config, self.prices), new_memory(config)
        self.state = new_state(config, n_envs)
        self.rewards: NDArray[np.float64] = np.zeros(n_envs)
        self.names = flat_names(config)
        self._episode = [-1] * n_envs
        self._price_hour, self._arrival_hour = [0] * n_envs, [0] * n_envs
        self._random = [np.random.default_rng(e) for e in range(n_envs)]

    def seed(self, e: int, seed: int) -> None:
        """Make the next episode the first one of a seed: of the arrivals, and of where episodes begin."""
        self.arrivals[e] = self.arrivals[e].seeded(seed)
        self._random[e] = np.random.default_rng(seed)
        self._episode[e] = -1

    def reset(self, e: int, options: Mapping[str, Any] | None = None) -> None:
        """Start the next episode.

        Args:
            e: which one.
            options: ``price_start_index``, hour of the prices; ``arrival_start_hour``, hour of the arrivals; and
                ``carry_over``, whether to start from what the last episode left.

        Raises:
            LearningError: for another option, or a value that is none.
        """
        chosen = _checked(options or {}, self.prices.n_hours)
        first = self._episode[e] < 0
        self._episode[e] += 1
        carry = bool(chosen.get("carry_over", self.config.carry_over)) and not first
        self._place(e, chosen, carry)
        window = self.arrivals[e].window(self._arrival_hour[e], self.config.horizon_h)
        self.state = make_room(self.state, self.config, window, log=self.log)
        begin(self.state, e, self.config, window, self._price_hour[e], carry=carry)

    def _place(self, e: int, options: Mapping[str, Any], carry: bool) -> None:
        """Choose where the episode begins in prices and arrivals, at the same hour of the day in both."""
        hours, episode, period = self.config.horizon_h, self._episode[e], self.arrivals[e].period_h
        if carry:
            self._price_hour[e] += hours
            self._arrival_hour[e] += hours
        elif self.start == "random":
            self._price_hour[e] = _DAY * int(self._random[e].integers(0, max(self.prices.n_hours // _DAY, 1)))
            day = int(self._random[e].integers(0, period // _DAY)) * _DAY if period else episode * (hours + _DAY)
            self._arrival_hour[e] = day // _DAY * _DAY
        else:
            # Episodes side by side take turns, so that they never play the same weeks.
            turn = (episode * self.n_envs + e) * hours
            self._price_hour[e] = turn % self.prices.n_hours
            self._arrival_hour[e] = turn // _DAY * _DAY if period else episode * (hours // _DAY + 1) * _DAY
        self._price_hour[e] = options.get("price_start_index", self._price_hour[e])
        if not carry:
            self._arrival_hour[e] += int(self.prices.clock[self._price_hour[e] % self.prices.n_hours]) % _DAY
        self._arrival_hour[e] = options.get("arrival_start_hour", self._arrival_hour[e])

    def step(self, actions: NDArray[np.int64]) -> None:
        """Let one hour pass in every episode; actions int64 [episodes, 3], within their bounds."""
        step_all(self.state, self.market, self.task, actions, self.rewards, self.memory)

    def flat(self) -> NDArray[np.float32]:
        """Return the flat observations, float32 [episodes, numbers], a new array."""
        x = np.empty((self.n_envs, len(self.names)), np.float32)
        observe_all(self.state, self.market, self.task, self.memory, x)
        return x

    def flat_of(self, e: int) -> NDArray[np.float32]:
        """Return the flat observation of an episode, a new array."""
        x = np.empty(len(self.names), np.float32)
        observe_flat(self.state, e, self.market, self.task, self.memory, x)
        return x

    def observation(self, e: int) -> Observation:
        """Return the observation of an episode as a dictionary of new arrays."""
        nodes, queue = np.empty(self.config.n_nodes, np.int32), np.zeros(self.config.queue_size * 4, np.int32)
        ahead, past = np.empty(FORECAST_H, np.float32), np.empty(HISTORY_H, np.float32)
        write_nodes(self.state, e, nodes)
        write_queue(self.state, e, queue)
        write_prices(self.state, e, self.market, ahead, past)
        num, acc = self.state.num[e], self.state.acc[e]
        waiting = int(num[c.N_QUEUE] + num[c.N_BACK])
        hour = int(num[c.PRICE] + num[c.T]) % self.prices.n_hours
        single = {
            "pending_job_count": waiting,
            "pending_core_hours": acc[c.PENDING_CH],
            "pending_avg_duration": num[c.PENDING_HOURS] / waiting if waiting else 0.0,
            "pending_max_nodes": widest(self.state, e),
            "backlog_size": num[c.N_BACK],
            "booting_nodes": num[c.N_BOOTING],
            "hour_of_week": self.prices.clock[hour],
            "hours_left": self.config.horizon_h - num[c.T],
        }
        arrays = {name: np.array([value], np.float32) for name, value in single.items()}
        return {"nodes": nodes, "job_queue": queue, "predicted_prices": ahead, "price_history": past, **arrays}

    def saved(self) -> dict[str, NDArray[Any]]:
        """Return all that changes, copies, so that `restore` goes on from here exactly."""
        random = json.dumps([generator.bit_generator.state for generator in self._random])
        turns = np.array(
            [self._episode, self._price_hour, self._arrival_hour, [a.seed for a in self.arrivals]], np.int64
        )
        words = {"random": np.frombuffer(random.encode(), np.uint8).copy(), "turns": turns}
        return {name: array.copy() for name, array in self.state._asdict().items()} | words

    def restore(self, saved: Mapping[str, NDArray[Any]]) -> None:
        """Go on from what `saved` returned, in a world made with the same arguments.

        Raises:
            LearningError: when it is not of such a world.
        """
        names = (*self.state._fields, "random", "turns")
        grown = ("jobs", "log", "backlog")
        same = all(name in saved and saved[name].ndim > 0 for name in names) and all(
            saved[name].dtype == array.dtype
            and (saved[name].shape == array.shape or (name in grown and saved[name].shape[0] == self.n_envs))
            for name, array in self.state._asdict().items()
        )
        if not same or saved["turns"].shape != (4, self.n_envs):
            raise LearningError("saved node-power episodes are of another task or another number of episodes")
        self.state = State(**{name: saved[name].copy() for name in self.state._fields})
        rows = saved["turns"].tolist()
        self._episode, self._price_hour, self._arrival_hour = rows[:3]
        self.arrivals = [source.seeded(seed) for source, seed in zip(self.arrivals, rows[3], strict=True)]
        for generator, words in zip(self._random, json.loads(saved["random"].tobytes()), strict=True):
            generator.bit_generator.state = words

    def done(self, e: int) -> bool:
        """Return whether the episode is over."""
        return bool(self.state.num[e, c.DONE])

    def parts(self, e: int) -> dict[str, float]:
        """Return the weighted parts of the reward of the last hour, by name."""
        return dict(zip(PARTS, self.state.parts[e].tolist(), strict=True))

    def totals(self, e: int) -> dict[str, Any]:
        """Return what the episode was so far: jobs, core-hours, energy, money, parts of the reward.

        `unfinished_ch` are core-hours that wait, run or are lost; `charge` is what they would cost on nodes with all
        cores in use at the highest price of the episode (0 below 0): nothing is saved by leaving work undone.
        """
        num, acc, config = self.state.num[e], self.state.acc[e], self.config
        counts = ("submitted", "launched", "completed", "running", "lost_full", "lost_age")
        found: dict[str, Any] = {name: int(num[getattr(c, name.upper())]) for name in counts}
        undone = float(acc[c.PENDING_CH] + acc[c.RUNNING_CH] + acc[c.LOST_CH])
        charge = undone * config.used_w / config.cores_per_node * 1e-6 * max(float(acc[c.TOP_PRICE]), 0.0)
        return found | {
            "queued": int(num[c.N_QUEUE]),
            "backlog": int(num[c.N_BACK]),
            "lost": found["lost_full"] + found["lost_age"],
            "work_ch": float(acc[c.WORK]),
            "served_ch": float(acc[c.SERVED]),
            "lost_ch": float(acc[c.LOST_CH]),
            "unfinished_ch": undone,
            "mwh": float(acc[c.MWH]),
            "cost": float(acc[c.COST]),
            "charge": charge,
            "reward": float(acc[c.REWARD]),
            "parts": dict(zip(PARTS, self.state.sums[e].tolist(), strict=True)),
        }


def _checked(options: Mapping[str, Any], n_hours: int) -> Mapping[str, Any]:
    for key, value in options.items():
        if key not in _OPTIONS:
            raise LearningError(f"option {key!r} of an episode is unknown; it is one of {', '.join(_OPTIONS)}")
        whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
        if key != "carry_over" and not (whole and value >= 0):
            raise LearningError(f"option {key} of an episode: {value!r}; it must be a whole number of at least 0")
        if key == "price_start_index" and value >= n_hours:
            raise LearningError(f"option {key} of an episode: {value}; the prices have {n_hours} hours")
    return options
