"""Cutting a part out of a workload, by dates or by jobs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from wattq.errors import InvalidInputError
from wattq.experiments.experiment_model import Window
from wattq.workloads.model import CleaningReport, Outcome, Workload

__all__ = ["cut"]


def cut(workload: Workload, window: Window) -> Workload:
    """Return the jobs of a window as a workload whose date 0 is the window's start.

    Jobs outside are counted in the cleaning report, under the window's name.

    Args:
        workload: the whole workload.
        window: dates on the workload's time axis, [start, end), or a range of jobs; the start of a range of jobs
            is their first submission.

    Raises:
        InvalidInputError: no job lies in the window.
    """
    rows = _rows(workload, window)
    if len(rows) == 0:
        place = workload.report.source or workload.name
        raise InvalidInputError(
            f"{place}: no job in window {window.name}; the workload has {workload.n_jobs} jobs, "
            f"submitted up to {float(np.max(workload.submit_s, initial=0.0)):g} s"
        )
    zero = float(workload.submit_s[rows[0]]) if window.start_s is None else window.start_s
    return replace(
        workload,
        job_id=tuple(workload.job_id[row] for row in rows),
        submit_s=workload.submit_s[rows] - zero,
        hosts=workload.hosts[rows],
        walltime_s=workload.walltime_s[rows],
        profile=workload.profile[rows],
        user=workload.user[rows],
        group=workload.group[rows],
        queue=workload.queue[rows],
        beta=workload.beta[rows],
        application=workload.application[rows],
        extra=_extra(workload, rows, zero),
        outcome=_outcome(workload.outcome, rows, zero),
        unix_start_s=None if workload.unix_start_s is None else workload.unix_start_s + zero,
        report=_report(workload.report, window, workload.n_jobs - len(rows)),
    )


def _rows(workload: Workload, window: Window) -> NDArray[np.int64]:
    if window.first_job is not None:
        return np.arange(workload.n_jobs)[window.first_job : window.first_job + (window.n_jobs or 0)]
    inside = (workload.submit_s >= (window.start_s or 0.0)) & (workload.submit_s < (window.end_s or 0.0))
    return np.flatnonzero(inside)


def _extra(workload: Workload, rows: NDArray[np.int64], zero: float) -> tuple[dict[str, object], ...] | None:
    """Return the jobs' JSON objects with their submission moved like the table's."""
    if workload.extra is None:
        return None
    submits = workload.submit_s[rows] - zero
    return tuple({**workload.extra[row], "subtime": float(at)} for row, at in zip(rows, submits, strict=True))


def _outcome(outcome: Outcome | None, rows: NDArray[np.int64], zero: float) -> Outcome | None:
    if outcome is None:
        return None
    return Outcome(outcome.start_s[rows] - zero, outcome.run_s[rows], outcome.status[rows], outcome.cpu_s[rows])


def _report(report: CleaningReport, window: Window, n_out: int) -> CleaningReport:
    dropped = {**report.dropped, f"outside window {window.name}": n_out} if n_out else report.dropped
    return replace(report, n_kept=report.n_kept - n_out, dropped=dropped)
