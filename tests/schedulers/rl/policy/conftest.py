"""Learned policies with made-up weights, and what they do in the environment."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wattq.platforms.model import Platform
from wattq.schedulers.rl.backfill import table as t
from wattq.schedulers.rl.backfill.config import Options, chosen_states
from wattq.schedulers.rl.backfill.learned import backfill_policy, backfill_shape
from wattq.schedulers.rl.model_file import save_learned
from wattq.schedulers.rl.network import Network, NetworkShape


def random_arrays(
    architecture: str, shape: NetworkShape, widths: tuple[int, ...], rng: np.random.Generator, scale: float = 0.5
) -> dict[str, np.ndarray[Any, np.dtype[np.float32]]]:
    """Draw weights and biases by name."""
    parts = {"all": (shape.inputs, shape.actions)}
    if architecture == "slots":
        parts = {"slot": (shape.globals_ + shape.features, shape.choices)}
        parts |= {"other": (shape.globals_, shape.others)} if shape.others else {}
    found = {}
    for part, (inputs, outputs) in parts.items():
        sizes = (inputs, *widths, outputs)
        for k in range(len(sizes) - 1):
            found[f"{part}.weight{k}"] = rng.normal(0.0, scale, sizes[k : k + 2]).astype(np.float32)
            found[f"{part}.bias{k}"] = rng.normal(0.0, scale, sizes[k + 1]).astype(np.float32)
    return found


def random_network(
    architecture: str, shape: NetworkShape, widths: tuple[int, ...] = (8, 8), seed: int = 0, activation: str = "tanh"
) -> Network:
    arrays = random_arrays(architecture, shape, widths, np.random.default_rng(seed))
    return Network.from_arrays(architecture, shape, arrays, activation)


def save_random(
    path: Path,
    platform: Platform,
    options: Options | None = None,
    *,
    architecture: str = "slots",
    seed: int = 0,
    activation: str = "tanh",
    **told: Any,
) -> Network:
    """Save a policy with drawn weights and return its network."""
    options = options or Options()
    shape = backfill_shape(options, len(chosen_states(options, platform)))
    network = random_network(architecture, shape, seed=seed, activation=activation)
    save_learned(path, backfill_policy(network, options, platform, **told))
    return network


def save_sleeper(path: Path, platform: Platform) -> None:
    """Save a policy that starts what it can; hosts sleep while nothing waits, and wake when something does."""
    options = Options(window=4, states=(0,), sleep=True)
    shape = backfill_shape(options, 1)
    arrays = {
        "slot.weight0": np.zeros((shape.globals_ + shape.features, 1)),
        "slot.bias0": np.full(1, 9.0),
        "other.weight0": np.zeros((shape.globals_, 3)),  # wait, sleep, wake
        "other.bias0": np.array([0.0, 1.0, -1.0]),
    }
    arrays["other.weight0"][t.WAITING] = 0.0, -100.0, 100.0
    network = Network.from_arrays("slots", shape, arrays)
    save_learned(path, backfill_policy(network, options, platform))


@pytest.fixture(scope="session")
def sleeper() -> Callable[..., None]:
    """Return `save_sleeper`."""
    return save_sleeper


@pytest.fixture(scope="session")
def drawn() -> Callable[..., Network]:
    """Return `random_network`."""
    return random_network


@pytest.fixture(scope="session")
def saved() -> Callable[..., Network]:
    """Return `save_random`."""
    return save_random
