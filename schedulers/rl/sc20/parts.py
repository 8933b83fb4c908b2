"""Which jobs of a log test a policy, and which it may learn from.

The ten test sequences are those of the published table, where the log reaches that far. All other jobs are cut into
stretches without a gap, in the order of the log; the first part of them trains, the next chooses the best generation
(validation), and the last is kept for fresh sequences to measure with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattq.errors import LearningError
from wattq.schedulers.rl.sc20.jobs import JobTable

__all__ = ["LENGTH", "PUBLISHED_STARTS", "Parts", "part_jobs", "sequence_starts"]

LENGTH = 1024
"""Jobs of a test sequence."""

PUBLISHED_STARTS = (1981, 2756, 4299, 8850, 3316, 2714, 5228, 7762, 4022, 7085)
"""First jobs of the ten sequences of the published table, counted from 0 after cleaning."""

_SHARES = (0.7, 0.85)
_SEQUENCES = 10
_LEAST_JOBS = 4 * LENGTH
_SHORTEST = 32


@dataclass(frozen=True)
class Parts:
    """Jobs of a log, apart by use.

    Attributes:
        starts: first jobs of the test sequences.
        test: the test sequences.
        train, validation, fresh: stretches of consecutive jobs; no job is in two of them, or in a test sequence.
    """

    starts: tuple[int, ...]
    test: tuple[JobTable, ...]
    train: tuple[JobTable, ...]
    validation: tuple[JobTable, ...]
    fresh: tuple[JobTable, ...]


def sequence_starts(n_jobs: int) -> tuple[int, ...]:
    """Return the first jobs of the test sequences: the published ones, or ten in the last third of a shorter log.

    Raises:
        LearningError: when there are fewer than 4,096 jobs.
    """
    if n_jobs < _LEAST_JOBS:
        raise LearningError(
            f"the log has {n_jobs:,} jobs; the task needs {_LEAST_JOBS:,} at least, to learn and to test apart"
        )
    if n_jobs >= max(PUBLISHED_STARTS) + LENGTH:
        return PUBLISHED_STARTS
    places = np.linspace(2 * n_jobs // 3, n_jobs - LENGTH, _SEQUENCES).astype(np.int64)
    return tuple(int(place) for place in places)


def part_jobs(table: JobTable) -> Parts:
    """Return the parts of a log.

    Raises:
        LearningError: as `sequence_starts`.
    """
    starts = sequence_starts(table.n_jobs)
    rest = np.ones(table.n_jobs, dtype=np.bool_)
    for start in starts:
        rest[start : start + LENGTH] = False
    places = np.flatnonzero(rest)
    first, second = (int(share * len(places)) for share in _SHARES)
    return Parts(
        starts,
        tuple(table.take(slice(start, start + LENGTH)) for start in starts),
        *(_stretches(table, part) for part in (places[:first], places[first:second], places[second:])),
    )


def _stretches(table: JobTable, places: NDArray[np.int64]) -> tuple[JobTable, ...]:
    runs: Sequence[NDArray[np.int64]] = np.split(places, np.flatnonzero(np.diff(places) > 1) + 1)
    return tuple(table.take(run) for run in runs if len(run) >= _SHORTEST)
