"""Checkpoints: all that a training needs to go on exactly where it was, as arrays and JSON; nothing is pickled.

A checkpoint is one file ``step-NNNNNNNNNNNN.npz``. It appears whole or not at all, so that the newest readable one
counts whatever happened to the program.
"""

from __future__ import annotations

import io
import json
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.random.mtrand import get_bit_generator
from numpy.typing import NDArray

from wattq.bundles.archive import UNREADABLE
from wattq.errors import LearningError
from wattq.files import write_whole

__all__ = ["Checkpoint", "list_checkpoints", "newest_checkpoint", "read_checkpoint", "write_checkpoint"]

FORMAT_VERSION = 1
_META = "meta"
_NAME = re.compile(r"step-(\d{12})\.npz")

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint holds.

    Attributes:
        arrays: by name; a slash parts the owner from the name.
        meta: values of JSON; ``steps`` among them.
    """

    arrays: Arrays
    meta: Mapping[str, Any]

    def under(self, owner: str) -> Arrays:
        """Return the arrays of an owner, by their names there."""
        return {name[len(owner) + 1 :]: array for name, array in self.arrays.items() if name.startswith(f"{owner}/")}


def owned(owner: str, arrays: Mapping[str, NDArray[Any]]) -> Arrays:
    """Return arrays under the name of their owner."""
    return {f"{owner}/{name}": np.asarray(array) for name, array in arrays.items()}


def list_checkpoints(folder: Path) -> list[Path]:
    """Return the checkpoints of a folder, the oldest first."""
    return sorted(path for path in folder.glob("step-*.npz") if _NAME.fullmatch(path.name))


def write_checkpoint(folder: Path, checkpoint: Checkpoint, keep: int) -> Path:
    """Write a checkpoint whole, then remove all but the newest `keep`.

    Raises:
        MissingFileError: when the folder cannot be written.
    """
    meta = {"format": FORMAT_VERSION, **checkpoint.meta}
    text = np.frombuffer(json.dumps(meta).encode(), dtype=np.uint8)
    stream = io.BytesIO()
    np.savez(stream, allow_pickle=False, **{_META: text}, **checkpoint.arrays)
    path = write_whole(folder / f"step-{checkpoint.meta['steps']:012d}.npz", stream.getvalue())
    for old in list_checkpoints(folder)[:-keep]:
        old.unlink(missing_ok=True)
    return path


def read_checkpoint(path: Path) -> Checkpoint:
    """Return a checkpoint.

    Raises:
        LearningError: when it cannot be read, is damaged, or of another version of the format.
    """
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        meta = json.loads(arrays.pop(_META).tobytes().decode())
        version = meta["format"]
    except UNREADABLE as error:
        raise LearningError(f"{path}: no whole checkpoint ({error}); remove it, an older one will be taken") from None
    if version != FORMAT_VERSION:
        raise LearningError(
            f"{path}: format {version}, where {FORMAT_VERSION} is read; go on with the version that wrote it"
        )
    return Checkpoint(arrays, meta)


def newest_checkpoint(folder: Path) -> tuple[Checkpoint, list[str]]:
    """Return the newest checkpoint that can be read, and a note for each newer one that cannot.

    Raises:
        LearningError: when there is none.
    """
    notes: list[str] = []
    for path in reversed(list_checkpoints(folder)):
        try:
            return read_checkpoint(path), notes
        except LearningError as error:
            notes.append(str(error))
    damaged = f" ({len(notes)} damaged)" if notes else ""
    raise LearningError(f"{folder}: holds no checkpoint that can be read{damaged}; start the training again without it")


def network_state(learner: Any) -> Arrays:
    """Return weights, optimiser and random numbers of a learner."""
    weights = {name: value.detach().cpu().numpy().copy() for name, value in learner.policy.state_dict().items()}
    adam = {
        f"{k}/{name}": value.detach().cpu().numpy().copy()
        for k, entries in learner.policy.optimizer.state_dict()["state"].items()
        for name, value in entries.items()
    }
    return owned("policy", weights) | owned("adam", adam) | owned("random", _random_state())


def restore_network(learner: Any, checkpoint: Checkpoint) -> None:
    """Set weights, optimiser and random numbers of a learner.

    Raises:
        LearningError: when the networks have other sizes.
    """
    weights = {name: torch.as_tensor(array) for name, array in checkpoint.under("policy").items()}
    try:
        learner.policy.load_state_dict(weights)
    except RuntimeError as error:
        raise LearningError(f"the checkpoint holds networks of other sizes ({str(error).splitlines()[0]})") from None
    state: dict[int, dict[str, Any]] = {}
    for name, array in checkpoint.under("adam").items():
        index, _, entry = name.partition("/")
        state.setdefault(int(index), {})[entry] = torch.as_tensor(array)
    groups = learner.policy.optimizer.state_dict()["param_groups"]
    learner.policy.optimizer.load_state_dict({"state": state, "param_groups": groups})
    _restore_random(checkpoint.under("random"))


def _random_state() -> Arrays:
    """Return the states of the global random numbers of torch, numpy and Python."""
    # the generator behind the functions of numpy.random, by which Stable-Baselines3 shuffles
    numpy_state = get_bit_generator().state
    version, words, left = random.getstate()
    found = {
        "torch": torch.get_rng_state().numpy().copy(),
        "numpy": np.asarray(numpy_state["state"]["key"]).copy(),
        "numpy_position": np.array(numpy_state["state"]["pos"]),
        "python": np.array(words, dtype=np.uint32),
        "python_rest": np.array([version, np.nan if left is None else left], dtype=np.float64),
    }
    if torch.cuda.is_available():
        found["cuda"] = torch.cuda.get_rng_state().numpy().copy()
    return found


def _restore_random(state: Arrays) -> None:
    torch.set_rng_state(torch.as_tensor(state["torch"]))
    place = {"key": state["numpy"], "pos": int(state["numpy_position"])}
    get_bit_generator().state = {"bit_generator": "MT19937", "state": place}
    version, left = state["python_rest"].tolist()
    random.setstate((int(version), tuple(int(word) for word in state["python"]), None if left != left else left))
    if torch.cuda.is_available() and "cuda" in state:
        torch.cuda.set_rng_state(torch.as_tensor(state["cuda"]))
