"""What is known of a job whose power is predicted, and jobs whose energy is known."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from wattq.errors import SurrogateError

if TYPE_CHECKING:
    from wattq.surrogates.jobs import Jobs

__all__ = ["LABEL_SOURCES", "SYNTHETIC", "EnergyJobs", "EnergyLabels"]

Floats = NDArray[np.float64]
Texts = NDArray[np.str_]

SYNTHETIC = "synthetic"
LABEL_SOURCES = {
    "measured": "joules that the machine's own accounting measured for each job",
    "sampled": "power samples integrated over the job's window",
    "simulated": "joules of a simulated run",
    SYNTHETIC: "made up, for trying things out; says nothing about any machine",
}
"""Where the joules of labels come from."""


@dataclass(frozen=True)
class EnergyJobs:
    """What is known of n jobs before they run; no field depends on how much power they drew.

    Attributes:
        nodes: number of nodes, at least 1.
        request_s: requested time, s; NaN where unknown.
        frequency_ghz: requested clock, GHz; NaN where the machine's default was taken.
        slowdown: run time at that clock over run time at the default clock, from what is known of run times
            (`slowdown_of`: the sensitivity beta, or earlier runs); NaN where unknown.
        gpus: GPUs per node; NaN where unknown.
        application, user, queue: names, empty where unknown.

    Raises:
        SurrogateError: when columns differ in length, or a value is out of range.
    """

    nodes: Floats
    request_s: Floats
    frequency_ghz: Floats
    slowdown: Floats
    gpus: Floats
    application: Texts
    user: Texts
    queue: Texts

    def __post_init__(self) -> None:
        lengths = {column.name: len(getattr(self, column.name)) for column in fields(self)}
        if len(set(lengths.values())) > 1:
            raise SurrogateError(f"jobs with energy: columns differ in length ({lengths}); give one row per job")
        rules = (
            ("nodes", self.nodes >= 1.0, "at least 1"),
            ("frequency_ghz", np.isnan(self.frequency_ghz) | (self.frequency_ghz > 0.0), "above 0"),
            ("slowdown", np.isnan(self.slowdown) | (self.slowdown > 0.0), "above 0"),
            ("gpus", np.isnan(self.gpus) | (self.gpus >= 0.0), "0 or more"),
        )
        for name, good, rule in rules:
            if not good.all():
                row = int(np.argmin(good))
                raise SurrogateError(f"job {row} (from 0): {name} {getattr(self, name)[row]:g}; it must be {rule}")

    @property
    def n_jobs(self) -> int:
        """Number of jobs."""
        return len(self.nodes)

    def take(self, rows: NDArray[Any] | slice) -> EnergyJobs:
        """Return the jobs of these rows."""
        return EnergyJobs(**{column.name: getattr(self, column.name)[rows] for column in fields(self)})

    @classmethod
    def of(
        cls,
        nodes: Sequence[float] | Floats,
        *,
        request_s: Sequence[float] | Floats | None = None,
        frequency_ghz: Sequence[float] | Floats | None = None,
        slowdown: Sequence[float] | Floats | None = None,
        gpus: Sequence[float] | Floats | None = None,
        application: Sequence[str] | Texts | None = None,
        user: Sequence[str] | Texts | None = None,
        queue: Sequence[str] | Texts | None = None,
    ) -> EnergyJobs:
        """Return jobs of what is known; a column that is not given is unknown for all of them."""
        count = np.asarray(nodes, dtype=np.float64)
        given = (request_s, frequency_ghz, slowdown, gpus)
        request, clock, slow, gpu = (
            np.full(len(count), np.nan) if v is None else np.asarray(v, dtype=np.float64) for v in given
        )
        app, owner, line = (
            np.full(len(count), "") if v is None else np.asarray(v, dtype=np.str_) for v in (application, user, queue)
        )
        return cls(count, request, clock, slow, gpu, app, owner, line)

    @classmethod
    def of_jobs(cls, jobs: Jobs, *, frequency_ghz: float = np.nan) -> EnergyJobs:
        """Return the jobs of a log; its numbers of users, queues and applications are their names.

        Args:
            jobs: what is known at submission.
            frequency_ghz: the clock that all of them ask for; the default clock without it.
        """
        return cls.of(
            jobs.hosts.astype(np.float64),
            request_s=jobs.request_s,
            frequency_ghz=np.full(jobs.n_jobs, frequency_ghz),
            application=_numbered(jobs.application),
            user=_numbered(jobs.user),
            queue=_numbered(jobs.queue),
        )


def _numbered(codes: NDArray[np.int64]) -> Texts:
    return np.where(codes < 0, "", codes.astype(np.str_))


@dataclass(frozen=True)
class EnergyLabels:
    """Jobs whose energy is known.

    Attributes:
        jobs: what was asked for.
        run_s: run time, s, above 0.
        energy_j: energy of all nodes of the job, J, above 0.
        label_source: a key of `LABEL_SOURCES`.
        source: name of the file.
        sha256: digest of its content.
        job_id: names of the jobs, for reports; steps of one job share it.
        notes: what else to know: rows left out, numbers of nodes that were filled in.

    Raises:
        SurrogateError: when columns differ in length, a value is not above 0, or the source of labels is unknown.
    """

    jobs: EnergyJobs
    run_s: Floats
    energy_j: Floats
    label_source: str
    source: str = ""
    sha256: str = ""
    job_id: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.label_source not in LABEL_SOURCES:
            raise SurrogateError(
                f"{self.source or 'labels'}: label_source '{self.label_source[:40]}'; it is one of "
                f"{', '.join(LABEL_SOURCES)}"
            )
        if not self.job_id:
            object.__setattr__(self, "job_id", tuple(str(row) for row in range(self.jobs.n_jobs)))
        if not len(self.run_s) == len(self.energy_j) == len(self.job_id) == self.jobs.n_jobs:
            raise SurrogateError(f"{self.source or 'labels'}: columns differ in length; give one row per job")
        for name, values in (("run_s", self.run_s), ("energy_j", self.energy_j)):
            wrong = np.flatnonzero(~((values > 0.0) & np.isfinite(values)))
            if wrong.size:
                row = int(wrong[0])
                raise SurrogateError(
                    f"{self.source or 'labels'}, job {self.job_id[row]}: {name} {values[row]:g}; a label is above 0"
                )

    @property
    def n_jobs(self) -> int:
        """Number of jobs."""
        return self.jobs.n_jobs

    @property
    def synthetic(self) -> bool:
        """Whether the joules were made up."""
        return self.label_source == SYNTHETIC

    @property
    def power_w(self) -> Floats:
        """Mean power of one node, W, shape (n,)."""
        power: Floats = self.energy_j / (self.jobs.nodes * self.run_s)
        return power

    def take(self, rows: NDArray[Any]) -> EnergyLabels:
        """Return the labels of these rows (numbers or a mask)."""
        chosen = np.arange(self.n_jobs)[rows]
        return replace(
            self,
            jobs=self.jobs.take(chosen),
            run_s=self.run_s[chosen],
            energy_j=self.energy_j[chosen],
            job_id=tuple(self.job_id[row] for row in chosen),
        )

    def with_slowdown(self) -> EnergyLabels:
        """Return the labels with slowdowns from the run times alone.

        A job's slowdown is the mean run time of the runs of its application, nodes and clock over that of the runs
        of the same application and nodes at the highest clock of the labels. It stays NaN where there are none.
        """
        keys = list(zip(self.jobs.application.tolist(), self.jobs.nodes.tolist(), strict=True))
        clocks = self.jobs.frequency_ghz.tolist()
        top = float(np.nanmax(self.jobs.frequency_ghz, initial=0.0))
        runs: dict[tuple[str, float, float], list[float]] = defaultdict(list)
        for key, clock, run in zip(keys, clocks, self.run_s.tolist(), strict=True):
            runs[*key, clock].append(run)
        mean = {key: float(np.mean(times)) for key, times in runs.items()}
        slowdown = [
            mean[*key, clock] / mean[*key, top] if key[0] and (*key, top) in mean and clock == clock else np.nan
            for key, clock in zip(keys, clocks, strict=True)
        ]
        return replace(self, jobs=replace(self.jobs, slowdown=np.array(slowdown, dtype=np.float64)))
