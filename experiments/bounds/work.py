"""What has to be done: the jobs of a bound, by themselves, without any schedule."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from wattq.errors import InvalidInputError, UnsupportedError
from wattq.experiments.results import RunResults
from wattq.platforms.model import Platform
from wattq.workloads.model import Profile, Workload

__all__ = ["Work", "served_jobs", "with_max_wait", "work_of"]

_RAN = ("COMPLETED_SUCCESSFULLY", "COMPLETED_FAILED")


@dataclass(frozen=True)
class Work:
    """Jobs to be served, one entry each.

    Attributes:
        key: full ids, ``workload!id``.
        submit_s: submission, s.
        hosts: hosts that a job takes as long as it runs.
        run_s: run time on hosts in power state 0, s.
        beta: sensitivity to speed: run time ``run_s (beta s0 / s + 1 - beta)`` in a state of speed s; 1 when not given.
        loaded: whether a job loads its hosts; one that does not (a delay) draws idle power. True when not given.
        latest_start_s: last date at which a job may start, infinity without a limit (when not given).

    Raises:
        InvalidInputError: columns of different length, a value out of range, or a last start before the submission.
    """

    key: tuple[str, ...]
    submit_s: NDArray[np.float64]
    hosts: NDArray[np.int64]
    run_s: NDArray[np.float64]
    beta: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    loaded: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, dtype=bool))
    latest_start_s: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))

    def __post_init__(self) -> None:
        n = len(self.key)
        for name, value in (("beta", 1.0), ("loaded", True), ("latest_start_s", np.inf)):
            if not len(getattr(self, name)):
                object.__setattr__(self, name, np.full(n, value))
        for name, rule in _RULES.items():
            column = np.asarray(getattr(self, name))
            if len(column) != n:
                raise InvalidInputError(f"work: {len(column)} values of {name} for {n} jobs; give one for each job")
            self._check(name, column, rule)

    def _check(self, name: str, column: NDArray[np.float64], rule: str) -> None:
        fits = {
            "submit_s": np.isfinite(column),
            "hosts": column >= 1,
            "run_s": np.isfinite(column) & (column >= 0.0),
            "beta": (column >= 0.0) & (column <= 1.0),
            "latest_start_s": column >= self.submit_s,
        }[name]
        if not fits.all():
            row = int(np.flatnonzero(~fits)[0])
            raise InvalidInputError(f"job {self.key[row]}: {name} {column[row]:g}; it must be {rule}")

    @property
    def n_jobs(self) -> int:
        """Number of jobs."""
        return len(self.key)

    @property
    def host_s(self) -> float:
        """Work of all jobs: host-seconds in power state 0."""
        return float(self.hosts @ self.run_s)

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Work:
        """Return some of the jobs."""
        return Work(
            tuple(np.array(self.key, dtype=object)[rows].tolist()),
            submit_s=self.submit_s[rows],
            hosts=self.hosts[rows],
            run_s=self.run_s[rows],
            beta=self.beta[rows],
            loaded=self.loaded[rows],
            latest_start_s=self.latest_start_s[rows],
        )


_RULES = {
    "submit_s": "a finite date",
    "hosts": "at least 1",
    "run_s": "finite and not negative",
    "beta": "from 0 to 1",
    "latest_start_s": "a date not before the submission",
}


def work_of(
    workloads: Workload | Sequence[Workload], platform: Platform, *, served: Collection[str] | None = None
) -> Work:
    """Return the work of workloads on a machine.

    Args:
        workloads: one, or those of one simulation.
        platform: the machine, whose power state 0 times the jobs.
        served: full ids of the jobs to count, such as `served_jobs` of a run; all when None.

    Raises:
        UnsupportedError: a job's profile has no run time of its own on equal hosts.
        InvalidInputError: an id of ``served`` is not in the workloads, or a job asks for no host.
    """
    listed = [workloads] if isinstance(workloads, Workload) else list(workloads)
    speed = float(platform.speed_flops[0, 0])
    parts = [_one(workload, speed) for workload in listed]
    whole = Work(
        tuple(key for part in parts for key in part.key),
        submit_s=np.concatenate([part.submit_s for part in parts]),
        hosts=np.concatenate([part.hosts for part in parts]),
        run_s=np.concatenate([part.run_s for part in parts]),
        beta=np.concatenate([part.beta for part in parts]),
        loaded=np.concatenate([part.loaded for part in parts]),
    )
    if served is None:
        return whole
    unknown = set(served) - set(whole.key)
    if unknown:
        raise InvalidInputError(f"job {min(unknown)}: not in the workload; give the workload of the run")
    wanted = set(served)
    return whole.take(np.array([key in wanted for key in whole.key], dtype=bool))


def _one(workload: Workload, speed_flops: float) -> Work:
    """Return the work of one workload."""
    alone = [_run_s(profile, speed_flops) for profile in workload.profiles]
    run = np.array([run for run, _ in alone])[workload.profile] if workload.n_jobs else np.zeros(0)
    shared = np.array([shared for _, shared in alone], dtype=bool)[workload.profile] if workload.n_jobs else run > 0
    if np.isnan(run).any():
        row = int(np.flatnonzero(np.isnan(run))[0])
        profile = workload.profiles[int(workload.profile[row])]
        raise UnsupportedError(
            f"job {workload.name}!{workload.job_id[row]}: a profile of type {profile.type} has no run time of its own; "
            "bounds are for parallel_homogeneous and delay"
        )
    delays = np.array([profile.type == "delay" for profile in workload.profiles], dtype=bool)
    return Work(
        tuple(f"{workload.name}!{job_id}" for job_id in workload.job_id),
        workload.submit_s,
        workload.hosts,
        np.where(shared, run / np.maximum(workload.hosts, 1), run),
        beta=np.asarray(getattr(workload, "beta", np.ones(workload.n_jobs)), dtype=np.float64),
        loaded=~delays[workload.profile] if workload.n_jobs else np.zeros(0, dtype=bool),
    )


def _run_s(profile: Profile, speed_flops: float) -> tuple[float, bool]:
    """Return the run time of a profile, and whether its hosts share it out."""
    described = profile.description
    if profile.type == "delay":
        return float(described["delay"]), False
    if profile.type.startswith("parallel_homogeneous") and profile.type.removeprefix("parallel_homogeneous") in (
        "",
        "_total",
    ):
        time = float("nan") if described["com"] else float(described["cpu"]) / speed_flops
        return time, profile.type.endswith("_total")
    return float("nan"), False


def served_jobs(run: RunResults) -> frozenset[str]:
    """Return the full ids of the jobs that a run did in full: they ended by themselves, with whatever return code."""
    return frozenset(key for key, state in zip(run.jobs.key, run.jobs.state, strict=True) if state in _RAN)


def with_max_wait(
    work: Work, max_wait_s: float | NDArray[np.float64], *, after_s: NDArray[np.float64] | None = None
) -> Work:
    """Return the same jobs with a last date to start.

    Args:
        work: the jobs.
        max_wait_s: longest wait, s; one number, or one for each job (infinity: any).
        after_s: dates that the wait counts from, such as the starts under another policy; the submissions when None.
    """
    begin = work.submit_s if after_s is None else np.maximum(after_s, work.submit_s)
    return replace(work, latest_start_s=begin + max_wait_s)
