"""Sets of hosts in rows of bit words: the operations that the energy family needs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattq.simulator.bits import count_bits, first_bit
from wattq.simulator.jit import inlined, jitted

__all__ = ["add_all", "clear", "copy", "drop", "drop_all", "has", "keep_all", "keep_lowest", "only", "put", "size"]

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
