"""Bursts: jobs that arrive in some hours on top of the others, many small ones or a few heavy ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattq.errors import InvalidInputError

__all__ = ["HEAVY", "SMALL", "Burst"]

_Range = tuple[int, int]


@dataclass(frozen=True)
class Burst:
    """Jobs that one hour may get on top of the others; all numbers are whole, and all in a range are as likely.

    Attributes:
        name: ``small`` or ``heavy``.
        probability: of a burst in each hour, independent of all other hours: 1 is a burst in every hour, 0 is none.
        jobs: least and greatest number of jobs.
        duration_h: of run times, h.
        nodes: of nodes per job.
        cores: of cores on each node.

    Raises:
        InvalidInputError: when the probability is not from 0 to 1, or a range is empty.
    """

    name: str
    probability: float
    jobs: _Range
    duration_h: _Range
    nodes: _Range
    cores: _Range

    def __post_init__(self) -> None:
        if not 0 <= self.probability <= 1:
            raise InvalidInputError(
                f"probability of a {self.name} burst: {self.probability!r}; it must be from 0 (never) to 1 (every hour)"
            )
        for key in ("jobs", "duration_h", "nodes", "cores"):
            low, high = getattr(self, key)
            if not 1 <= low <= high <= 10**6:
                raise InvalidInputError(
                    f"{self.name} burst, {key} {low}:{high}; it must be two whole numbers from 1 to 1000000, "
                    "the smaller first"
                )

    def counts(self, random: np.random.Generator, hours: int) -> NDArray[np.int64]:
        """Draw the number of jobs of each hour, 0 where there is no burst."""
        happens, place = random.random((hours, 2)).T
        low, high = self.jobs
        sizes = low + np.floor(place * (high - low + 1))
        return np.where(happens < self.probability, sizes, 0).astype(np.int64)


SMALL = Burst("small", 0.0, (50, 750), (1, 8), (1, 2), (1, 16))
"""Many short narrow jobs at once, as a parameter sweep submits them."""

HEAVY = Burst("heavy", 0.0, (1, 12), (72, 170), (4, 16), (32, 96))
"""A few long wide jobs at once."""
