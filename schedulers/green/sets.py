"""Sets of hosts as rows of bit words: the operations that the energy-aware policies need."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattq.simulator.bits import count_bits, first_bit
from wattq.simulator.jit import inlined, jitted

__all__ = ["clear_row", "has", "put", "remove", "size_of", "take_highest", "take_lowest"]

_ONE = np.uint64(1)


@inlined
def has(row: NDArray[np.uint64], host: int) -> bool:
    """Return whether a host is in a set."""
    return bool((row[host >> 6] >> np.uint64(host & 63)) & _ONE)


@inlined
def put(row: NDArray[np.uint64], host: int) -> None:
    """Add a host."""
    row[host >> 6] |= _ONE << np.uint64(host & 63)


@inlined
def remove(row: NDArray[np.uint64], other: NDArray[np.uint64]) -> None:
    """Take the hosts of another set out of a set."""
    for k in range(row.shape[0]):
        row[k] &= ~other[k]


@inlined
def clear_row(row: NDArray[np.uint64]) -> None:
    """Empty a set."""
    for k in range(row.shape[0]):
        row[k] = np.uint64(0)


@inlined
def size_of(row: NDArray[np.uint64], but: NDArray[np.uint64]) -> int:
    """Return the number of hosts that are in a set and not in another."""
    n = 0
    for k in range(row.shape[0]):
        n += count_bits(row[k] & ~but[k])
    return n


@jitted
def take_lowest(source: NDArray[np.uint64], but: NDArray[np.uint64], n: int, target: NDArray[np.uint64]) -> int:
    """Add the n lowest hosts that are in a set and not in another to a target; return how many there were."""
    taken = 0
    for k in range(source.shape[0]):
        word = source[k] & ~but[k] & ~target[k]
        while word != np.uint64(0) and taken < n:
            bit = _ONE << np.uint64(first_bit(word))
            target[k] |= bit
            word &= ~bit
            taken += 1
        if taken == n:
            break
    return taken


@jitted
def take_highest(source: NDArray[np.uint64], n: int, target: NDArray[np.uint64]) -> int:
    """Move the n highest hosts of a set into a target; return how many there were."""
    taken = 0
    for back in range(source.shape[0]):
        k = source.shape[0] - 1 - back
        for down in range(64):
            bit = _ONE << np.uint64(63 - down)
            if taken < n and source[k] & bit != np.uint64(0):
                source[k] &= ~bit
                target[k] |= bit
                taken += 1
    return taken
