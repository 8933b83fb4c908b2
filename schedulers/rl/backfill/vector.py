"""Many episodes of ``wattq/Backfill-v0`` for Stable-Baselines3, stepped in one compiled call."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from gymnasium.utils import seeding
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv

from wattq.errors import LearningError
from wattq.schedulers.rl.backfill import reward as r
from wattq.schedulers.rl.backfill import step as st
from wattq.schedulers.rl.backfill.env import action_space, observation_space
from wattq.schedulers.rl.backfill.fleet import PARTS, Fleet
from wattq.schedulers.rl.backfill.history import History
from wattq.schedulers.rl.backfill.results import episode_results
from wattq.schedulers.rl.backfill.scenario import Scenario

__all__ = ["BackfillVecEnv"]


class BackfillVecEnv(VecEnv):
    """Episodes side by side; each that is over is followed by one drawn anew.

    At the end of an episode its info holds ``terminal_observation``, ``TimeLimit.truncated`` (never: what is left
    undone was charged), ``results`` and ``episode`` with its return ``r``, length ``l`` and seconds ``t``, as a monitor
    writes them.

    Args:
        scenario: what an episode is.
        n_envs: how many at a time.
        seed: of the draws: environment e draws as `BackfillEnv` does after ``reset(seed=seed + e)``; None: at random.
        illegal: what a masked action does, as in `BackfillEnv`.
        details: whether every info holds the parts of the cost, which takes time; `parts` holds them anyway.

    Raises:
        LearningError: there is no environment to step; or as `BackfillEnv`.
    """

    def __init__(
        self,
        scenario: Scenario,
        n_envs: int,
        seed: int | None = None,
        *,
        illegal: str = "raise",
        details: bool = False,
    ) -> None:
        if n_envs < 1:
            raise LearningError(f"n_envs {n_envs}: at least one episode is needed")
        self.scenario = scenario
        self.details = details
        self.render_mode = None
        self._fleet = Fleet(scenario, n_envs, illegal)
        self._history = History(n_envs)
        self._rng = [seeding.np_random(None if seed is None else seed + e)[0] for e in range(n_envs)]
        self._actions = np.zeros(n_envs, dtype=np.int64)
        self._begin_s = np.zeros(n_envs)
        super().__init__(n_envs, observation_space(scenario), action_space(scenario))

    @property
    def parts(self) -> NDArray[np.float64]:
        """Parts of the cost of the last step, float64[n, 4]: energy in kWh, carbon in kg, cost, delay."""
        return self._last_parts

    @property
    def counts(self) -> NDArray[np.float64]:
        """Jobs of the last step, float64[n, 3]: started (or never to), late ones among them, s that they waited."""
        return self._last_counts

    @property
    def dates_s(self) -> NDArray[np.float64]:
        """Present date of each environment, s since the begin of its episode's warm-up, float64[n]."""
        return self._fleet.book[:, r.LAST_S].copy()

    def reset(self) -> NDArray[np.float32]:
        """Begin an episode in each environment and return the observations."""
        for e in range(self.num_envs):
            if self._seeds[e] is not None:
                self._rng[e] = seeding.np_random(self._seeds[e])[0]
            self._begin(e, self._options[e].get("episode"))
        self._reset_seeds()
        self._reset_options()
        self._keep_last()
        return self._fleet.x.copy()

    def step_async(self, actions: NDArray[np.int64]) -> None:
        """Note the actions, int64[n]."""
        self._actions[:] = actions

    def step_wait(self) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_], list[dict[str, Any]]]:
        """Take the actions; return observations, rewards, ends and infos."""
        fleet = self._fleet
        any_over = fleet.step(self._actions)
        self._history.note(fleet.taken)
        self._last_parts, self._last_counts = fleet.parts, fleet.counts
        rewards = fleet.reward.astype(np.float32)
        dones = fleet.status == st.DONE if any_over else np.zeros(self.num_envs, dtype=np.bool_)
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        if self.details:
            for e, row in enumerate(self._last_parts.tolist()):
                infos[e].update(zip(PARTS, row, strict=True))
        if any_over:
            self._keep_last()
            for e in np.flatnonzero(dones).tolist():
                self._finish(e, infos[e])
        return fleet.x.copy(), rewards, dones, infos

    def action_masks(self) -> NDArray[np.bool_]:
        """Return which actions are legal in each environment, bool[n, actions]."""
        return self._fleet.mask.copy()

    def teacher_actions(self, name: str = "easy") -> NDArray[np.int64]:
        """Return what a rule (`teacher.TEACHERS`) does in each environment, int64[n]."""
        return self._fleet.teach(name)

    def state(self) -> Mapping[str, NDArray[Any]]:
        """Return what `restore` needs to go on from here exactly, in an environment of the same scenario.

        An episode is kept as its number and the actions taken in it so far, which are played again.
        """
        return self._history.state(self._fleet.numbers, self._rng)

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from what `state` returned.

        Raises:
            LearningError: it comes from an environment of another size or scenario.
        """
        for e, (number, actions) in enumerate(self._history.restore(state, self._rng)):
            self._fleet.replay(e, number, actions)
            self._begin_s[e] = time.perf_counter()
        self._keep_last()

    def _keep_last(self) -> None:
        """Keep what the last step came to, before new episodes begin."""
        self._last_parts = self._fleet.parts.copy()
        self._last_counts = self._fleet.counts.copy()

    def _begin(self, e: int, wanted: Any = None) -> None:
        self._fleet.begin_some(e, self._rng[e], None if wanted is None else int(wanted))
        self._history.begin(e)
        self._begin_s[e] = time.perf_counter()

    def _finish(self, e: int, info: dict[str, Any]) -> None:
        """Describe the episode that is over and begin another."""
        results = episode_results(self._fleet, e)
        seconds = round(time.perf_counter() - float(self._begin_s[e]), 6)
        info["results"] = results
        info["episode"] = {"r": results["return"], "l": results["steps"], "t": seconds}
        info["TimeLimit.truncated"] = False
        info["terminal_observation"] = self._fleet.x[e].copy()
        self._begin(e)

    def close(self) -> None:
        """Do nothing: there is nothing to close."""

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """Return an attribute, the same for each of the environments asked for."""
        return [getattr(self, attr_name)] * len(self._chosen(indices))

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Refuse: the environments share their attributes.

        Raises:
            LearningError: always.
        """
        raise LearningError(f"attribute {attr_name}: the environments share their scenario; make new ones from another")

    def env_method(self, method_name: str, *method_args: Any, indices: Any = None, **method_kwargs: Any) -> list[Any]:
        """Return what a method of all environments says of each of those asked for.

        Raises:
            LearningError: there is no such method.
        """
        if method_name not in ("action_masks", "teacher_actions"):
            raise LearningError(f"method {method_name}: it is not one of action_masks and teacher_actions")
        rows = getattr(self, method_name)(*method_args, **method_kwargs)
        return [rows[e] for e in self._chosen(indices)]

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
        """Return that none is wrapped."""
        return [False] * len(self._chosen(indices))

    def _chosen(self, indices: Any) -> Sequence[int]:
        return list(self._get_indices(indices))
