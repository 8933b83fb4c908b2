"""EASY by passes with predictions that are made in the simulated world, as it goes on.

A job's estimate is asked for at its submission, and again whenever the job has outlived it; what predicts learns of
starts and ends of this very simulation only, never of the dates in the log.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from wattq.errors import WorkloadError
from wattq.experiments.published import passes
from wattq.experiments.published.jobs import JobTable

__all__ = ["Estimator", "Predicted", "facts_of", "simulate_predicted"]

_FACTS = np.dtype(
    [("hosts", "i8"), ("walltime_s", "f8"), ("user", "i8"), ("group", "i8"), ("queue", "i8"), ("application", "i8")]
)


class Estimator(Protocol):
    """Says how long jobs will run, as `wattq.surrogates.session.Session` does; times are s."""

    def submitted(self, job: int, facts: np.void, now_s: float, /) -> float:
        """Return the estimate of a job."""

    def started(self, job: int, now_s: float, /) -> None:
        """Take note that a job was started."""

    def ended(self, job: int, now_s: float, run_s: float, /) -> None:
        """Take note that a job ended."""

    def outlived(self, job: int, elapsed_s: float, /) -> float:
        """Return a new estimate of a job that runs longer than was estimated."""


@dataclass(frozen=True)
class Predicted:
    """A simulation with predictions.

    Attributes:
        start_s: start dates, s, length n_jobs.
        estimate_s: estimates at the submissions, s, length n_jobs.
        outlived: how often each job had outlived its estimate, length n_jobs.
    """

    start_s: NDArray[np.float64]
    estimate_s: NDArray[np.float64]
    outlived: NDArray[np.int64]


def facts_of(table: JobTable) -> NDArray[np.void]:
    """Return what is known of jobs at their submission, one record each."""
    facts: NDArray[np.void] = np.zeros(table.n_jobs, dtype=_FACTS)
    facts["hosts"], facts["walltime_s"] = table.processors, table.request_s
    for name in ("user", "group", "queue", "application"):
        facts[name] = getattr(table, name)
    return facts


def simulate_predicted(table: JobTable, order: str, estimator: Estimator) -> Predicted:
    """Run jobs under EASY with an estimator.

    Args:
        table: the jobs in the order of submission; none runs beyond its requested time.
        order: one of `wattq.experiments.published.passes.ORDERS`.
        estimator: a new one; jobs are named by their row.

    Raises:
        WorkloadError: when an estimate is no positive number, or lies beyond the requested time.
    """
    nothing: NDArray[np.float64] = np.full(table.n_jobs, np.nan)
    m = passes.new_machine(table.submit_s, table.run_s, nothing.copy(), table.processors, table.processors_total)
    found = Predicted(m.start_s, nothing, np.zeros(table.n_jobs, dtype=np.int64))
    facts, kind = facts_of(table), passes.ORDERS[order]
    while (asked := passes.play(m, kind)) != passes.DONE:
        _tell(estimator, m)
        now_s = float(m.clock[0])
        job = passes.asked_job(m, asked)
        if asked == passes.SUBMITTED:
            m.estimate_s[job] = found.estimate_s[job] = _checked(
                table, job, estimator.submitted(job, facts[job], now_s)
            )
        else:
            found.outlived[job] += 1
            elapsed_s = now_s - float(m.start_s[job])
            passes.prolong(m, _checked(table, job, estimator.outlived(job, elapsed_s), elapsed_s))
    return found


def _checked(table: JobTable, job: int, estimate_s: float, elapsed_s: float = 0.0) -> float:
    if not elapsed_s < estimate_s <= table.request_s[job]:
        raise WorkloadError(
            f"{table.source}: job {table.number[job]:.0f} is estimated to run {estimate_s:g} s after {elapsed_s:g} s; "
            f"estimates lie beyond that and not beyond the requested time, {table.request_s[job]:g} s"
        )
    return estimate_s


def _tell(estimator: Estimator, m: passes.Machine) -> None:
    for job, ended in passes.news(m):
        start_s, run_s = float(m.start_s[job]), float(m.run_s[job])
        if ended:
            estimator.ended(job, start_s + run_s, run_s)
        else:
            estimator.started(job, start_s)
