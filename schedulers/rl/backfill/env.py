"""The environment ``wattq/Backfill-v0``."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from wattq.errors import LearningError
from wattq.schedulers.rl.backfill import reward as r
from wattq.schedulers.rl.backfill import step as st
from wattq.schedulers.rl.backfill.fleet import PARTS, Fleet
from wattq.schedulers.rl.backfill.results import episode_results
from wattq.schedulers.rl.backfill.scenario import Scenario

__all__ = ["BackfillEnv", "draw_episode"]


class BackfillEnv(gymnasium.Env):
    """A batch scheduler's decisions, one at a time; see docs/rl-environments.md.

    Args:
        scenario: what an episode is.

    Raises:
        LearningError: a masked action is taken; no episode is under way; nothing can ever happen again.
    """

    metadata: dict[str, Any] = {"render_modes": []}

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.render_mode = None
        self._fleet = Fleet(scenario, 1)
        self.observation_space = gymnasium.spaces.Box(-1.0, 1.0, self._fleet.x.shape[1:], np.float32)
        self.action_space = gymnasium.spaces.Discrete(len(scenario.actions))

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Begin an episode: one drawn by the seed, or the one that ``options["episode"]`` names by its number."""
        super().reset(seed=seed)
        wanted = (options or {}).get("episode")
        number = begin_some(self._fleet, 0, self.np_random, None if wanted is None else int(wanted))
        return self._fleet.x[0].copy(), {"episode_number": number}

    def step(self, action: int) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Take an action; the episode is over when all jobs ended or at its horizon, and never truncated."""
        fleet = self._fleet
        fleet.step(np.array([action], dtype=np.int64))
        over = bool(fleet.status[0] == st.DONE)
        info: dict[str, Any] = dict(zip(PARTS, fleet.book[0, : r.N_PARTS].tolist(), strict=True))
        if over:
            info["results"] = episode_results(fleet, 0)
        return fleet.x[0].copy(), float(fleet.reward[0]), over, False, info

    def action_masks(self) -> NDArray[np.bool_]:
        """Return which actions are legal now, bool[actions]."""
        return self._fleet.mask[0].copy()

    def teacher_action(self, name: str = "easy") -> int:
        """Return what a rule (``fcfs``, ``easy``, ``eco``, ``sleep``, ``sleep-eco``) does now."""
        return int(self._fleet.teach(name)[0])

    @property
    def ledger(self) -> Any:
        """What a scheduler knows now (`wattq.simulator.layout.Ledger`)."""
        return self._fleet.ledger(0)


def begin_some(fleet: Fleet, e: int, rng: np.random.Generator, wanted: int | None) -> int:
    """Begin an episode, drawn or wanted, and return its number; one without any decision is drawn again.

    Raises:
        LearningError: there is no such episode, or none has a decision to take.
    """
    n = fleet.scenario.n_episodes
    if wanted is not None and not 0 <= wanted < n:
        raise LearningError(f"episode {wanted}: there are episodes 0 to {n - 1}")
    number = int(rng.integers(n)) if wanted is None else wanted
    for k in range(n):
        fleet.begin(e, (number + k) % n)
        if fleet.status[e] == st.READY:
            return (number + k) % n
        if wanted is not None:
            break
    raise LearningError(f"episode {number}: there is nothing to decide in it; take a longer one, or more of the log")
