"""Sets of hosts as bits in 64-bit words."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba.cpython.unsafe import numbers
from numpy.typing import NDArray

from wattq.simulator.jit import inlined, jitted

__all__ = ["count_bits", "first_bit", "lowest_runs", "run_length", "set_run", "span"]

_trailing_zeros: Any = numbers.trailing_zeros
_ONE = np.uint64(1)
_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
_M1 = np.uint64(0x5555555555555555)
_M2 = np.uint64(0x3333333333333333)
_M4 = np.uint64(0x0F0F0F0F0F0F0F0F)
_H01 = np.uint64(0x0101010101010101)


@inlined
def count_bits(word: np.uint64) -> Any:
    """Return the number of bits set in a word."""
    x = word - ((word >> np.uint64(1)) & _M1)
    x = (x & _M2) + ((x >> np.uint64(2)) & _M2)
    x = (x + (x >> np.uint64(4))) & _M4
    return np.int64((x * _H01) >> np.uint64(56))


@inlined
def first_bit(word: np.uint64) -> Any:
    """Return the position of the lowest bit set; the word must not be 0."""
    return np.int64(_trailing_zeros(word))


@inlined
def run_length(word: np.uint64) -> Any:
    """Return the number of consecutive bits set from bit 0 up."""
    inverted = ~word
    if inverted == np.uint64(0):
        return np.int64(64)
    return np.int64(_trailing_zeros(inverted))


@inlined
def span(first: int, last: int) -> range:
    """Return the numbers from first to last, both included, none of them negative.

    They are unsigned, so that indexing with them needs no test for "from the end".
    """
    return range(np.uint64(first), np.uint64(last) + np.uint64(1))


@inlined
def _low_mask(n: int) -> np.uint64:
    """Return a word whose n lowest bits are set, 0 <= n <= 64."""
    if n >= 64:
        return _ALL
    return (_ONE << np.uint64(n)) - _ONE


@jitted
def set_run(words: NDArray[np.uint64], first: int, last: int, value: bool) -> None:
    """Set or clear the bits first..last, both included."""
    host = first
    while host <= last:
        bit = host & 63
        n = min(64 - bit, last - host + 1)
        mask = _low_mask(n) << np.uint64(bit)
        if value:
            words[host >> 6] |= mask
        else:
            words[host >> 6] &= ~mask
        host += n


@jitted
def lowest_runs(words: NDArray[np.uint64], n_words: int, n: int, runs: NDArray[np.int32], at: int) -> int:
    """Write the n lowest hosts of a set as intervals into ``runs[at:]`` and return the number of intervals.

    Args:
        words: the set.
        n_words: words in use.
        n: hosts wanted, at most the size of the set.
        runs: shape (capacity, 2), both ends included.
        at: first row to write.
    """
    k = at - 1
    end = -2
    left = n
    for i in range(n_words):
        word = words[i]
        offset = i * 64
        while word != np.uint64(0) and left > 0:
            start = first_bit(word)
            length = min(run_length(word >> np.uint64(start)), left)
            low = offset + start
            if low == end + 1:
                end = low + length - 1
                runs[k, 1] = end
            else:
                k += 1
                end = low + length - 1
                runs[k, 0] = low
                runs[k, 1] = end
            left -= length
            word &= ~(_low_mask(length) << np.uint64(start))
        if left == 0:
            break
    return k - at + 1
