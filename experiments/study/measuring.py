"""What a week's jobs got under one policy: waits, slowdowns, served, killed and unfinished work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattq.experiments.results import RunResults
from wattq.experiments.study.weeks import WeekPart
from wattq.experiments.timelines import busy_hosts
from wattq.platforms.model import Platform
from wattq.units import HOUR_S
from wattq.workloads.model import Profile, Workload

__all__ = ["JobOutcomes", "job_outcomes", "nominal_work_host_h", "service_values"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class JobOutcomes:
    """One entry per job submitted in the week, in the order of the workload, so that policies compare job by job.

    Attributes:
        wait_s: start - submit; a job that never started waited at least until the end of the run; NaN if rejected.
        bounded_slowdown: as in `wattq.experiments.waits`; NaN if rejected.
        served: whether it completed successfully.
        killed: whether it started and did not.
        never_started: whether it was neither started nor rejected.
        rejected: whether it was rejected.
        work_host_h: hosts times run time in the first power state, host-h, whatever the policy made of it.
        finish_s: end of the job, infinite if it never started.
    """

    wait_s: Floats
    bounded_slowdown: Floats
    served: Flags
    killed: Flags
    never_started: Flags
    rejected: Flags
    work_host_h: Floats
    finish_s: Floats

    @property
    def counted(self) -> Flags:
        """The jobs that have a wait: all but the rejected ones."""
        return ~self.rejected


def nominal_work_host_h(workload: Workload, platform: Platform) -> Floats:
    """Return hosts times run time in a host's first power state for each job, host-h; NaN where a profile hides it."""
    first = int(platform.initial_pstate[0])
    speed = float(platform.speed_flops[0, first])
    duration_s = np.array([_duration_s(profile, speed) for profile in workload.profiles], dtype=np.float64)
    return duration_s[workload.profile] * workload.hosts / HOUR_S


def _duration_s(profile: Profile, speed_flops: float) -> float:
    words: Mapping[str, Any] = profile.description
    if profile.type == "delay":
        return float(words["delay"])
    if profile.type == "parallel_homogeneous":
        return float(words["cpu"]) / speed_flops
    return float("nan")


def job_outcomes(run: RunResults, part: WeekPart, work_host_h: Floats, tau_s: float) -> JobOutcomes:
    """Return what became of the jobs that were submitted in the week.

    Args:
        run: results of the week with its warm-up and cool-down.
        part: the week.
        work_host_h: of every job of the part's workload, from `nominal_work_host_h`.
        tau_s: bound of the bounded slowdown, s.
    """
    rows = np.flatnonzero(part.of_week)
    found = _rows_of(run, part.workload, rows)
    jobs, there = run.jobs, found >= 0
    at = np.where(there, found, 0)
    empty = len(jobs) == 0
    rejected = np.zeros(len(rows), dtype=bool) if empty else there & jobs.rejected[at]
    ran = there & ~rejected
    submit_s = part.workload.submit_s[rows]

    def column(values: Floats, missing: Floats | float) -> Floats:
        return np.where(ran, values[at] if not empty else 0.0, missing)

    wait_s = column(jobs.start_s - jobs.submit_s, np.maximum(run.end_s - submit_s, 0.0))
    request_s = np.maximum(part.workload.walltime_s[rows], 0.0)
    run_s = column(jobs.run_s, request_s)
    slowdown = np.maximum(1.0, (wait_s + run_s) / np.maximum(run_s, tau_s))
    served = ran & (jobs.succeeded[at] if not empty else False)
    nominal = np.where(np.isnan(work_host_h[rows]), part.workload.hosts[rows] * run_s / HOUR_S, work_host_h[rows])
    return JobOutcomes(
        wait_s=np.where(rejected, np.nan, wait_s),
        bounded_slowdown=np.where(rejected, np.nan, slowdown),
        served=served,
        killed=ran & ~served,
        never_started=~there,
        rejected=rejected,
        work_host_h=nominal,
        finish_s=column(jobs.finish_s, np.inf),
    )


def _rows_of(run: RunResults, workload: Workload, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the row of each job in ``jobs.csv``, -1 for a job that has none."""
    row_of = {key: row for row, key in enumerate(run.jobs.key)}
    keys = (f"{workload.name}!{workload.job_id[row]}" for row in rows.tolist())
    return np.array([row_of.get(key, -1) for key in keys], dtype=np.int64)


def service_values(run: RunResults, part: WeekPart, jobs: JobOutcomes) -> dict[str, float]:
    """Return the sums over a week that are no waits, by name; names end in the unit.

    Work is in host hours at full speed. Unfinished work is that of jobs which had not ended with the cool-down.
    """
    begin_s, end_s = part.window_s
    late = ~jobs.rejected & ~(jobs.finish_s <= part.end_s)
    work = jobs.work_host_h
    return {
        "jobs": float(len(work)),
        "jobs_served": float(jobs.served.sum()),
        "jobs_killed": float(jobs.killed.sum()),
        "jobs_rejected": float(jobs.rejected.sum()),
        "jobs_never_started": float(jobs.never_started.sum()),
        "served_work_host_h": float(work[jobs.served].sum()),
        "killed_work_host_h": float(work[jobs.killed].sum()),
        "unfinished_work_host_h": float(work[late].sum()),
        "busy_host_h": busy_hosts(run).integral(begin_s, end_s) / HOUR_S,
        "host_h": run.n_hosts * (end_s - begin_s) / HOUR_S,
    }
