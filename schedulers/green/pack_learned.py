"""From the file of a learned `eco` to its row of numbers; see `slots`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattq.errors import LearningError, PolicyError
from wattq.schedulers.green.networks import FACTS, SAYS, with_network
from wattq.schedulers.green.pack import pack_green
from wattq.schedulers.green_parameters import ECO
from wattq.schedulers.parameters import numbers_of

__all__ = ["pack_learned"]


def pack_learned(name: str, values: Mapping[str, Any]) -> NDArray[np.float64]:
    """Return the row of numbers of `eco` with a network.

    Args:
        name: name of the policy, for messages.
        values: the parameters as `Parameter.number` gives them: the model's file, and those of the grid and the cap.

    Raises:
        MissingFileError: the model or the signal cannot be read.
        LearningError: the model is damaged, or of another task.
        PolicyError: no model or signal is given, or parameters do not go together.
    """
    from wattq.schedulers.rl.model_file import load_learned

    path = values["model"]
    if not path:
        raise PolicyError(f"policy '{name}', parameter 'model': it is missing; give a file of `wattq rl evolve`")
    learned = load_learned(path, task="eco")
    if learned.signals and not values["signal"]:
        raise PolicyError(
            f"policy '{name}', parameter 'signal': it is missing, and {path} learned to follow one "
            f"({' or '.join(learned.signals)}); give the path of a signal file and the 'origin'"
        )
    weights, hidden = _weights(learned, path)
    given = learned.options.get("params", {})
    own = dict(zip([p.name for p in ECO], numbers_of(name, ECO, given), strict=True))
    here = {key: value for key, value in values.items() if key != "model"}
    return with_network(pack_green(name, own | here), weights, hidden)


def _weights(learned: Any, path: str) -> tuple[NDArray[np.float64], int]:
    """Return the numbers of the network in the order of `with_network`, and how many hidden units it has."""
    network = learned.network
    fits = (
        network.architecture == "flat"
        and network.activation == "tanh"
        and len(network.widths) == 1
        and (network.shape.globals_, network.shape.others) == (len(FACTS), len(SAYS))
        and learned.observation == FACTS
    )
    if not fits:
        raise LearningError(
            f"{path}: its network does not read {', '.join(FACTS)} through one layer of tanh units to say "
            f"{', '.join(SAYS)}; it was made by another version: train it again"
        )
    parts = ("all.weight0", "all.bias0", "all.weight1", "all.bias1")
    return np.concatenate([np.float64(network.arrays[part]).reshape(-1) for part in parts]), network.widths[0]
