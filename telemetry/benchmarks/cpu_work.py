"""Work for processors, in batches of milliseconds that count what they do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["CPU_KERNELS", "CpuKernel", "make_kernel"]

_PRIMES_FROM, _PRIMES = 1_000_000, 200
_FIBONACCI = 20_000
_MATRIX = 192
_VECTOR, _STEPS = 16_384, 32


@dataclass(frozen=True)
class CpuKernel:
    """A kind of work.

    Attributes:
        operation: what one operation is.
        is_flop: whether it is a floating-point operation of double precision.
        make: returns a function that does a batch and returns its operations.
    """

    operation: str
    is_flop: bool
    make: Callable[[], Callable[[], float]]


def _prime() -> Callable[[], float]:
    def batch() -> float:
        # the same numbers each time, or operations would grow dearer
        found = sum(_is_prime(number) for number in range(_PRIMES_FROM, _PRIMES_FROM + _PRIMES))
        return _PRIMES if found else 0

    return batch


def _is_prime(number: int) -> bool:
    if number % 2 == 0:
        return number == 2
    divisor = 3
    while divisor * divisor <= number:
        if number % divisor == 0:
            return False
        divisor += 2
    return number > 1


def _fibonacci() -> Callable[[], float]:
    def batch() -> float:
        first, second = 0, 1
        for _ in range(_FIBONACCI):
            first, second = second, (first + second) & 0xFFFFFFFF
        return _FIBONACCI

    return batch


def _matrix() -> Callable[[], float]:
    import numpy as np

    left = np.random.default_rng(1).random((_MATRIX, _MATRIX))
    right, out = left.T.copy(), np.empty_like(left)

    def batch() -> float:
        np.matmul(left, right, out=out)
        return 2.0 * _MATRIX**3

    return batch


def _floating() -> Callable[[], float]:
    import numpy as np

    values: Any = np.random.default_rng(1).random(_VECTOR)

    def batch() -> float:
        for _ in range(_STEPS):
            # goes to 1 and stays there: neither overflow nor denormal numbers
            np.multiply(values, 0.5, out=values)
            np.add(values, 0.5, out=values)
        return 2.0 * _STEPS * _VECTOR

    return batch


CPU_KERNELS = {
    "prime": CpuKernel("number tested for primality", False, _prime),
    "matrix": CpuKernel("flop", True, _matrix),
    "floating": CpuKernel("flop", True, _floating),
    "fibonacci": CpuKernel("addition", False, _fibonacci),
}
"""Kinds of work by name."""


def make_kernel(workload: str) -> Callable[[], tuple[str, float]]:
    """Return a function that does a batch and returns its kind and its operations; ``mixed`` takes turns."""
    names = list(CPU_KERNELS) if workload == "mixed" else [workload]
    batches = [(name, CPU_KERNELS[name].make()) for name in names]
    turn = 0

    def batch() -> tuple[str, float]:
        nonlocal turn
        name, work = batches[turn % len(batches)]
        turn += 1
        return name, work()

    return batch
