"""Discounts per step, or per hour of the environments' own time, and the advantages that follow.

Where decisions are events, a discount per step is a trap: an agent that takes many decisions at one date makes costs to
come look small. With a discount per hour, decisions at the same date weigh the same, however many there are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Discount", "fill_advantages"]

Floats = NDArray[np.float64]
Clock = Callable[[Any], Floats]
"""Dates of environments on their own time axes, h."""


class Discount:
    """What the next state counts, step by step.

    Args:
        gamma: discount per step, or per hour where there is a clock.
        clock: dates of the environments, h; None for a discount per step.
    """

    def __init__(self, gamma: float, clock: Clock | None = None) -> None:
        self.gamma, self.clock = gamma, clock
        self._before: Floats | None = None

    def before(self, env: Any) -> None:
        """Note the dates at which actions are chosen."""
        self._before = None if self.clock is None else np.array(self.clock(env))

    def after(self, env: Any, dones: NDArray[np.bool_]) -> Floats:
        """Return the discounts of the step that followed; where an episode ended, time stood still."""
        if self.clock is None or self._before is None:
            return np.full(len(dones), self.gamma)
        passed_h = np.where(dones, 0.0, np.maximum(self.clock(env) - self._before, 0.0))
        discounts: Floats = self.gamma**passed_h
        return discounts


def fill_advantages(buffer: Any, discounts: Floats, last_values: Floats, dones: NDArray[np.bool_]) -> None:
    """Set advantages and returns of a rollout (Schulman et al., generalised advantage estimation, ICLR 2016).

    Args:
        buffer: of Stable-Baselines3, with rewards, values and starts of episodes, shape (steps, environments).
        discounts: of each step, same shape.
        last_values: of the states after the last step.
        dones: whether the last step ended an episode.
    """
    later = np.zeros(buffer.n_envs)
    values, goes_on = last_values, 1.0 - dones
    for t in range(buffer.buffer_size - 1, -1, -1):
        factor = discounts[t] * goes_on
        surprise = buffer.rewards[t] + factor * values - buffer.values[t]
        later = surprise + factor * buffer.gae_lambda * later
        buffer.advantages[t] = later
        values, goes_on = buffer.values[t], 1.0 - buffer.episode_starts[t]
    buffer.returns = buffer.advantages + buffer.values
