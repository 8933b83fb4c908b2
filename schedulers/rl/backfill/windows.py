"""Episodes of a log: a stretch of it as a workload of its own, and what only the engine knows of its jobs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from wattq.platforms.model import Platform
from wattq.workloads.model import Workload

__all__ = ["full_speed_s", "stretch_of"]


def stretch_of(workload: Workload, from_s: float, to_s: float, walltime_factor: float) -> Workload:
    """Return the jobs submitted in [from, to) as a workload whose date 0 is the begin; there may be none.

    Args:
        workload: the log.
        from_s: begin on the time axis of the log, s.
        to_s: end, s.
        walltime_factor: what walltimes are multiplied by.
    """
    rows = np.flatnonzero((workload.submit_s >= from_s) & (workload.submit_s < to_s))
    used, profile = np.unique(workload.profile[rows], return_inverse=True)
    walltime_s = workload.walltime_s[rows]
    return replace(
        workload,
        job_id=tuple(workload.job_id[row] for row in rows),
        submit_s=workload.submit_s[rows] - from_s,
        hosts=workload.hosts[rows],
        walltime_s=np.where(walltime_s > 0.0, walltime_s * walltime_factor, walltime_s),
        profile=profile.reshape(-1).astype(np.int64),
        profiles=tuple(workload.profiles[k] for k in used),
        user=workload.user[rows],
        group=workload.group[rows],
        queue=workload.queue[rows],
        beta=workload.beta[rows],
        application=workload.application[rows],
        extra=None,
        outcome=None,
        unix_start_s=None if workload.unix_start_s is None else workload.unix_start_s + from_s,
        listed_profiles={},
    )


def full_speed_s(workload: Workload, platform: Platform) -> NDArray[np.float64]:
    """Return the run time of each job in power state 0 of the first host, s.

    A job of another profile than ``delay`` and ``parallel_homogeneous`` counts with its walltime, or an hour without.
    """
    speed = float(platform.speed_flops[0, 0])
    by_profile = np.full(len(workload.profiles), np.nan)
    for k, profile in enumerate(workload.profiles):
        if profile.type == "delay":
            by_profile[k] = float(profile.description["delay"])
        elif profile.type == "parallel_homogeneous":
            by_profile[k] = float(profile.description["cpu"]) / speed
    run_s = by_profile[workload.profile] if workload.n_jobs else np.empty(0)
    fallback = np.where(workload.walltime_s > 0.0, workload.walltime_s, 3600.0)
    return np.where(np.isnan(run_s), fallback, run_s)
