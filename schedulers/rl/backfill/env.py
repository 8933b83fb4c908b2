"""The environment ``wattq/Backfill-v0``."""

from __future__ import annotations

from typing import Any, ClassVar

import gymnasium
import numpy as np
from numpy.typing import NDArray

from wattq.schedulers.rl.backfill.example import example_scenario
from wattq.schedulers.rl.backfill.fleet import PARTS, Fleet
from wattq.schedulers.rl.backfill.results import episode_results
from wattq.schedulers.rl.backfill.scenario import Scenario
from wattq.schedulers.rl.backfill.table import n_features

__all__ = ["BackfillEnv", "action_space", "observation_space"]


class BackfillEnv(gymnasium.Env):
    """A batch scheduler's decisions, one at a time; see docs/rl-environments.md.

    Args:
        scenario: what an episode is; None: `example_scenario`, whose jobs are made up.
        illegal: what a masked action does. ``raise``: it is an error. ``wait``: it is never taken; the agent waits, or
            takes the first legal action where it must not wait, for agents that know no masks.

    Raises:
        LearningError: a masked action is taken; no episode is under way; nothing can ever happen again.
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": []}

    def __init__(self, scenario: Scenario | None = None, illegal: str = "raise") -> None:
        scenario = scenario or example_scenario()
        self.scenario = scenario
        self.render_mode = None
        self._fleet = Fleet(scenario, 1, illegal)
        self.observation_space = observation_space(scenario)
        self.action_space = action_space(scenario)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Begin an episode: one drawn by the seed, or the one that ``options["episode"]`` names by its number."""
        super().reset(seed=seed)
        wanted = (options or {}).get("episode")
        number = self._fleet.begin_some(0, self.np_random, None if wanted is None else int(wanted))
        return self._fleet.x[0].copy(), {"episode_number": number}

    def step(self, action: int) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Take an action; the episode is over when all jobs ended or at its horizon, and never truncated."""
        fleet = self._fleet
        over = fleet.step(np.array([action], dtype=np.int64))
        info: dict[str, Any] = dict(zip(PARTS, fleet.parts[0].tolist(), strict=True))
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
        """What a scheduler knows now (`wattq.simulator.layout.Ledger`).

        Its arrays may be longer than the episode has jobs; ``head["n_jobs"]`` says how many these are.
        """
        return self._fleet.ledger(0)


def observation_space(scenario: Scenario) -> Any:
    """Return the space of the observations: numbers from -1 to 1."""
    return gymnasium.spaces.Box(-1.0, 1.0, (n_features(scenario.options.window),), np.float32)


def action_space(scenario: Scenario) -> Any:
    """Return the space of the actions."""
    return gymnasium.spaces.Discrete(len(scenario.actions))
