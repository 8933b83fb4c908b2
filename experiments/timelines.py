"""What happened over time: busy hosts, waiting jobs and power as step functions, integrated exactly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattq.experiments.results import RunResults

__all__ = ["Steps", "busy_hosts", "power_w", "queue_length", "span"]


@dataclass(frozen=True)
class Steps:
    """A piecewise-constant function: ``value[i]`` holds on [``time_s[i]``, ``time_s[i + 1]``).

    Attributes:
        time_s: n + 1 dates that never decrease; the function is 0 outside them.
        value: n values.
    """

    time_s: NDArray[np.float64]
    value: NDArray[np.float64]

    def integral(self, begin_s: float, end_s: float) -> float:
        """Return the integral over [begin_s, end_s], exact for a step function."""
        low, high = self._cumulated(np.array([begin_s, end_s]))
        return float(high - low)

    def mean(self, begin_s: float, end_s: float) -> float:
        """Return the mean over [begin_s, end_s]; NaN for an empty window."""
        return self.integral(begin_s, end_s) / (end_s - begin_s) if end_s > begin_s else float("nan")

    def binned(self, n_bins: int) -> Steps:
        """Return the exact mean over each of ``n_bins`` equal bins; itself when it has no more steps than that."""
        if len(self.value) <= n_bins or self.time_s[-1] <= self.time_s[0]:
            return self
        edges = np.linspace(self.time_s[0], self.time_s[-1], n_bins + 1)
        return Steps(edges, np.diff(self._cumulated(edges)) / np.diff(edges))

    def _cumulated(self, dates: NDArray[np.float64]) -> NDArray[np.float64]:
        if len(self.value) == 0:
            return np.zeros(len(dates))
        total = np.concatenate([[0.0], np.cumsum(self.value * np.diff(self.time_s))])
        return np.asarray(np.interp(dates, self.time_s, total), dtype=np.float64)


def span(run: RunResults) -> tuple[float, float]:
    """Return first submission and last finish (s); the end of the run when submitted jobs never started."""
    jobs = run.jobs
    submits = [jobs.submit_s] + ([run.submitted.submit_s] if run.submitted is not None else [])
    begin = min((float(np.min(dates)) for dates in submits if len(dates)), default=0.0)
    ends = jobs.finish_s[~jobs.rejected]
    left = run.submitted is not None and len(set(run.submitted.key) - set(jobs.key)) > 0
    end = run.end_s if left or len(ends) == 0 else float(np.max(ends))
    return begin, max(begin, end)


def _accumulated(dates: NDArray[np.float64], changes: NDArray[np.float64], end_s: float) -> Steps:
    """Add up changes at dates; changes at one date count together."""
    times, index = np.unique(dates, return_inverse=True)
    values = np.cumsum(np.bincount(index, weights=changes)).astype(np.float64) if len(times) else np.empty(0)
    return Steps(np.append(times, max(end_s, times[-1] if len(times) else end_s)), values)


def busy_hosts(run: RunResults) -> Steps:
    """Return the number of hosts that run jobs, from the allocations in ``jobs.csv``."""
    ran = ~run.jobs.rejected
    size = run.jobs.allocation.size[ran].astype(np.float64)
    dates = np.concatenate([run.jobs.start_s[ran], run.jobs.finish_s[ran]])
    return _accumulated(dates, np.concatenate([size, -size]), span(run)[1])


def queue_length(run: RunResults) -> Steps:
    """Return the number of jobs submitted and not yet started; jobs that never start wait until the end.

    Rejected jobs are left out: ``jobs.csv`` does not say when they were rejected.
    """
    ran = ~run.jobs.rejected
    submits, starts = run.jobs.submit_s[ran], run.jobs.start_s[ran]
    if run.submitted is not None:
        answered = set(run.jobs.key)
        left = np.array([key not in answered for key in run.submitted.key], dtype=bool)
        submits = np.concatenate([submits, run.submitted.submit_s[left]])
    dates = np.concatenate([submits, starts])
    changes = np.concatenate([np.ones(len(submits)), -np.ones(len(starts))])
    return _accumulated(dates, changes, span(run)[1])


def power_w(run: RunResults) -> Steps | None:
    """Return the power of all hosts (W) between the rows of ``consumed_energy.csv``; None without energy.

    Rows of the same millisecond are merged: over shorter steps the printed digits leave no meaningful quotient.
    """
    if run.energy is None or len(run.energy.time_s) < 2:
        return None
    time, energy = run.energy.time_s, run.energy.energy_j
    keep = np.diff(np.floor(time * 1e3), prepend=-np.inf) > 0
    keep[-1] = True
    index = np.flatnonzero(keep)
    if len(index) > 1 and time[index[-1]] - time[index[-2]] < 1e-3:
        index = np.delete(index, -2)
    if len(index) < 2:
        return None
    return Steps(time[index], np.diff(energy[index]) / np.diff(time[index]))
