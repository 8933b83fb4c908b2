"""The energy of a node, and where it went: to the jobs that ran on it, and to the time in which none did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from wattq.surrogates.energy.align import JobWindow, align
from wattq.surrogates.energy.series import PowerSeries

__all__ = ["NodeBalance", "node_balances"]


@dataclass(frozen=True)
class NodeBalance:
    """Energy of one node over a span; what was measured, nothing scaled up.

    Attributes:
        node: its name.
        start_s, end_s: the span: its first to its last reading, s.
        energy_j: measured energy, J.
        jobs_j: what the jobs have of it, J.
        idle_j: what it drew while no job ran, J; with `jobs_j` it makes `energy_j`.
        jobs: number of windows that overlap the span.
        coverage: measured share of the span, 0 to 1.
        gaps: stretches that were not measured.
        longest_gap_s: the longest of them, s.
    """

    node: str
    start_s: float
    end_s: float
    energy_j: float
    jobs_j: float
    idle_j: float
    jobs: int
    coverage: float
    gaps: int
    longest_gap_s: float


def node_balances(series: Mapping[str, PowerSeries], jobs: Sequence[JobWindow]) -> tuple[NodeBalance, ...]:
    """Return the balance of every node: the parts of its jobs, and the rest, each computed for itself."""
    return tuple(_balance(node, found, [job for job in jobs if node in job.devices]) for node, found in series.items())


def _balance(node: str, series: PowerSeries, jobs: Sequence[JobWindow]) -> NodeBalance:
    start, end = float(series.time_s[0]), float(series.time_s[-1])
    inside = [job for job in jobs if job.start_s < end and job.end_s > start]
    alone = [JobWindow(job.job_id, job.start_s, job.end_s, (node,), job.cores) for job in inside]
    parts = align({node: series}, alone).measured_j if alone else np.zeros(0)
    free = _free([(job.start_s, job.end_s) for job in inside], start, end)
    gaps = series.gaps
    return NodeBalance(
        node=node,
        start_s=start,
        end_s=end,
        energy_j=float(series.energy_j[-1]),
        jobs_j=float(parts.sum()),
        idle_j=float(series.energy(free[:, 0], free[:, 1]).sum()),
        jobs=len(inside),
        coverage=float(series.measured_s[-1]) / (end - start),
        gaps=len(gaps),
        longest_gap_s=float(np.diff(gaps).max()) if len(gaps) else 0.0,
    )


def _free(
    spans: Sequence[tuple[float, float]], start: float, end: float
) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Return begin and end of the stretches of [start, end) that no span holds."""
    found, last = [], start
    for begin, stop in sorted(spans):
        if begin > last:
            found.append((last, min(begin, end)))
        last = max(last, stop)
    if last < end:
        found.append((last, end))
    return np.array(found, dtype=np.float64).reshape(-1, 2)
