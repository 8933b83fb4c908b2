"""Laws of whole numbers by which hourly workloads draw arrivals, durations, nodes and cores; the four-value options."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattq.errors import InvalidInputError

__all__ = ["ATTRIBUTES", "LAWS", "Law", "four_ranges", "four_values", "one_range"]

ATTRIBUTES = ("arrivals", "duration", "nodes", "cores")
"""The four values, in the order of the options that take all of them."""

LAWS = ("flat", "poisson", "uniform")

_MOST = 10**9


@dataclass(frozen=True)
class Law:
    """How one number is drawn, always a whole number within bounds.

    Attributes:
        kind: ``flat``, whole numbers from `a` - `b` to `a` + `b`, all as likely (`b` = 0 is always `a`); ``poisson``
            with mean `a`; ``uniform``, whole numbers from `a` to `b`, all as likely.
        a: target, mean or least value.
        b: jitter, 0, or greatest value.

    Raises:
        InvalidInputError: when the values do not make a law.
    """

    kind: str
    a: float
    b: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in LAWS:
            raise InvalidInputError(f"law {self.kind!r}: not one of {', '.join(LAWS)}; choose one of them")
        for value in (self.a, self.b):
            if not (math.isfinite(value) and 0 <= value <= _MOST):
                raise InvalidInputError(f"{self.kind}: {value!r}; it must be a number from 0 to {_MOST}")
            if self.kind != "poisson" and value != int(value):
                raise InvalidInputError(f"{self.kind}: {value!r}; it must be a whole number")
        if self.kind == "uniform" and self.a > self.b:
            raise InvalidInputError(f"uniform: the range {self.a:g}:{self.b:g} ends before it starts; swap the two")

    def draw(self, random: np.random.Generator, count: int, low: int, high: int) -> NDArray[np.int64]:
        """Draw `count` numbers; those below `low` become `low`, those above `high` become `high`."""
        if self.kind == "poisson":
            values = random.poisson(self.a, count)
        else:
            least, most = (self.a - self.b, self.a + self.b) if self.kind == "flat" else (self.a, self.b)
            values = random.integers(int(least), int(most) + 1, count)
        return np.clip(values, low, high).astype(np.int64)

    def fits(self, low: int, high: int) -> bool:
        """Return whether the target or the range lies within bounds; the mean of ``poisson`` may lie anywhere."""
        return self.kind == "poisson" or (low <= self.a and max(self.a, self.b * (self.kind == "uniform")) <= high)


def four_values(text: str, option: str) -> tuple[float, float, float, float]:
    """Return the four numbers of ``arrivals,duration,nodes,cores``.

    Raises:
        InvalidInputError: when there are not four, or one is not a number of at least 0.
    """
    numbers = [_number(part, option, text) for part in _four(text, option, "200,8,2,32")]
    return numbers[0], numbers[1], numbers[2], numbers[3]


def four_ranges(text: str, option: str) -> tuple[tuple[int, int], ...]:
    """Return the four ranges of ``a:b,a:b,a:b,a:b`` for arrivals, duration, nodes and cores.

    Raises:
        InvalidInputError: when there are not four, or one is not two whole numbers, the smaller first.
    """
    return tuple(one_range(part, option) for part in _four(text, option, "0:200,1:24,1:4,1:32"))


def one_range(text: str, option: str) -> tuple[int, int]:
    """Return the two whole numbers of ``least:greatest``.

    Raises:
        InvalidInputError: when it is not that.
    """
    parts = text.split(":")
    if len(parts) != 2:
        raise InvalidInputError(f"{option} '{text}': a range is two whole numbers LEAST:GREATEST, such as 1:24")
    low, high = (_number(part, option, text) for part in parts)
    if low != int(low) or high != int(high) or low > high:
        raise InvalidInputError(f"{option} '{text}': a range is two whole numbers, the smaller first, such as 1:24")
    return int(low), int(high)


def _four(text: str, option: str, example: str) -> list[str]:
    parts = [part.strip() for part in text.split(",")]
    if len(parts) != 4:
        raise InvalidInputError(
            f"{option} '{text}': {len(parts)} parts; four are expected, {','.join(ATTRIBUTES)}, such as "
            f"{option} {example}"
        )
    return parts


def _number(text: str, option: str, whole: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= _MOST:
        raise InvalidInputError(f"{option} '{whole}': '{text.strip()}' is not a number from 0 to {_MOST}")
    return value
