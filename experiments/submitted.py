"""The jobs that were submitted in a run that does not list them, from its workload."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from wattq.errors import InvalidInputError
from wattq.experiments.results import RunResults, SubmittedJobs
from wattq.workloads import read_workload

__all__ = ["with_workload"]


def with_workload(run: RunResults, path: str | Path, name: str = "w0") -> RunResults:
    """Return a run with the jobs of its workload, where it has no ``submitted.csv``.

    Args:
        run: the results, such as those of the real Batsim.
        path: file of the workload.
        name: Batsim's name of the workload.

    Raises:
        InvalidInputError: the run has its own list, or has a job that is not in the workload.
        WorkloadError: the file cannot be read.
    """
    if run.submitted is not None:
        raise InvalidInputError(f"{run.directory}: the run lists its jobs itself (submitted.csv); leave --workload out")
    work = read_workload(path, name=name)
    keys = tuple(f"{name}!{job}" for job in work.job_id)
    stranger = next(iter(sorted(set(run.jobs.key) - set(keys))), None)
    if stranger is not None:
        raise InvalidInputError(
            f"{path}: job '{stranger}' of {run.directory} is not in this workload; name that of the run"
        )
    jobs = SubmittedJobs(keys, work.submit_s, work.hosts, work.walltime_s, work.user, work.queue)
    return replace(run, submitted=jobs)
