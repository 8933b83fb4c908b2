"""Many environments in one call are what they are alone."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

pytest.importorskip("gymnasium")
pytest.importorskip("stable_baselines3")

from wattq.errors import LearningError
from wattq.schedulers.rl.backfill import BackfillEnv, BackfillVecEnv

_N = 3


def _choose(masks: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.array([rng.choice(np.flatnonzero(mask)) for mask in masks])


def test_each_is_what_a_single_one_is(kit: Any) -> None:
    scenario = kit.full_scenario(episodes=4, drain_s=86400.0)
    many = BackfillVecEnv(scenario, _N, seed=7, details=True)
    alone = [BackfillEnv(scenario) for _ in range(_N)]
    observations = many.reset()
    for e, env in enumerate(alone):
        assert (env.reset(seed=7 + e)[0] == observations[e]).all()
    rng = np.random.default_rng(0)
    ended = 0
    for _ in range(1500):
        masks = many.action_masks()
        actions = _choose(masks, rng)
        observations, rewards, dones, infos = many.step(actions)
        for e, env in enumerate(alone):
            assert (env.action_masks() == masks[e]).all()
            observation, reward, over, _, info = env.step(int(actions[e]))
            assert rewards[e] == np.float32(reward)
            assert dones[e] == over
            assert all(infos[e][part] == info[part] for part in ("energy_kwh", "carbon_kg", "cost", "delay"))
            if over:
                assert (infos[e]["terminal_observation"] == observation).all()
                assert infos[e]["results"] == info["results"]
                assert infos[e]["episode"]["r"] == info["results"]["return"]
                assert infos[e]["episode"]["l"] == info["results"]["steps"]
                assert infos[e]["TimeLimit.truncated"] is False
                observation, _ = env.reset()
                ended += 1
            assert (observation == observations[e]).all()
    assert ended >= _N


def test_parts_and_counts_of_a_step(kit: Any) -> None:
    many = BackfillVecEnv(kit.full_scenario(), 2, seed=0)
    many.reset()
    started = np.zeros(2)
    for _ in range(300):
        _, rewards, dones, infos = many.step(many.teacher_actions("easy"))
        assert rewards == pytest.approx(-(many.parts @ np.array([0.1, 0.2, 0.3, 0.4])), rel=1e-6)
        started += many.counts[:, 0]
        for e in np.flatnonzero(dones):
            assert started[e] == infos[e]["results"]["jobs"]
            started[e] = 0
    assert many.parts.shape == (2, 4)
    assert many.counts.shape == (2, 3)


def test_a_saved_state_goes_on_exactly(kit: Any) -> None:
    scenario = kit.full_scenario(episodes=4, drain_s=86400.0)

    def steps(env: BackfillVecEnv, rng: np.random.Generator, n: int) -> list[bytes]:
        found = []
        for _ in range(n):
            observations, rewards, _, _ = env.step(_choose(env.action_masks(), rng))
            found.append(observations.tobytes() + rewards.tobytes())
        return found

    first = BackfillVecEnv(scenario, _N, seed=1)
    first.reset()
    steps(first, np.random.default_rng(0), 700)
    state = {name: array.copy() for name, array in first.state().items()}
    after = steps(first, np.random.default_rng(9), 700)
    second = BackfillVecEnv(scenario, _N)
    second.reset()
    second.restore(state)
    assert steps(second, np.random.default_rng(9), 700) == after
    with pytest.raises(LearningError, match="2 episodes"):
        BackfillVecEnv(scenario, 2).restore(state)
    for wrong in ({}, state | {"random": np.zeros(3, np.uint8)}, state | {"lengths": state["lengths"] + 1}):
        with pytest.raises(LearningError, match="does not fit"):
            BackfillVecEnv(scenario, _N).restore(wrong)
    with pytest.raises(LearningError, match="not legal"):
        second.restore(state | {"actions": state["actions"] * 0 + second.action_space.n - 1})


def test_what_stable_baselines_asks_for(kit: Any) -> None:
    env = BackfillVecEnv(kit.scenario(), 2, seed=0)
    env.set_options({"episode": 1})
    env.reset()
    assert env._fleet.numbers.tolist() == [1, 1]
    assert env.has_attr("action_masks")
    masks = env.env_method("action_masks")
    assert (np.stack(masks) == env.action_masks()).all()
    assert len(env.env_method("action_masks", indices=[1])) == 1
    assert env.env_is_wrapped(object) == [False, False]
    assert env.get_attr("scenario", indices=0) == [env.scenario]
    assert env.seed(3) == [3, 4]
    first = env.reset()
    env.seed(3)
    assert (env.reset() == first).all()
    for what in (lambda: env.set_attr("scenario", None), lambda: env.env_method("nothing")):
        with pytest.raises(LearningError):
            what()
    with pytest.raises(LearningError, match="n_envs"):
        BackfillVecEnv(kit.scenario(), 0)
    wrong = (~env.action_masks()).argmax(axis=1)
    with pytest.raises(LearningError, match="not legal"):
        env.step(wrong)
    env.close()


def test_maskable_ppo_learns_in_it(kit: Any) -> None:
    contrib = pytest.importorskip("sb3_contrib")
    env = BackfillVecEnv(kit.scenario(drain_s=86400.0), 2, seed=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = contrib.MaskablePPO("MlpPolicy", env, n_steps=32, batch_size=32, n_epochs=1, seed=0, device="cpu")
        model.learn(64)
    assert model.num_timesteps == 64
