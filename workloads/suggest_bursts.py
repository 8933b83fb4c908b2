"""Hours that stand out as bursts, told from the others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattq.units import HOUR_S
from wattq.workloads.bursts import HEAVY, SMALL, Burst
from wattq.workloads.generate_table import JobTable

__all__ = ["BurstFit", "find_bursts"]

_Ints = NDArray[np.int64]
_Mask = NDArray[np.bool_]
_MAD_TO_STD = 1.4826
_NEAR_SHARE = 0.25


@dataclass(frozen=True)
class BurstFit:
    """What bursts a workload shows.

    Attributes:
        small, heavy: probability of each burst in an hour; 0 where none can be told from the other jobs.
        base_counts: jobs per hour, in hours without a small burst, jobs of heavy bursts left out.
        base_jobs: mask of the jobs of these hours that are in no burst.
    """

    small: float
    heavy: float
    base_counts: _Ints
    base_jobs: _Mask


def find_bursts(table: JobTable, bins: _Ints, hours: int) -> BurstFit:
    """Tell the two bursts of `wattq.workloads.bursts` from the other jobs.

    Heavy: every hour with a job in all ranges of the heavy burst has one, unless jobs of half its shortest duration
    up to that are more than a quarter as many: then long jobs are simply part of the work. Small: hours whose number
    of jobs within the ranges of the small burst exceeds its median by 4 standard deviations (estimated from the median
    deviation), and by half of the smallest burst at least; the probability counts in the bursts that are too small to
    be seen. Bursts in more than about half of the hours are taken for the rule.

    Args:
        table: the jobs.
        bins: hour of each job, from 0.
        hours: number of hours.
    """
    heavy_jobs = _heavy_jobs(table)
    heavy = np.unique(bins[heavy_jobs]).size / hours
    small_counts = np.bincount(bins[_inside(table, SMALL) & ~heavy_jobs], minlength=hours)
    median = float(np.median(small_counts))
    spread = _MAD_TO_STD * float(np.median(np.abs(small_counts - median)))
    excess = max(4 * spread, SMALL.jobs[0] / 2)
    seen = small_counts > median + excess
    unseen = float(np.clip((excess - SMALL.jobs[0]) / (SMALL.jobs[1] - SMALL.jobs[0]), 0.0, 1.0))
    if unseen > 0.5 or not seen.any():
        seen = np.zeros(hours, dtype=np.bool_)
        unseen = 0.0
    counts = np.bincount(bins[~heavy_jobs], minlength=hours)
    small = float(seen.mean()) / (1 - unseen)
    return BurstFit(min(small, 1.0), heavy, counts[~seen], ~heavy_jobs & ~seen[bins])


def _inside(table: JobTable, burst: Burst) -> _Mask:
    ranges = ((-(-table.duration_s // int(HOUR_S)), burst.duration_h), (table.nodes, burst.nodes))
    inside = [(low <= values) & (values <= high) for values, (low, high) in (*ranges, (table.cores, burst.cores))]
    return inside[0] & inside[1] & inside[2]


def _heavy_jobs(table: JobTable) -> _Mask:
    heavy = _inside(table, HEAVY)
    shortest = HEAVY.duration_h[0] * HOUR_S
    near = (table.duration_s > shortest / 2) & (table.duration_s <= shortest - HOUR_S)
    if np.count_nonzero(near) > _NEAR_SHARE * np.count_nonzero(heavy):
        return np.zeros(table.n_jobs, dtype=np.bool_)
    return heavy
