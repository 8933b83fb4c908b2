"""The jobs of two accounts, side by side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattq.experiments.accounting.account import Account
from wattq.experiments.accounting.host_states import sum_by

__all__ = ["MatchedJobs", "match_jobs"]

_CUT = 1e-9
"""Share of a job's energy below which it counts as wholly inside of what is counted."""


@dataclass(frozen=True)
class MatchedJobs:
    """Every job that drew energy in one of two accounts; arrays by job.

    Attributes:
        row_a, row_b: rows in the tables of jobs, -1 where a run has no such job.
        energy_a, energy_b: what was counted, J.
        same: served alike in both, wholly inside of what is counted.
        clipped: served alike in both, but partly outside of what one account counts.
        other: the rest: served in one run only, or ended otherwise.
        lost, gained: served in A only, in B only.
        served_a: number of jobs that A served.
    """

    row_a: NDArray[np.int64]
    row_b: NDArray[np.int64]
    energy_a: NDArray[np.float64]
    energy_b: NDArray[np.float64]
    same: NDArray[np.bool_]
    clipped: NDArray[np.bool_]
    other: NDArray[np.bool_]
    lost: NDArray[np.bool_]
    gained: NDArray[np.bool_]
    served_a: int


def match_jobs(a: Account, b: Account) -> MatchedJobs:
    """Match the jobs of two accounts by their full ids.

    A job is served alike when it ended in the same state in both runs, and lost when A finished it successfully and B
    did not.
    """
    rows_a, rows_b = _rows(a), _rows(b)
    keys = list(rows_a | rows_b)
    row_a = np.array([rows_a.get(key, -1) for key in keys], dtype=np.int64)
    row_b = np.array([rows_b.get(key, -1) for key in keys], dtype=np.int64)
    state_a, state_b = _states(a, row_a), _states(b, row_b)
    energy_a, whole_a = _energy(a, row_a)
    energy_b, whole_b = _energy(b, row_b)
    alike = (state_a == state_b) & (state_a != "")
    inside = whole_a & whole_b
    good_a, good_b = state_a == "COMPLETED_SUCCESSFULLY", state_b == "COMPLETED_SUCCESSFULLY"
    lost = ~alike & ((good_a & ~good_b) | ((state_a != "") & (state_b == "")))
    gained = ~alike & ((good_b & ~good_a) | ((state_b != "") & (state_a == "")))
    served = int((state_a != "").sum())
    clipped, other = alike & ~inside, ~alike
    return MatchedJobs(row_a, row_b, energy_a, energy_b, alike & inside, clipped, other, lost, gained, served)


def _rows(account: Account) -> dict[str, int]:
    """Return the rows of the jobs that ran, by full id; in a week's account, of the week's jobs."""
    jobs = account.history.run.jobs
    ran = ~jobs.rejected
    if account.scope == "submitted":
        ran &= (jobs.submit_s >= account.window[0]) & (jobs.submit_s < account.window[1])
    return {jobs.key[row]: int(row) for row in np.flatnonzero(ran)}


def _states(account: Account, rows: NDArray[np.int64]) -> NDArray[np.str_]:
    names = np.array([*account.history.run.jobs.state, ""])
    return names[rows]


def _energy(account: Account, rows: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return what each job drew in the account, and whether that is all that it drew."""
    pieces = account.history.jobs
    n = len(account.history.run.jobs)
    full = sum_by(pieces.job, pieces.power_w * (pieces.end_s - pieces.start_s), n)
    counted = np.append(account.jobs.computing["energy_j"], 0.0)[rows]
    return counted, np.abs(counted - np.append(full, 0.0)[rows]) <= _CUT * np.maximum(counted, 1.0)
