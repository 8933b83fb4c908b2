"""What is seen of episodes, and what choices of how much to serve do there."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattq.schedulers.rl.node_power.serve import SERVE_OBSERVATION, observe_all_served, serve_all
from wattq.schedulers.rl.node_power.world import World

__all__ = ["ServeView"]


class ServeView:
    """What is seen of the episodes of a world, and what choices do there.

    Args:
        world: the episodes.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self._scratch = np.zeros(2)
        self._actions = np.zeros((world.n_envs, 3), np.int64)

    def observe(self) -> NDArray[np.float32]:
        """Return the observations, float32 [episodes, numbers], a new array; see `SERVE_OBSERVATION`."""
        x = np.zeros((self.world.n_envs, len(SERVE_OBSERVATION)), np.float32)
        observe_all_served(self.world.state, self.world.market, self.world.task, x, self._scratch)
        return x

    def actions(self, choices: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the actions of the task, int64 [episodes, 3], that choices stand for; see `SERVE_ACTIONS`."""
        serve_all(self.world.state, self.world.task, np.asarray(choices, dtype=np.int64), self._actions)
        return self._actions
