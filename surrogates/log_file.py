"""Logs as models of run times read them: no repair that looks at how a job went, and the names of the jobs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from wattq.errors import SurrogateError
from wattq.surrogates.jobs import Jobs, Outcomes, jobs_of

if TYPE_CHECKING:
    from wattq.workloads.options import CleaningOptions

__all__ = ["JobLog", "read_job_log"]

_EXACT = ("json", "table", "parquet")


@dataclass(frozen=True)
class JobLog:
    """A log.

    Attributes:
        jobs: what was known at submission.
        outcomes: what became of the jobs; NaN where unknown.
        job_id: names of the jobs.
        nb_res: hosts of the machine.
    """

    jobs: Jobs
    outcomes: Outcomes
    job_id: tuple[str, ...]
    nb_res: int

    @property
    def known(self) -> NDArray[np.bool_]:
        """Whether the run time of each job is known, so that it can be learned from and measured."""
        return np.asarray(np.isfinite(self.outcomes.end_s))

    def row_of(self, job: str) -> int:
        """Return the row of a job by its name, with or without the workload's prefix (``w0!7``) and leading zeros.

        Raises:
            SurrogateError: when there is no such job.
        """
        for name in (job, job.partition("!")[2]):
            if name and name in self.job_id:
                return self.job_id.index(name)
            alike = [row for row, known in enumerate(self.job_id) if name and known.lstrip("0") == name.lstrip("0")]
            if len(alike) == 1:
                return alike[0]
        ends = f"{self.job_id[0]} to {self.job_id[-1]}" if self.job_id else "none"
        raise SurrogateError(
            f"{self.jobs.source}: no job '{job[:60]}' among {len(self.job_id)} ({ends}); check the number"
        )


def read_job_log(path: str | Path, *, options: CleaningOptions | None = None) -> JobLog:
    """Return a log of any format of `wattq.workloads.FORMATS`.

    Args:
        path: the file.
        options: cleaning of a log. Jobs that outran their requested time are kept, and no requested time is made up,
            unless the options say otherwise than by default.

    Raises:
        MissingFileError: when the file cannot be read.
        WorkloadError: when the file breaks its format.
        SurrogateError: when the cleaning leaks outcomes into the requests, or there are no jobs.
    """
    from wattq.workloads import CleaningOptions, parse_workload
    from wattq.workloads.files import read_plain
    from wattq.workloads.formats import tell_format

    data, plain = read_plain(path), CleaningOptions()
    if options is None and tell_format(data, str(path)) in _EXACT:
        chosen = None
    else:
        given = options or plain
        overrun = "keep" if given.overrun == plain.overrun else given.overrun
        fallback = "none" if given.walltime_fallback == plain.walltime_fallback else given.walltime_fallback
        chosen = replace(given, overrun=overrun, walltime_fallback=fallback)
    workload = parse_workload(data, str(path), options=chosen, base_dir=Path(path).resolve().parent)
    jobs, outcomes = jobs_of(workload)
    if not jobs.n_jobs:
        raise SurrogateError(f"{path}: no jobs; give a log that has some")
    return JobLog(jobs, outcomes, workload.job_id, workload.nb_res)
