"""The workload table: what was asked for, and, kept apart, what really happened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattq.errors import WorkloadError

__all__ = ["CleaningReport", "Outcome", "Profile", "Workload"]


@dataclass(frozen=True)
class Profile:
    """What a job executes, in Batsim's terms.

    Attributes:
        name: key of the profile in the workload.
        type: ``delay``, ``parallel``, ``parallel_homogeneous``, ``parallel_homogeneous_total``, ``composed``
            or ``usage_trace``.
        description: the JSON object as read, keys in file order (it is forwarded to schedulers as it is).
        trace: for ``usage_trace``, one tuple per rank of (usage, flops) pairs; else empty.
    """

    name: str
    type: str
    description: Mapping[str, Any]
    trace: tuple[tuple[tuple[float, float], ...], ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What really happened to each job in the log; no policy and no feature may read it.

    Attributes:
        start_s: recorded start on the workload's time axis, NaN where unknown.
        run_s: recorded run time, NaN where unknown.
        status: SWF status (-1 where unknown).
        cpu_s: mean CPU time used per processor, NaN where unknown.
    """

    start_s: NDArray[np.float64]
    run_s: NDArray[np.float64]
    status: NDArray[np.int64]
    cpu_s: NDArray[np.float64]


@dataclass(frozen=True)
class CleaningReport:
    """Rows dropped and repaired on the way from a file to a workload, by reason.

    Attributes:
        source: name of the file.
        sha256: digest of the plain (decompressed) content.
        n_read: rows in the file.
        n_kept: jobs in the workload.
        dropped: reason -> number of rows left out.
        repaired: reason -> number of rows changed.
        warnings: sentences about the file as a whole (headers that contradict the rows, say).
    """

    source: str
    sha256: str
    n_read: int
    n_kept: int
    dropped: Mapping[str, int] = field(default_factory=dict)
    repaired: Mapping[str, int] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Workload:
    """Jobs in the order of submission: by submit time, then by the bytes of the full id (``w0!7``).

    Attributes:
        name: Batsim's name of the workload (``w0`` for the first one given).
        nb_res: number of hosts that the workload was made for.
        job_id: ids without the workload's prefix, length n_jobs.
        submit_s: submit time, s.
        hosts: number of hosts requested (Batsim's ``res``).
        walltime_s: requested time, s; -1 where the job has none.
        profile: index into ``profiles``.
        profiles: the profiles in use.
        user, group, queue: -1 where unknown (``queue`` holds the SWF queue number).
        extra: the job's JSON object as read (forwarded to schedulers), or None for every job when the table
            was not read from JSON.
        outcome: what really happened, or None (a Batsim JSON file does not say).
        unix_start_s: Unix time of date 0, or None.
        utc_offset_s: offset of the site's wall clock from UTC, or None where the log does not say.
        report: rows dropped and repaired while reading.
        synthetic: whether the jobs were generated rather than logged.
        listed_profiles: all profiles of the file in file order, used or not, as JSON objects (what Batsim forwards,
            and in which order, depends on them); empty when the table was not read from JSON.
        beta: sensitivity of each job to the speed of its hosts, in [0, 1]: a job that takes T in power state 0 takes
            T (beta s0 / s + 1 - beta) in a state of speed s. 1 for every job unless given, which is Batsim's rule.
        application: number of the program that the job runs (SWF's executable), -1 where unknown, which is the default.

    Raises:
        WorkloadError: when there is not one beta from 0 to 1, or not one application, for each job.
    """

    name: str
    nb_res: int
    job_id: tuple[str, ...]
    submit_s: NDArray[np.float64]
    hosts: NDArray[np.int64]
    walltime_s: NDArray[np.float64]
    profile: NDArray[np.int64]
    profiles: tuple[Profile, ...]
    user: NDArray[np.int64]
    group: NDArray[np.int64]
    queue: NDArray[np.int64]
    report: CleaningReport
    extra: tuple[Mapping[str, Any], ...] | None = None
    outcome: Outcome | None = None
    unix_start_s: float | None = None
    utc_offset_s: float | None = None
    synthetic: bool = False
    listed_profiles: Mapping[str, Any] = field(default_factory=dict)
    beta: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    application: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    def __post_init__(self) -> None:
        self._settle_applications()
        if not len(self.beta):
            object.__setattr__(self, "beta", np.ones(self.n_jobs))
        if len(self.beta) != self.n_jobs:
            raise WorkloadError(
                f"workload {self.name}: {len(self.beta)} values of beta for {self.n_jobs} jobs; give one each"
            )
        wrong = np.flatnonzero(~((self.beta >= 0.0) & (self.beta <= 1.0)))
        if len(wrong):
            row = int(wrong[0])
            raise WorkloadError(
                f"job {self.name}!{self.job_id[row]}: beta {self.beta[row]:g}; the sensitivity to speed is a number "
                "from 0 (none) to 1 (in full)"
            )

    def _settle_applications(self) -> None:
        if not len(self.application):
            object.__setattr__(self, "application", np.full(self.n_jobs, -1, dtype=np.int64))
        if len(self.application) != self.n_jobs:
            raise WorkloadError(
                f"workload {self.name}: {len(self.application)} applications for {self.n_jobs} jobs; "
                "give one each, -1 where unknown"
            )

    @property
    def n_jobs(self) -> int:
        """Number of jobs."""
        return len(self.job_id)
