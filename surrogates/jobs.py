"""What is known of a job when it is submitted, and, kept apart, what became of it."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from wattq.errors import SurrogateError

if TYPE_CHECKING:
    from wattq.workloads.model import Workload
    from wattq.workloads.options import CleaningOptions

__all__ = ["Jobs", "Outcomes", "jobs_of", "read_jobs"]

_LEAKS = ("walltime extended", "real run time")


@dataclass(frozen=True)
class Jobs:
    """Jobs in the order of submission, as the scheduler sees them; no field depends on how a job went.

    Attributes:
        submit_s: submit time on the log's axis, s, not decreasing.
        hosts: hosts requested.
        request_s: requested time (walltime), s; NaN where the job has none.
        user, group, queue, application: numbers, -1 where unknown.
        unix_start_s: Unix time of date 0, or None where the log has no calendar dates.
        utc_offset_s: offset of the site's wall clock from UTC, s, or None where the log does not say.
        source: name of the file.
        sha256: digest of its plain content.
        synthetic: whether the jobs were generated rather than logged.

    Raises:
        SurrogateError: when columns differ in length, or the jobs are not in the order of submission.
    """

    submit_s: NDArray[np.float64]
    hosts: NDArray[np.int64]
    request_s: NDArray[np.float64]
    user: NDArray[np.int64]
    group: NDArray[np.int64]
    queue: NDArray[np.int64]
    application: NDArray[np.int64]
    unix_start_s: float | None = None
    utc_offset_s: float | None = None
    source: str = ""
    sha256: str = ""
    synthetic: bool = False

    def __post_init__(self) -> None:
        lengths = {column.name: len(getattr(self, column.name)) for column in fields(self)[:7]}
        if len(set(lengths.values())) > 1:
            raise SurrogateError(f"{self.source or 'jobs'}: columns differ in length ({lengths}); give one row per job")
        wrong = np.flatnonzero(~(np.diff(self.submit_s, prepend=-np.inf) >= 0.0) | ~np.isfinite(self.submit_s))
        if wrong.size:
            row = int(wrong[0])
            raise SurrogateError(
                f"{self.source or 'jobs'}, row {row}: submitted at {self.submit_s[row]:g} s; submissions are finite "
                "dates that never fall, sort the jobs by submission"
            )

    @property
    def n_jobs(self) -> int:
        """Number of jobs."""
        return len(self.submit_s)

    def take(self, rows: NDArray[Any] | slice) -> Jobs:
        """Return the jobs of these rows (ascending numbers, a mask or a slice)."""
        return replace(self, **{column.name: getattr(self, column.name)[rows] for column in fields(self)[:7]})


@dataclass(frozen=True)
class Outcomes:
    """What became of the jobs; only the replay of a log and the measure of an error may read it.

    Attributes:
        start_s: start on the axis of the submissions, s; NaN where unknown.
        run_s: run time, s; NaN where unknown.
    """

    start_s: NDArray[np.float64]
    run_s: NDArray[np.float64]

    @property
    def end_s(self) -> NDArray[np.float64]:
        """End, s; NaN where unknown."""
        return self.start_s + self.run_s

    def take(self, rows: NDArray[Any] | slice) -> Outcomes:
        """Return the outcomes of these rows."""
        return Outcomes(self.start_s[rows], self.run_s[rows])


def read_jobs(path: str | Path, *, options: CleaningOptions | None = None) -> tuple[Jobs, Outcomes]:
    """Return the jobs of a log or a table, read without any repair that looks at run times.

    Args:
        path: SWF, Batsim JSON or a table of jobs.
        options: cleaning; by default no walltime is made up and jobs that outran theirs are kept.

    Raises:
        WorkloadError: when the file breaks its format.
        SurrogateError: when the cleaning leaks outcomes into the requests.
    """
    from wattq.workloads import CleaningOptions, read_workload

    return jobs_of(read_workload(path, options=options or CleaningOptions(overrun="keep", walltime_fallback="none")))


def jobs_of(workload: Workload) -> tuple[Jobs, Outcomes]:
    """Return what is known at submission, and what became of the jobs, of a workload.

    A job whose start is unknown counts as started at its submission (LLNL-Atlas logs no waits). A run time beyond the
    requested time counts as the requested time, at which the job is killed.

    Raises:
        SurrogateError: when walltimes were made from run times while the log was cleaned: they tell the outcome.
    """
    _refuse_leaks(workload)
    request = np.where(workload.walltime_s > 0.0, workload.walltime_s, np.nan)
    jobs = Jobs(
        submit_s=workload.submit_s,
        hosts=workload.hosts,
        request_s=request,
        user=workload.user,
        group=workload.group,
        queue=workload.queue,
        application=workload.application,
        unix_start_s=workload.unix_start_s,
        utc_offset_s=workload.utc_offset_s,
        source=workload.report.source,
        sha256=workload.report.sha256,
        synthetic=workload.synthetic,
    )
    return jobs, _outcomes(workload, request)


def _outcomes(workload: Workload, request: NDArray[np.float64]) -> Outcomes:
    unknown: NDArray[np.float64] = np.full(workload.n_jobs, np.nan)
    if workload.outcome is None:
        return Outcomes(unknown, unknown.copy())
    start, run = workload.outcome.start_s, workload.outcome.run_s
    known = np.where(np.isnan(start), workload.submit_s, start)
    return Outcomes(np.where(np.isnan(run), np.nan, known), np.where(run > request, request, run))


def _refuse_leaks(workload: Workload) -> None:
    for reason, count in workload.report.repaired.items():
        if any(words in reason for words in _LEAKS):
            raise SurrogateError(
                f"{workload.report.source}: requested times of {count} jobs were made from their run times ({reason}), "
                "which a prediction must not know; read the log with --overrun keep and without "
                "--walltime-fallback runtime"
            )
