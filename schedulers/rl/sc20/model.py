"""Weights of the scoring network: as the numbers that the search moves, as a policy that plays, and as a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattq.errors import LearningError
from wattq.schedulers.rl.model_file import Learned, load_learned, save_learned
from wattq.schedulers.rl.network import Network, NetworkShape
from wattq.schedulers.rl.sc20.features import FEATURES, N_FEATURES
from wattq.schedulers.rl.sc20.learned import Policy

__all__ = ["first_numbers", "load_policy", "policy_of", "save_policy"]

_SLOTS = 128
_REQUESTED = [name for name, _ in FEATURES].index("requested")
_SPREAD = 0.5

Floats = NDArray[np.float64]


def first_numbers(units: int, random: np.random.Generator) -> Floats:
    """Return where the search starts: shortest request first, and random hidden units that say nothing yet.

    Args:
        units: hidden units, beside the two that hold the linear part.
        random: draws what the units look at.
    """
    linear, bias, out = np.zeros(N_FEATURES), np.zeros(units), np.zeros(units)
    linear[_REQUESTED] = -1.0
    hidden = _SPREAD * random.standard_normal((N_FEATURES, units))
    return np.concatenate([linear, hidden.reshape(-1), bias, out])


def policy_of(numbers: Floats) -> Policy:
    """Return the policy of a point of the search: linear part, then weights, biases and outputs of hidden units.

    The linear part becomes two rectified units of opposite signs, so that the network has one form.
    """
    units = (len(numbers) - N_FEATURES) // (N_FEATURES + 2)
    linear, hidden, bias, out = np.split(numbers, np.cumsum([N_FEATURES, N_FEATURES * units, units]))
    weight0 = np.column_stack([linear, -linear, hidden.reshape(N_FEATURES, units)])
    return Policy(
        np.ascontiguousarray(weight0, dtype=np.float32),
        np.concatenate([[0.0, 0.0], bias]).astype(np.float32),
        np.concatenate([[1.0, -1.0], out]).astype(np.float32),
    )


def save_policy(
    path: str | Path, policy: Policy, *, options: Mapping[str, Any], machine: Mapping[str, Any], card: Mapping[str, Any]
) -> Learned:
    """Write a policy as one file of learned policies, and return it as read from there.

    Raises:
        LearningError: as `wattq.schedulers.rl.model_file.save_learned`.
    """
    shape = NetworkShape(globals_=0, slots=_SLOTS, features=N_FEATURES, choices=1)
    arrays = {
        "slot.weight0": policy.weight0,
        "slot.bias0": policy.bias0,
        "slot.weight1": policy.weight1[:, None],
        "slot.bias1": np.zeros(1, dtype=np.float32),
    }
    network = Network.from_arrays("slots", shape, arrays, "relu")
    names = tuple(name for name, _ in FEATURES)
    return save_learned(path, Learned("sc20", network, names, options, machine, card=card))


def load_policy(path: str | Path) -> tuple[Policy, Learned]:
    """Return the policy of a file, and what the file says of it.

    Raises:
        MissingFileError: when it cannot be read.
        LearningError: when it is damaged, of another task, or reads other numbers than this wattq gives.
    """
    learned = load_learned(path, task="sc20")
    names = [name for name, _ in FEATURES]
    arrays = learned.network.arrays
    one_layer = {f"slot.{kind}{layer}" for kind in ("weight", "bias") for layer in (0, 1)}
    if list(learned.observation) != names or set(arrays) != one_layer or learned.network.activation != "relu":
        raise LearningError(f"{path}: reads other numbers of a job than this wattq gives; train the policy again")
    weight1 = np.ascontiguousarray(arrays["slot.weight1"][:, 0])
    return Policy(arrays["slot.weight0"], arrays["slot.bias0"], weight1), learned
