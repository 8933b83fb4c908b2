"""Waits and slowdowns of all jobs of a run, those that never started included.

A job that was submitted and never started has no row in ``jobs.csv``; leaving it out would reward a policy for
starving it. It counts with the lower bound that the run proves: it waited at least ``end - submit``. Such
jobs are *censored*. Rejected jobs are neither: they are named and counted apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattq.experiments.catalogue import DEFAULT_TAU_S
from wattq.experiments.results import RunResults

__all__ = ["Population", "population"]


@dataclass(frozen=True)
class Population:
    """One entry per job that started or never did; rejected jobs are left out. Times in s.

    Attributes:
        key: full id of the job.
        censored: whether the job never started; its numbers are then lower bounds.
        wait_s: start - submit; end - submit when censored.
        turnaround_s: finish - submit; end - submit when censored.
        slowdown: turnaround / run time; NaN for jobs that ran 0 s.
        bounded_slowdown: max(1, turnaround / max(run time, tau)).
        user: user of each job, -1 where unknown.
        rejected: full ids of the rejected jobs.
    """

    key: tuple[str, ...]
    censored: NDArray[np.bool_]
    wait_s: NDArray[np.float64]
    turnaround_s: NDArray[np.float64]
    slowdown: NDArray[np.float64]
    bounded_slowdown: NDArray[np.float64]
    user: NDArray[np.int64]
    rejected: tuple[str, ...]


def population(run: RunResults, tau_s: float = DEFAULT_TAU_S) -> Population:
    """Return the waits and slowdowns of a run.

    A censored job's slowdowns are those it would have if it started at the end of the run and lasted its requested
    time, the smallest that its request allows; without a requested time they are 1.

    Args:
        run: the results.
        tau_s: bound of the bounded slowdown, in s, greater than 0.
    """
    if not tau_s > 0:
        raise ValueError(f"tau_s = {tau_s!r}: the bound of the bounded slowdown is greater than 0 s")
    jobs = run.jobs
    ran = ~jobs.rejected
    left_key, left_wait, left_request = _never_started(run)
    no_run = np.zeros(len(left_key), dtype=bool)
    run_s = np.concatenate([jobs.run_s[ran], np.maximum(left_request, 0.0)])
    wait_s = np.concatenate([(jobs.start_s - jobs.submit_s)[ran], left_wait])
    turnaround_s = np.concatenate([(jobs.finish_s - jobs.submit_s)[ran], left_wait])
    served_s = np.concatenate([turnaround_s[: int(ran.sum())], left_wait + np.maximum(left_request, 0.0)])
    bounded = np.maximum(1.0, served_s / np.maximum(run_s, tau_s))
    bounded[len(bounded) - len(left_key) :][left_request <= 0] = 1.0
    key = tuple(name for name, keep in zip(jobs.key, ran, strict=True) if keep) + left_key
    return Population(
        key=key,
        censored=np.concatenate([np.zeros(int(ran.sum()), dtype=bool), ~no_run]),
        wait_s=wait_s,
        turnaround_s=turnaround_s,
        slowdown=_slowdown(served_s, run_s, len(left_key)),
        bounded_slowdown=bounded,
        user=_users(run, key),
        rejected=tuple(name for name, out in zip(jobs.key, jobs.rejected, strict=True) if out),
    )


def _slowdown(served_s: NDArray[np.float64], run_s: NDArray[np.float64], n_left: int) -> NDArray[np.float64]:
    ratio = np.full(len(run_s), np.nan)
    np.divide(served_s, run_s, out=ratio, where=run_s > 0)
    left = ratio[len(ratio) - n_left :]
    left[np.isnan(left)] = 1.0
    return ratio


def _never_started(run: RunResults) -> tuple[tuple[str, ...], NDArray[np.float64], NDArray[np.float64]]:
    """Return key, wait so far and requested time of the jobs without a row in ``jobs.csv``."""
    if run.submitted is None:
        return (), np.empty(0), np.empty(0)
    answered = set(run.jobs.key)
    index = [row for row, key in enumerate(run.submitted.key) if key not in answered]
    wait_s = np.maximum(run.end_s - run.submitted.submit_s[index], 0.0)
    return tuple(run.submitted.key[row] for row in index), wait_s, run.submitted.requested_s[index]


def _users(run: RunResults, key: tuple[str, ...]) -> NDArray[np.int64]:
    if run.submitted is None:
        return np.full(len(key), -1, dtype=np.int64)
    user_of = dict(zip(run.submitted.key, run.submitted.user.tolist(), strict=True))
    return np.array([user_of.get(name, -1) for name in key], dtype=np.int64)
