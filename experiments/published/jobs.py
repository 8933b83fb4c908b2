"""The sequences of jobs that a protocol simulates."""

from __future__ import annotations

from wattq.errors import WorkloadError
from wattq.experiments.published.protocol import Sequences
from wattq.schedulers.rl.sc20.jobs import JobTable, job_table

__all__ = ["JobTable", "cut", "job_table"]


def cut(table: JobTable, sequences: Sequences | None) -> list[JobTable]:
    """Return the sequences of jobs that are simulated, each alone; all jobs as one when none are named.

    Raises:
        WorkloadError: when a sequence reaches beyond the last job.
    """
    if sequences is None:
        return [table]
    last = max(sequences.starts)
    if last + sequences.length > table.n_jobs:
        raise WorkloadError(
            f"{table.source}: {sequences.length} jobs from job {last} on are asked for, {table.n_jobs} are left by the "
            "cleaning rules"
        )
    return [table.take(slice(start, start + sequences.length)) for start in sequences.starts]
