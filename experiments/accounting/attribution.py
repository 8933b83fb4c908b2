"""Who pays for what no job draws: idle, sleeping and switching power, shared among the jobs.

The rule: at each instant the overhead of the machine is shared among the jobs that run then, in proportion to their
hosts. What is drawn while no job runs is shared among all jobs of the account in proportion to the energy that they
computed with. Where no job computed anything, it stays unattributed, and is shown as such. The shares and what is
unattributed sum to the overhead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattq.experiments.accounting.history import PowerHistory
from wattq.experiments.accounting.host_states import sum_by
from wattq.experiments.accounting.meters import Meter

__all__ = ["Counted", "count_jobs", "count_overhead", "share_running", "share_work"]


@dataclass(frozen=True)
class Counted:
    """The overhead of an interval, for one measure.

    Attributes:
        parts: sum of each part, as in `wattq.experiments.accounting.OVERHEAD`.
        jobs: share of each job, by row of ``jobs.csv``.
        left: what belongs to no job.
    """

    parts: NDArray[np.float64]
    jobs: NDArray[np.float64]
    left: float


def count_jobs(
    history: PowerHistory, meters: Mapping[str, Meter], start_s: float, end_s: float
) -> tuple[dict[str, NDArray[np.float64]], NDArray[np.float64]]:
    """Return what the jobs draw in [start, end) by measure, and the energy that their hosts would draw idle."""
    pieces, n = history.jobs, len(history.run.jobs)
    begin, end = np.clip(pieces.start_s, start_s, end_s), np.clip(pieces.end_s, start_s, end_s)
    drawn = {name: sum_by(pieces.job, pieces.power_w * meter.between(begin, end), n) for name, meter in meters.items()}
    return drawn, sum_by(pieces.job, pieces.idle_w * (end - begin), n)


def count_overhead(history: PowerHistory, meter: Meter, start_s: float, end_s: float) -> NDArray[np.float64]:
    """Return the overhead in [start, end) by part and interval between changes, shape (4, n)."""
    edges = np.clip(np.append(history.date_s, np.inf), start_s, end_s)
    overhead: NDArray[np.float64] = history.overhead_w * np.diff(meter(edges))
    return overhead


def share_running(history: PowerHistory, overhead: NDArray[np.float64], computed_j: NDArray[np.float64]) -> Counted:
    """Share overhead among the jobs that run at each instant, by hosts; the rest by the energy they computed with.

    Args:
        history: the power over time.
        overhead: what `count_overhead` returns.
        computed_j: energy of each job in the same interval.
    """
    table = history.jobs
    busy, total = history.busy, overhead.sum(axis=0)
    shared = busy > 0.5
    per_host = np.concatenate([[0.0], np.cumsum(np.where(shared, total / np.where(shared, busy, 1.0), 0.0))])
    n = len(history.run.jobs)
    first, last = np.full(n, np.inf), np.full(n, -np.inf)
    np.minimum.at(first, table.job, table.start_s)
    np.maximum.at(last, table.job, table.end_s)
    ran = last > first
    size = history.run.jobs.allocation.size.astype(np.float64)
    shares = np.zeros(n)
    begin, end = (np.searchsorted(history.date_s, dates[ran]) for dates in (first, last))
    shares[ran] = size[ran] * (per_host[end] - per_host[begin])
    rest = float(total[~shared].sum())
    alone = share_work(overhead, computed_j, rest)
    return Counted(overhead.sum(axis=1), shares + alone.jobs, alone.left)


def share_work(overhead: NDArray[np.float64], computed_j: NDArray[np.float64], amount: float | None = None) -> Counted:
    """Share overhead, or an amount of it, among jobs by the energy that they computed with."""
    pool = float(overhead.sum()) if amount is None else amount
    work = float(computed_j.sum())
    parts = overhead.sum(axis=1)
    if work <= 0.0:
        return Counted(parts, np.zeros(len(computed_j)), pool)
    return Counted(parts, computed_j * (pool / work), 0.0)
