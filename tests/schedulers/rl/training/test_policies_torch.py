"""Networks in torch give the logits of those in compiled code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.schedulers.rl.network import Network, NetworkShape

torch = pytest.importorskip("torch")
pytest.importorskip("sb3_contrib")


def _shape(globals_: int, slots: int, features: int, ways: tuple[int, int], others: tuple[int, int]) -> NetworkShape:
    blocks = (ways[0], others[0], ways[1], others[1]) if ways[1] else ()
    return NetworkShape(globals_, slots, features, sum(ways), sum(others), blocks)


SHAPES = st.builds(
    _shape,
    st.integers(1, 9),
    st.integers(1, 6),
    st.integers(1, 8),
    st.tuples(st.integers(1, 3), st.integers(0, 2)),
    st.tuples(st.integers(0, 2), st.integers(0, 2)),
)


def policy_of(shape: NetworkShape, architecture: str, widths: tuple[int, ...], activation: str) -> Any:
    from gymnasium import spaces

    from wattq.schedulers.rl.training.policies import LearnedPolicy

    box, actions = spaces.Box(-1, 1, (shape.inputs,), np.float32), spaces.Discrete(shape.actions)
    slots = shape if architecture == "slots" else None
    made = LearnedPolicy(
        box, actions, lambda left: 1e-3, shape=slots, widths=widths, value_widths=(4,), activation=activation
    )
    with torch.no_grad():
        for array in made.parameters():
            array.normal_(0.0, 0.5)
    return made


@settings(deadline=None, max_examples=25)
@given(SHAPES, st.sampled_from(["slots", "flat"]), st.sampled_from([(5,), (16, 8)]), st.sampled_from(["tanh", "relu"]))
def test_same_logits_as_without_torch(
    shape: NetworkShape, architecture: str, widths: tuple[int, ...], activation: str
) -> None:
    from wattq.schedulers.rl.training.policies import export_weights

    torch.manual_seed(0)
    policy = policy_of(shape, architecture, widths, activation)
    x = np.random.default_rng(0).uniform(-1, 1, (20, shape.inputs)).astype(np.float32)
    masks = np.random.default_rng(1).random((20, shape.actions)) < 0.3
    with torch.no_grad():
        ours = policy.actor(torch.as_tensor(x)).numpy()
        legal = policy.actor(torch.as_tensor(x), torch.as_tensor(masks)).numpy()
    network = Network.from_arrays(architecture, shape, export_weights(policy), activation)
    np.testing.assert_allclose(network.logits(x), ours, atol=1e-5)
    np.testing.assert_allclose(legal[masks], ours[masks], atol=1e-5)


def test_illegal_actions_have_no_chance() -> None:
    torch.manual_seed(0)
    shape = NetworkShape(globals_=2, slots=3, features=2, choices=1, others=1)
    policy = policy_of(shape, "slots", (8,), "tanh")
    x = torch.rand(2000, shape.inputs)
    masks = torch.rand(2000, 4) < 0.5
    masks[:, 3] = True
    actions, values, logs = policy.act(x, masks)
    assert masks.gather(1, actions).all()
    assert values.shape == logs.shape == (2000,)
    assert actions.shape == (2000, 1)
    again, same, entropy = policy.evaluate_actions(x, actions, masks.float())
    assert torch.equal(same, logs)
    assert torch.equal(again.flatten(), values)
    assert (entropy <= masks.sum(1).float().log() + 1e-6).all()
    alone = masks.sum(1) == 1
    assert (entropy[alone] == 0).all()


def test_samples_follow_the_probabilities() -> None:
    torch.manual_seed(0)
    shape = NetworkShape(globals_=3, others=4)
    policy = policy_of(shape, "flat", (8,), "tanh")
    x = torch.rand(1, 3)
    masks = torch.tensor([[1.0, 1.0, 0.0, 1.0]])
    expected = policy.log_probs(x, masks).exp().detach().numpy()[0]
    actions, _, _ = policy.act(x.repeat(40_000, 1), masks.repeat(40_000, 1))
    shares = np.bincount(actions.flatten().numpy(), minlength=4) / 40_000
    np.testing.assert_allclose(shares, expected, atol=0.01)
    assert shares[2] == 0


def test_saved_policies_choose_as_in_training(toy_config: Callable[..., Any], tmp_path: Path) -> None:
    """The likeliest legal action of torch is the one of the exported network."""
    from toy_queue import TOY, ToyOptions, ToyQueue

    from wattq.schedulers.rl.training.policies import export_weights
    from wattq.schedulers.rl.training.ppo import make_learner

    env = ToyQueue(64, 0, ToyOptions())
    learner = make_learner(toy_config(architecture="slots"), TOY, env)
    network = Network.from_arrays("slots", TOY.shape(env), export_weights(learner.policy))
    x = env.reset()
    theirs, _ = learner.policy.predict(x, deterministic=True, action_masks=env.action_masks())
    assert theirs.tolist() == network.choose_many(x, env.action_masks()).tolist()
