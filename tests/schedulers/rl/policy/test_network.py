"""Networks as plain arrays: logits by hand, masks, ties, blocks of actions, draws, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.errors import LearningError
from wattq.schedulers.rl.forward.layers import TANH, activate
from wattq.schedulers.rl.network import Network, NetworkShape

Arrays = dict[str, np.ndarray[Any, Any]]


def reference(network: Network, x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the logits of one observation, in double precision and with numpy alone."""
    shape = network.shape

    def part(name: str, values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        n = sum(key.startswith(f"{name}.weight") for key in network.arrays)
        for k in range(n):
            values = values @ network.arrays[f"{name}.weight{k}"].astype(float) + network.arrays[f"{name}.bias{k}"]
            if k < n - 1:
                values = np.tanh(values) if network.activation == "tanh" else np.maximum(values, 0.0)
        return values

    if network.architecture == "flat":
        return part("all", x)
    known, slots = x[: shape.globals_], x[shape.globals_ :].reshape(shape.slots, shape.features)
    ways = np.array([part("slot", np.concatenate([known, slot])) for slot in slots])
    others = part("other", known) if shape.others else np.zeros(0)
    found, at, way, other = [], 0, 0, 0
    for number, count in enumerate(shape.blocks or (shape.choices, shape.others)):
        if number % 2 == 0:
            found.append(ways[:, way : way + count].reshape(-1))
            way += count
        else:
            found.append(others[other : other + count])
            other += count
        at += count
    return np.concatenate(found)


shapes = st.builds(
    lambda known, slots, features, ways, others: NetworkShape(
        known, slots, features, sum(ways), sum(others), (ways[0], others[0], ways[1], others[1]) if ways[1] else ()
    ),
    st.integers(1, 21),
    st.integers(1, 11),
    st.integers(1, 17),
    st.tuples(st.integers(1, 9), st.integers(0, 3)),
    st.tuples(st.integers(0, 3), st.integers(0, 2)),
)


@settings(deadline=None, max_examples=60)
@given(
    shape=shapes,
    architecture=st.sampled_from(["flat", "slots"]),
    widths=st.lists(st.integers(1, 37), max_size=3).map(tuple),
    activation=st.sampled_from(["tanh", "relu"]),
    seed=st.integers(0, 99),
)
def test_logits_are_those_of_a_plain_computation(
    drawn: Callable[..., Network],
    shape: NetworkShape,
    architecture: str,
    widths: tuple[int, ...],
    activation: str,
    seed: int,
) -> None:
    network = drawn(architecture, shape, widths, seed, activation)
    assert network.widths == widths
    rng = np.random.default_rng(seed)
    xs = rng.uniform(-1, 1, (5, shape.inputs)).astype(np.float32)
    masks = rng.random((5, shape.actions)) < 0.5
    expected = np.array([reference(network, x) for x in xs])
    found = network.logits(xs, masks)
    assert np.isnan(found[~masks]).all()
    assert np.allclose(found[masks], expected[masks], rtol=1e-4, atol=1e-4)
    assert np.array_equal(network.logits(xs[0]), network.logits(xs)[0])
    # One by one and side by side, masked or not, the numbers are the same to the last bit.
    assert np.array_equal(found[masks], network.logits(xs)[masks])
    for row in range(5):
        best = network.choose(xs[row], masks[row])
        assert best == (int(np.nanargmax(found[row])) if masks[row].any() else -1)
    assert network.choose_many(xs, masks).tolist() == [network.choose(x, m) for x, m in zip(xs, masks, strict=True)]


def test_logits_by_hand() -> None:
    shape = NetworkShape(globals_=1, slots=2, features=2, choices=1, others=1)
    arrays = {
        "slot.weight0": np.array([[1.0], [2.0], [-1.0]]),
        "slot.bias0": np.array([0.5]),
        "other.weight0": np.array([[10.0]]),
        "other.bias0": np.array([-1.0]),
    }
    network = Network.from_arrays("slots", shape, arrays)
    assert network.logits([0.25, 1.0, 0.5, -1.0, 0.25]).tolist() == [2.25, -1.5, 1.5]
    assert network.choose([0.25, 1.0, 0.5, -1.0, 0.25]) == 0
    assert network.choose([0.25, 1.0, 0.5, -1.0, 0.25], [False, True, True]) == 2


def test_the_first_of_equal_logits_is_chosen() -> None:
    shape = NetworkShape(globals_=1, others=4)
    arrays = {"all.weight0": np.zeros((1, 4)), "all.bias0": np.array([0.0, 1.0, 1.0, 1.0])}
    network = Network.from_arrays("flat", shape, arrays)
    assert network.choose([0.3]) == 1
    assert network.choose([0.3], [True, False, True, True]) == 2
    assert network.choose([0.3], [False] * 4) == -1


def test_blocks_number_the_actions() -> None:
    shape = NetworkShape(globals_=1, slots=2, features=1, choices=3, others=3, blocks=(1, 1, 2, 2))
    # Ways of slot 0 and of slot 1, then the others: starts 0 1, wait 2, holds 3 4 | 5 6, others 7 8.
    assert shape.order.tolist() == [0, 3, 4, 1, 5, 6, 2, 7, 8]
    assert sorted(shape.order) == list(range(shape.actions))


def test_the_hyperbolic_tangent() -> None:
    x = np.concatenate([np.linspace(-12, 12, 20001), [-1e30, 1e30, 0.0, np.inf]]).astype(np.float32)
    y = x.copy()
    activate(TANH, y, len(y))
    assert np.abs(y - np.tanh(x.astype(float))).max() < 4e-7
    small = np.array([1e-6, -1e-4, 1e-2], dtype=np.float32)
    y = small.copy()
    activate(TANH, y, 3)
    assert np.allclose(y, np.tanh(small.astype(float)), rtol=3e-7, atol=0)


def test_actions_are_drawn_by_their_probabilities() -> None:
    shape = NetworkShape(globals_=1, others=3)
    arrays = {"all.weight0": np.zeros((1, 3)), "all.bias0": np.log(np.array([0.5, 0.3, 0.2]))}
    network = Network.from_arrays("flat", shape, arrays)
    points = [0.0, 0.49, 0.51, 0.79, 0.81, 0.999999]
    assert [network.sample([0.0], None, u) for u in points] == [0, 0, 1, 1, 2, 2]
    assert [network.sample([0.0], [True, False, True], u) for u in (0.0, 0.7, 0.72)] == [0, 0, 2]
    assert network.sample([0.0], [False] * 3, 0.5) == -1


SHAPE = NetworkShape(globals_=2, slots=3, features=2, choices=2, others=1)


def arrays_of(**changes: Any) -> Arrays:
    """Return the arrays of a network of `SHAPE` with one hidden layer, some of them changed or (None) left out."""
    sizes = {"slot.weight0": (4, 5), "slot.bias0": (5,), "slot.weight1": (5, 2), "slot.bias1": (2,)}
    sizes |= {"other.weight0": (2, 5), "other.bias0": (5,), "other.weight1": (5, 1), "other.bias1": (1,)}
    arrays: dict[str, Any] = {name: np.zeros(size) for name, size in sizes.items()}
    arrays |= {name.replace("_", "."): value for name, value in changes.items()}
    return {name: value for name, value in arrays.items() if value is not None}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"slot_weight1": None}, "layer 1 lacks|1 layers|layer 0"),
        ({"slot_bias0": None}, "layer 0 lacks its weight or its bias"),
        ({"other_weight0": None, "other_bias0": None}, "part 'other': layer 0 lacks"),
        ({"slot_weight0": np.zeros((5, 4))}, r"\(5, 4\).*where \(4, 5\)"),
        ({"slot_weight0": np.zeros((4, 2000)), "slot_bias0": np.zeros(2000)}, "2000 wide; from 1 to 1024"),
        ({"slot_bias1": np.zeros((2, 1))}, "layer 1"),
        ({"slot_weight2": np.zeros((2, 2)), "slot_bias2": np.zeros(3)}, "layer 2"),
        ({"other_bias0": np.array([0, np.nan, 0, 0, 0])}, "'other.bias0': holds numbers that are not finite"),
        ({"other_bias0": np.full(5, 1e300)}, "not finite"),
        ({"other_bias0": np.zeros(5, dtype=int)}, "weights are floating-point"),
        ({"value_weight0": np.zeros(1)}, "'value.weight0' has no place"),
        ({f"slot_weight{k}": np.zeros(1) for k in range(2, 12)}, "9 layers; from 1 to 8"),
    ],
)
def test_arrays_that_make_no_network(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(LearningError, match=message):
        Network.from_arrays("slots", SHAPE, arrays_of(**changes))


@pytest.mark.parametrize(
    ("architecture", "shape", "message"),
    [
        ("deep", SHAPE, "architecture 'deep': unknown; there is flat, slots"),
        ("slots", NetworkShape(2, others=1), "slots have features and choices"),
        ("slots", NetworkShape(0, 3, 2, 2, 1), "other actions are chosen by globals"),
        ("slots", NetworkShape(2, 3, 2, 2, 1, (1, 1)), "by turns ways of a slot, 2 in all"),
        ("slots", NetworkShape(2, 3, 2, 2, 1, (3, 1, -1)), "by turns"),
        ("slots", NetworkShape(2, 3000, 2, 2, 1), "6,001 actions"),
        ("flat", NetworkShape(20_000, others=1), "from 0 to 16,384"),
        ("flat", NetworkShape(2), "0 actions"),
        ("flat", NetworkShape(True, others=1), "whole numbers"),
    ],
)
def test_shapes_that_make_no_network(architecture: str, shape: NetworkShape, message: str) -> None:
    with pytest.raises(LearningError, match=message):
        Network.from_arrays(architecture, shape, arrays_of())


def test_other_words_and_observations_are_refused() -> None:
    with pytest.raises(LearningError, match="activation 'gelu': unknown; there is tanh, relu"):
        Network.from_arrays("slots", SHAPE, arrays_of(), "gelu")
    network = Network.from_arrays("slots", SHAPE, arrays_of())
    with pytest.raises(LearningError, match="it reads 8 numbers"):
        network.choose(np.zeros(7))
    with pytest.raises(LearningError, match="7 actions"):
        network.choose(np.zeros(8), np.ones(6, bool))
