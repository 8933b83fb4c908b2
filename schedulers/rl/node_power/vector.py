"""Many node-power episodes for Stable-Baselines3, stepped in one compiled call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from stable_baselines3.common.vec_env import VecEnv

from wattq.errors import LearningError
from wattq.schedulers.rl.node_power import layout as c
from wattq.schedulers.rl.node_power.arrivals import Arrivals
from wattq.schedulers.rl.node_power.config import NodePowerConfig
from wattq.schedulers.rl.node_power.env import action_space, observation_space
from wattq.schedulers.rl.node_power.masks import action_masks
from wattq.schedulers.rl.node_power.prices import Prices
from wattq.schedulers.rl.node_power.world import World

__all__ = ["NodePowerVecEnv"]


class NodePowerVecEnv(VecEnv):
    """Episodes side by side; each starts anew when it is over, as the environments of Stable-Baselines3 do.

    At the end of an episode its info holds ``terminal_observation``, ``TimeLimit.truncated``, ``totals`` (see
    `World.totals`) and ``episode`` with its reward ``r`` and length ``l``, as a monitor writes them.

    Args:
        n_envs: episodes.
        config: the task; None is that of the published one.
        prices: see `NodePowerEnv`.
        arrivals: see `NodePowerEnv`; the stream of episode e has the seed of the source + e.
        flat: whether observations are rows of numbers from -1 to 1 instead of dictionaries.
        start: see `NodePowerEnv`.
        seed: of the first episodes; None keeps the seed of the source.
        details: whether every info holds ``parts``, the weighted parts of the reward, which costs time; the array
            `parts` holds them anyway.

    Attributes:
        world: the episodes.

    Raises:
        LearningError: when an argument is outside its range.
    """

    def __init__(
        self,
        n_envs: int,
        config: NodePowerConfig | None = None,
        *,
        prices: Prices | str | Path = "sinus",
        arrivals: Arrivals | float = 200.0,
        flat: bool = True,
        start: str = "sequence",
        seed: int | None = None,
        details: bool = False,
    ) -> None:
        if n_envs < 1:
            raise LearningError(f"n_envs {n_envs}: at least one episode is needed")
        self.config = config or NodePowerConfig()
        self.world = World(self.config, n_envs, prices=prices, arrivals=arrivals, start=start)
        self.flat, self.details = flat, details
        self.render_mode = None
        spaces = observation_space(self.config, len(self.world.names), flat), action_space(self.config)
        super().__init__(n_envs, *spaces)
        self._actions = np.zeros((n_envs, 3), np.int64)
        self.seed(seed)

    @property
    def parts(self) -> np.ndarray:
        """The weighted parts of the rewards of the last hour, float64 [episodes, parts]."""
        return self.world.state.parts

    def seed(self, seed: int | None = None) -> Sequence[int | None]:
        """Seed the episodes that the next reset starts, each with a seed of its own; None leaves them as they are."""
        if seed is None:
            return [None] * self.num_envs
        seeds = [seed + e for e in range(self.num_envs)]
        for e, own in enumerate(seeds):
            self.world.seed(e, own)
        return seeds

    def reset(self) -> Any:
        """Start every episode and return the observations."""
        for e in range(self.num_envs):
            self.world.reset(e, self._options[e] or None)
        self._reset_seeds()
        self._reset_options()
        return self._observations()

    def step_async(self, actions: np.ndarray) -> None:
        """Note the actions, whole numbers [episodes, 3]."""
        self._actions[:] = actions

    def step_wait(self) -> tuple[Any, np.ndarray, np.ndarray, list[dict[str, Any]]]:
        """Let an hour pass in every episode."""
        self.world.step(self._actions)
        rewards = self.world.rewards.astype(np.float32)
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        if self.details:
            for e, info in enumerate(infos):
                info["parts"] = self.world.parts(e)
        dones = self._ended()
        for e in np.flatnonzero(dones).tolist():
            self._finish(e, infos[e])
        return self._observations(), rewards, dones, infos

    def action_masks(self) -> np.ndarray:
        """Return the masks of `wattq.schedulers.rl.node_power.masks` for every episode."""
        return action_masks(self.world.state, self.config)

    def _ended(self) -> np.ndarray:
        return self.world.state.num[:, c.DONE] != 0

    def _finish(self, e: int, info: dict[str, Any]) -> None:
        totals = self.world.totals(e)
        info["totals"] = totals
        info["episode"] = {"r": totals["reward"], "l": self.config.horizon_h, "t": 0.0}
        info["TimeLimit.truncated"] = self.config.end == "truncated"
        info["terminal_observation"] = self.world.flat_of(e) if self.flat else self.world.observation(e)
        self.world.reset(e)

    def _observations(self) -> Any:
        if self.flat:
            return self.world.flat()
        rows = [self.world.observation(e) for e in range(self.num_envs)]
        return {name: np.stack([row[name] for row in rows]) for name in rows[0]}

    def state(self) -> dict[str, np.ndarray]:
        """Return all that changes as arrays, so that `restore` goes on from here exactly."""
        return self.world.saved()

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go on from what `state` returned.

        Raises:
            LearningError: when it is of other environments.
        """
        self.world.restore(state)

    def close(self) -> None:
        """Do nothing: there is nothing to close."""

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """Return an attribute, the same for each of the episodes asked for."""
        return [getattr(self, attr_name)] * len(self._chosen(indices))

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Refuse: the episodes share their attributes.

        Raises:
            LearningError: always.
        """
        raise LearningError(f"attribute {attr_name!r} of node-power episodes cannot be set; make new ones instead")

    def env_method(self, method_name: str, *method_args: Any, indices: Any = None, **method_kwargs: Any) -> list[Any]:
        """Return ``action_masks`` of each of the episodes asked for.

        Raises:
            LearningError: for any other method.
        """
        if method_name != "action_masks":
            raise LearningError(f"method {method_name!r}: node-power episodes side by side have action_masks alone")
        masks = self.action_masks()
        return [masks[e] for e in self._chosen(indices)]

    def env_is_wrapped(self, wrapper_class: type[Any], indices: Any = None) -> list[bool]:
        """Return that no episode is wrapped."""
        return [False] * len(self._chosen(indices))

    def _chosen(self, indices: int | Iterable[int] | None) -> list[int]:
        if indices is None:
            return list(range(self.num_envs))
        return [indices] if isinstance(indices, int) else list(indices)
