"""The nets of a learned `eco` as numbers: how many they are, and how they come into the row of parameters."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattq.schedulers.green import slots as p
from wattq.schedulers.green.learned import N_NETS, net_size

__all__ = ["n_weights", "with_nets"]


def n_weights(hidden: int) -> int:
    """Return how many numbers all nets have together with so many hidden units each."""
    return sum(net_size(net, hidden) for net in range(N_NETS))


def with_nets(row: NDArray[np.float64], weights: NDArray[np.float64], hidden: int) -> NDArray[np.float64]:
    """Return a row of parameters with nets.

    Args:
        row: as `pack.pack_green` makes it, shape (n,).
        weights: of the nets one after the other, shape (`n_weights`,).
        hidden: hidden units of each net.
    """
    joined = np.concatenate([row, weights])
    joined[p.NET_AT], joined[p.N_HIDDEN] = len(row), hidden
    return joined
