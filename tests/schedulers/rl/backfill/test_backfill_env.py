"""The Gymnasium environment: both checkers, ids, masks, fresh arrays."""

from __future__ import annotations

import sys
import warnings
from typing import Any

import numpy as np
import pytest

pytest.importorskip("gymnasium")

import gymnasium

from wattq.errors import LearningError, MissingDependencyError
from wattq.schedulers.rl import backfill
from wattq.schedulers.rl.backfill import OBSERVATION, BackfillEnv, Options, example_scenario, feature_names
from wattq.schedulers.rl.registration import ENVIRONMENTS, register_environments


def test_an_absent_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "wattq.schedulers.rl.backfill.env", raising=False)
    monkeypatch.setitem(sys.modules, "gymnasium", None)
    with pytest.raises(MissingDependencyError, match=r"wattq\[rl\]"):
        _ = backfill.BackfillEnv
    with pytest.raises(AttributeError, match="no attribute 'Backfil'"):
        _ = backfill.Backfil


def test_gymnasium_check_env(kit: Any) -> None:
    from gymnasium.utils.env_checker import check_env

    register_environments()
    for scenario in (kit.full_scenario(), kit.scenario()):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            # The checkers draw actions without asking for masks.
            check_env(gymnasium.make("wattq/Backfill-v0", scenario=scenario, illegal="wait").unwrapped)


def test_stable_baselines_check_env(kit: Any) -> None:
    check_env = pytest.importorskip("stable_baselines3.common.env_checker").check_env
    for scenario in (kit.full_scenario(), kit.scenario()):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            check_env(BackfillEnv(scenario, illegal="wait"))


def test_made_by_its_id_with_jobs_that_were_made_up() -> None:
    assert example_scenario().workload.synthetic
    env = gymnasium.make("wattq.schedulers.rl.registration:wattq/Backfill-v0")
    observation, info = env.reset(seed=3)
    assert env.observation_space.contains(observation)
    assert info["episode_number"] in range(example_scenario().n_episodes)
    assert set(ENVIRONMENTS) <= set(gymnasium.registry)
    assert env.unwrapped.metadata["render_modes"] == []
    assert env.unwrapped.scenario is example_scenario()


def test_observations_are_fresh_and_named(kit: Any) -> None:
    env = BackfillEnv(kit.full_scenario())
    first, _ = env.reset(seed=0)
    kept, mask = first.copy(), env.action_masks()
    kept_mask = mask.copy()
    env.step(int(np.argmax(mask)))
    assert (first == kept).all()
    assert (mask == kept_mask).all()
    names = feature_names(env.scenario.options.window)
    assert len(names) == len(set(names)) == len(first)
    assert sum(f.n for f in OBSERVATION if not f.slot) == names.index("slot_0_present")


def test_masked_actions_never_execute(kit: Any) -> None:
    env = BackfillEnv(kit.full_scenario())
    env.reset(seed=0)
    masked = np.flatnonzero(~env.action_masks())
    before = env.ledger.head.copy()
    for action in (*masked.tolist(), env.action_space.n, -1):
        with pytest.raises(LearningError, match="action"):
            env.step(action)
    assert env.ledger.head == before
    assert env._fleet.book[0, 0] == 0.0
    env.step(int(np.argmax(env.action_masks())))


def test_a_masked_action_can_give_way_to_waiting(kit: Any) -> None:
    env = BackfillEnv(kit.full_scenario(), illegal="wait")
    env.reset(seed=0)
    wait = env.scenario.actions.index("wait")
    while env.action_masks().all():
        env.step(0)
    env.step(int(np.argmin(env.action_masks())))
    assert env._fleet.taken[0] == wait
    with pytest.raises(LearningError, match="illegal: 'no'"):
        BackfillEnv(kit.scenario(), illegal="no")


def test_an_episode_ends_once(kit: Any) -> None:
    env = BackfillEnv(kit.scenario())
    with pytest.raises(LearningError, match="reset"):
        env.step(0)
    env.reset(seed=0, options={"episode": 1})
    over = False
    while not over:
        observation, _, over, truncated, info = env.step(env.teacher_action("easy"))
        assert not truncated
    assert env.observation_space.contains(observation)
    assert info["results"]["episode_number"] == 1
    assert info["results"]["ended"] == info["results"]["jobs"]
    with pytest.raises(LearningError, match="over"):
        env.step(0)
    with pytest.raises(LearningError, match="episodes 0 to 1"):
        env.reset(options={"episode": 2})


def test_same_seed_same_trajectory(kit: Any) -> None:
    def trajectory(env: BackfillEnv) -> list[tuple[bytes, float]]:
        found = []
        for seed in (5, 6):
            rng = np.random.default_rng(0)
            observation, _ = env.reset(seed=seed)
            over, reward = False, 0.0
            while not over:
                found.append((observation.tobytes(), reward))
                action = rng.choice(np.flatnonzero(env.action_masks()))
                observation, reward, over, _, _ = env.step(int(action))
        return found

    # The second environment plays in arrays that other episodes have used.
    used = BackfillEnv(kit.full_scenario(episodes=3))
    trajectory(used)
    assert trajectory(used) == trajectory(BackfillEnv(kit.full_scenario(episodes=3)))


def test_the_only_legal_action_is_not_asked_for(kit: Any) -> None:
    env = BackfillEnv(kit.scenario(load=1.3, options=Options(wait=False)))
    env.reset(seed=0)
    over = False
    while not over:
        mask = env.action_masks()
        assert mask.sum() > 1
        over = env.step(int(np.argmax(mask)))[2]
