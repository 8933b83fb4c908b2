"""The Gymnasium environment and the vector environment."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

from wattq.errors import LearningError, MissingDependencyError
from wattq.schedulers.rl import node_power
from wattq.schedulers.rl.node_power import NodePowerConfig, World, make_rule

SMALL = NodePowerConfig(n_nodes=40, queue_size=30, backlog_size=20, horizon_h=48)


def test_an_absent_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "wattq.schedulers.rl.node_power.env", raising=False)
    monkeypatch.setitem(sys.modules, "gymnasium", None)
    with pytest.raises(MissingDependencyError, match=r"wattq\[rl\]"):
        _ = node_power.NodePowerEnv


@pytest.fixture
def env_type() -> Any:
    pytest.importorskip("gymnasium")
    return node_power.NodePowerEnv


@pytest.fixture
def vec_type() -> Any:
    pytest.importorskip("stable_baselines3")
    return node_power.NodePowerVecEnv


@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize("config", [NodePowerConfig(), SMALL], ids=["published", "small"])
def test_both_checkers_pass_without_a_warning(env_type: Any, flat: bool, config: NodePowerConfig) -> None:
    from gymnasium.utils.env_checker import check_env

    check_env(env_type(config, flat=flat, arrivals=20.0), skip_render_check=True)
    sb3 = pytest.importorskip("stable_baselines3.common.env_checker")
    sb3.check_env(env_type(config, flat=flat, arrivals=20.0))


@pytest.mark.parametrize("flat", [False, True])
def test_observations_are_fresh_and_in_their_space(env_type: Any, flat: bool) -> None:
    env = env_type(SMALL, flat=flat, arrivals=40.0)
    env.action_space.seed(5)
    seen, _ = env.reset(seed=2)
    kept: list[tuple[Any, Any]] = []
    while True:
        assert seen in env.observation_space
        arrays = [seen] if flat else list(seen.values())
        kept += [(array, array.copy()) for array in arrays]
        seen, reward, terminated, truncated, info = env.step(env.action_space.sample())
        assert sum(info["parts"].values()) == pytest.approx(reward, abs=1e-9)
        if truncated:
            break
    assert not terminated
    assert all(np.array_equal(now, then) for now, then in kept)
    assert info["totals"]["submitted"] > 0


def test_what_an_episode_is(env_type: Any) -> None:
    env = env_type(NodePowerConfig(end="terminated", horizon_h=2), arrivals=0.0)
    seen, info = env.reset(seed=1)
    assert env.action_space.nvec.tolist() == [3, 335, 2]
    assert seen["nodes"].tolist() == [0] * 335
    assert seen["job_queue"].shape == (10_000,)
    assert info["num_on_nodes"] == 335
    assert env.step([0, 9, 0])[2:4] == (False, False)
    seen, _, terminated, truncated, info = env.step([2, 3, 1])
    assert (terminated, truncated) == (True, False)
    assert info["num_on_nodes"] == 329
    assert (seen["nodes"][:11] == [0, 0, 0, 0, -1, -1, -1, -1, -1, -1, 0]).all()
    assert seen["hours_left"] == 0


def test_vector_environment_plays_what_the_environment_plays(env_type: Any, vec_type: Any) -> None:
    vec = vec_type(2, SMALL, arrivals=40.0, seed=7, details=True)
    env = env_type(SMALL, arrivals=node_power.generated(node_power.default_model(40.0), SMALL, 7), flat=True)
    observations = vec.reset()
    assert np.array_equal(observations[0], env.reset(seed=7)[0])
    actions = np.random.default_rng(1).integers(0, (3, 40, 2), (SMALL.horizon_h, 2, 3))
    for row in actions:
        observations, rewards, dones, infos = vec.step(row)
        seen, reward, _, over, info = env.step(row[0])
        assert rewards[0] == np.float32(reward)
        assert infos[0]["parts"] == info["parts"]
        assert dones[0] == over
        wanted = infos[0]["terminal_observation"] if over else observations[0]
        assert np.array_equal(wanted, seen)
    assert infos[0]["totals"] == info["totals"]
    assert infos[0]["TimeLimit.truncated"]
    assert infos[0]["episode"]["l"] == SMALL.horizon_h
    assert vec.action_masks().shape == (2, 45)
    assert vec.env_method("action_masks", indices=1)[0].shape == (45,)
    with pytest.raises(LearningError, match="cannot be set"):
        vec.set_attr("flat", False)
    with pytest.raises(LearningError, match="action_masks alone"):
        vec.env_method("render")


def test_vector_environment_with_dictionaries(vec_type: Any) -> None:
    vec = vec_type(3, SMALL, flat=False, arrivals=5.0)
    seen = vec.reset()
    assert {name: array.shape[0] for name, array in seen.items()} == dict.fromkeys(vec.observation_space.spaces, 3)


def test_a_saved_state_goes_on_exactly(vec_type: Any) -> None:
    def made() -> Any:
        return vec_type(2, SMALL, arrivals=60.0, prices="noisy-logic", start="random", seed=3)

    actions = np.random.default_rng(2).integers(0, (3, 40, 2), (120, 2, 3))

    def play(vec: Any, rows: Any) -> list[bytes]:
        return [b"".join(array.tobytes() for array in vec.step(row)[:3]) for row in rows]

    first = made()
    first.reset()
    play(first, actions[:30])
    saved = first.state()
    rest = play(first, actions[30:])
    other = made()
    other.restore(saved)
    assert play(other, actions[30:]) == rest
    for broken in ({}, saved | {"num": saved["num"][:1]}, saved | {"turns": saved["turns"][:2]}):
        with pytest.raises(LearningError, match="another task"):
            other.restore(broken)


def test_sb3_learns_in_it(vec_type: Any) -> None:
    ppo = pytest.importorskip("stable_baselines3").PPO

    def weights() -> list[np.ndarray]:
        vec = vec_type(4, SMALL, arrivals=20.0, seed=1)
        model = ppo("MlpPolicy", vec, n_steps=32, batch_size=64, n_epochs=1, seed=5, device="cpu")
        model.learn(256)
        return [value.numpy() for value in model.policy.state_dict().values()]

    assert all(np.array_equal(a, b) for a, b in zip(weights(), weights(), strict=True))


def test_masked_ppo_takes_no_masked_action(vec_type: Any) -> None:
    maskable = pytest.importorskip("sb3_contrib").MaskablePPO
    vec = vec_type(4, NodePowerConfig(n_nodes=40, horizon_h=48, levels=8), arrivals=20.0, seed=1)
    taken: list[bool] = []
    plain = vec.step_async

    def step_async(actions: np.ndarray) -> None:
        masks = np.split(vec.action_masks(), [3, 11], axis=1)
        for e, row in enumerate(actions):
            taken.extend(bool(mask[e, choice]) for mask, choice in zip(masks, row, strict=True))
        plain(actions)

    vec.step_async = step_async
    maskable("MlpPolicy", vec, n_steps=32, batch_size=64, n_epochs=1, seed=5, device="cpu").learn(256)
    assert len(taken) == 256 * 3
    assert all(taken)


def test_a_masked_choice_does_nothing() -> None:
    from wattq.schedulers.rl.node_power.masks import action_masks

    world = World(SMALL, 1, arrivals=40.0)
    world.reset(0)
    random, masked = np.random.default_rng(0), 0
    for _ in range(SMALL.horizon_h):
        world.step(random.integers(0, (3, 40, 2), (1, 3)))
        mask = action_masks(world.state, SMALL)[0]
        on = int(world.state.num[0, 3])
        for kind in (0, 2):
            if not mask[kind]:
                masked += 1
                saved = world.saved()
                world.step(np.array([[kind, 39, 1]]))
                # What arrives in this hour may wait, but no node is switched.
                assert world.state.num[0, 3] == on
                world.restore(saved)
    assert masked > 3


def test_by_its_name_in_gymnasium(env_type: Any) -> None:
    import gymnasium

    from wattq.schedulers.rl.registration import register_environments

    register_environments()
    env = gymnasium.make("wattq/NodePower-v0", config=SMALL, flat=True)
    assert isinstance(env.unwrapped, env_type)
    assert env.spec.id == "wattq/NodePower-v0"
    first, _ = env.reset(seed=1)
    second, _ = env.reset(seed=1)
    third, _ = env.reset()
    assert np.array_equal(first, second)
    assert not np.array_equal(second, third)


def test_masks_say_what_does_something() -> None:
    from wattq.schedulers.rl.node_power.masks import action_masks

    config = NodePowerConfig(n_nodes=10, max_nodes_per_job=4, levels=5, initial_on=3)
    world = World(config, 1, arrivals=0.0)
    world.reset(0)
    assert config.magnitudes == (2, 4, 6, 8, 10)
    mask = action_masks(world.state, config)[0].tolist()
    assert mask == [True, True, True, True, True, True, True, False, True, True]
    world.step(make_rule("always-on")(world))
    mask = action_masks(world.state, config)[0].tolist()
    assert mask == [True, True, False, True, True, True, True, True, True, True]
    assert world.state.num[0, 3] == 10
