"""Which choices of an action do something now."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattq.schedulers.rl.node_power import layout as c
from wattq.schedulers.rl.node_power.config import NodePowerConfig
from wattq.schedulers.rl.node_power.layout import State

__all__ = ["action_masks"]


def action_masks(state: State, config: NodePowerConfig) -> NDArray[np.bool_]:
    """Return masks, bool [episodes, 3 + magnitudes + 2], in the order of the action.

    Off is masked while no node is idle, on while none is off, magnitudes beyond the first that reaches the larger of
    both; one that is chosen nevertheless does as much as there is. Refilling is never masked: jobs that arrive in the
    hour may fill the backlog.
    """
    idle = state.num[:, c.N_IDLE]
    off = config.n_nodes - state.num[:, c.N_ON] - state.num[:, c.N_BOOTING]
    before = np.array((0, *config.magnitudes[:-1]))
    mask = np.ones((state.num.shape[0], 3 + config.n_magnitudes + 2), np.bool_)
    mask[:, 0], mask[:, 2] = idle > 0, off > 0
    mask[:, 3 : 3 + config.n_magnitudes] = before < np.maximum(np.maximum(idle, off), 1)[:, None]
    return mask
