"""The network of a learned `eco` as numbers: what it reads and says, and how it comes into the row of parameters."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattq.schedulers.green import slots as p
from wattq.schedulers.green.learned import N_FACTS, N_SAYS

__all__ = ["FACTS", "SAYS", "n_weights", "with_network"]

FACTS = (
    "requested_time",
    "share_of_machine",
    "requested_work",
    "queued_work",
    "busy_share",
    "waited",
    "waiting_jobs",
    "signal_now",
    "signal_of_run",
)
"""Names of the facts of a job and the machine, in the order of `learned`; the first three never change for a job."""

SAYS = ("place", "wait", "speed")
"""What the network says: shift in the order `aged` (days), change of the share of the longest extra wait, change of
the largest slowdown (fifths)."""


def n_weights(hidden: int) -> int:
    """Return how many numbers a network with so many hidden units has."""
    return (N_FACTS + 1) * hidden + (hidden + 1) * N_SAYS


def with_network(row: NDArray[np.float64], weights: NDArray[np.float64], hidden: int) -> NDArray[np.float64]:
    """Return a row of parameters with a network.

    Args:
        row: as `pack.pack_green` makes it, shape (n,).
        weights: weights of the hidden units, shape (facts, hidden), their constants, weights of what it says, shape
            (hidden, says), and their constants, one after the other, row by row; shape (`n_weights`,).
        hidden: number of hidden units.
    """
    joined = np.concatenate([row, weights])
    joined[p.NET_AT], joined[p.N_HIDDEN] = len(row), hidden
    return joined
