"""Sets of hosts in rows of bit words: what policies that switch hosts do with them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattq.simulator.bits import count_bits, first_bit
from wattq.simulator.jit import inlined, jitted

__all__ = [
    "add_all",
    "clear",
    "copy",
    "drop",
    "drop_all",
    "has",
    "keep_all",
    "keep_lowest",
    "only",
    "put",
    "size",
    "size_without",
    "take_highest",
    "take_lowest",
]

_ONE = np.uint64(1)


@inlined
def has(row: NDArray[np.uint64], host: int) -> bool:
    """Return whether a host is in the set."""
    return bool((row[host >> 6] >> np.uint64(host & 63)) & _ONE)


@inlined
def put(row: NDArray[np.uint64], host: int) -> None:
    """Add a host."""
    row[host >> 6] |= _ONE << np.uint64(host & 63)


@inlined
def drop(row: NDArray[np.uint64], host: int) -> None:
    """Take a host out."""
    row[host >> 6] &= ~(_ONE << np.uint64(host & 63))


@inlined
def clear(row: NDArray[np.uint64]) -> None:
    """Take all hosts out."""
    for k in range(row.shape[0]):
        row[k] = np.uint64(0)


@inlined
def only(row: NDArray[np.uint64], host: int) -> None:
    """Make the set hold one host."""
    clear(row)
    put(row, host)


@inlined
def copy(row: NDArray[np.uint64], other: NDArray[np.uint64]) -> None:
    """Make the set equal to another."""
    for k in range(row.shape[0]):
        row[k] = other[k]


@inlined
def add_all(row: NDArray[np.uint64], other: NDArray[np.uint64]) -> None:
    """Add the hosts of another set."""
    for k in range(row.shape[0]):
        row[k] |= other[k]


@inlined
def drop_all(row: NDArray[np.uint64], other: NDArray[np.uint64]) -> None:
    """Take the hosts of another set out."""
    for k in range(row.shape[0]):
        row[k] &= ~other[k]


@inlined
def keep_all(row: NDArray[np.uint64], other: NDArray[np.uint64]) -> None:
    """Leave only the hosts that are in another set, too."""
    for k in range(row.shape[0]):
        row[k] &= other[k]


@inlined
def size(row: NDArray[np.uint64]) -> int:
    """Return the number of hosts."""
    n = 0
    for k in range(row.shape[0]):
        n += count_bits(row[k])
    return n


@inlined
def size_without(row: NDArray[np.uint64], but: NDArray[np.uint64]) -> int:
    """Return the number of hosts that are in a set and not in another."""
    n = 0
    for k in range(row.shape[0]):
        n += count_bits(row[k] & ~but[k])
    return n


@jitted
def keep_lowest(row: NDArray[np.uint64], n: int) -> None:
    """Leave only the n lowest hosts."""
    left = max(n, 0)
    for k in range(row.shape[0]):
        word = row[k]
        found = count_bits(word)
        if found <= left:
            left -= found
            continue
        kept = np.uint64(0)
        for _ in range(left):
            kept |= _ONE << np.uint64(first_bit(word))
            word &= word - _ONE
        row[k] = kept
        left = 0


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
