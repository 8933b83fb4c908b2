"""The plain table that generators fill and samplers read, and the workload made from it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattq.errors import InvalidInputError, WorkloadError
from wattq.units import HOUR_S
from wattq.workloads.model import CleaningReport, Profile, Workload
from wattq.workloads.profiles import check_form, runtime_profiles
from wattq.workloads.writer import job_runtimes_s

__all__ = ["MAX_JOBS", "JobTable", "build_workload", "check_machine", "child_streams", "table_of"]

MAX_JOBS = 10**8
"""Most jobs that one generator makes."""

_LONGEST_S = 1e11
"""Latest date and longest run time that tables hold, s, some 3000 years: sums over all jobs stay exact."""

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class JobTable:
    """Jobs as generators see them, in whole seconds, in the order of submission.

    Attributes:
        submit_s: submit time, s.
        duration_s: run time, s, at least 1.
        nodes: nodes of the job, at least 1.
        cores: cores that it uses on each node, at least 1.
        walltime_s: requested time, s; -1 for none.
        queue: SWF queue number, -1 for none.
    """

    submit_s: Ints
    duration_s: Ints
    nodes: Ints
    cores: Ints
    walltime_s: Ints
    queue: Ints

    @property
    def n_jobs(self) -> int:
        """Number of jobs."""
        return self.submit_s.size

    @property
    def core_hours(self) -> float:
        """Sum of nodes x cores x run time over all jobs, h."""
        return float(np.sum(self.nodes * self.cores * self.duration_s.astype(np.float64))) / HOUR_S

    @classmethod
    def of(
        cls, submit_s: Ints, duration_s: Ints, nodes: Ints, cores: Ints | int = 1, *, walltime_factor: float = 1.0
    ) -> JobTable:
        """Return jobs without a queue that ask for `walltime_factor` x their run time, rounded up, and one second.

        The second keeps a job from being killed at the very end of its run, as Batsim does when both are equal.
        """
        walltime = np.ceil(duration_s * walltime_factor).astype(np.int64) + 1
        none: Ints = np.full(submit_s.size, -1, dtype=np.int64)
        return cls(submit_s, duration_s, nodes, np.broadcast_to(np.int64(cores), submit_s.shape), walltime, none)

    def take(self, rows: NDArray[Any]) -> JobTable:
        """Return the rows of these numbers, or where this mask is true, in this order."""
        return JobTable(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    def sorted(self) -> JobTable:
        """Return the jobs by submit time; those of one date stay in their order."""
        return self.take(np.argsort(self.submit_s, kind="stable"))


def child_streams(seed: int, count: int) -> list[np.random.Generator]:
    """Return independent random streams, so that what one of them draws never shifts another.

    Raises:
        InvalidInputError: when the seed is negative.
    """
    if seed < 0:
        raise InvalidInputError(f"seed {seed}: it must be a whole number of at least 0; give another")
    return [np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(count)]


def table_of(workload: Workload, *, cores_per_node: int = 1, speed_flops: float = 1e9) -> JobTable:
    """Return the jobs of a workload in whole seconds; date 0 is a midnight of its clock where that is known.

    The cores of a node are the key ``cores`` of the job's JSON object where there is one, else `cores_per_node`.

    Raises:
        WorkloadError: when the run time of no job, or of a job, is known, or a job has no host.
    """
    run = job_runtimes_s(workload, speed_flops)
    if not workload.n_jobs or np.isnan(run).any() or (workload.hosts < 1).any():
        raise WorkloadError(
            f"{workload.report.source or workload.name}: a table of jobs needs at least one job, and of each job the "
            "run time and one host or more; clean the log, or use profiles that last a known time"
        )
    for what, values in (("submit time", workload.submit_s), ("run time", run), ("walltime", workload.walltime_s)):
        if float(np.abs(values).max()) > _LONGEST_S:
            raise WorkloadError(
                f"{workload.report.source or workload.name}: a {what} of {float(np.abs(values).max()):g} s; "
                f"generators count seconds up to {_LONGEST_S:g}, leave such jobs out"
            )
    clock = 0.0
    if workload.unix_start_s is not None:
        clock = (workload.unix_start_s + (workload.utc_offset_s or 0.0)) % (24 * HOUR_S)
    return JobTable(
        np.floor(workload.submit_s + clock).astype(np.int64),
        np.maximum(np.ceil(run), 1).astype(np.int64),
        workload.hosts,
        np.array([_cores(job, cores_per_node) for job in workload.extra or [{}] * workload.n_jobs], dtype=np.int64),
        np.ceil(workload.walltime_s).astype(np.int64),
        workload.queue,
    )


def _cores(job: Mapping[str, Any], default: int) -> int:
    value = job.get("cores")
    fits = isinstance(value, int) and not isinstance(value, bool) and 1 <= value < 2**31
    return value if fits and isinstance(value, int) else default


def check_machine(nb_res: int, nodes: Ints) -> None:
    """Refuse a machine that is no machine, or smaller than a job."""
    if not 1 <= nb_res < 2**31:
        raise InvalidInputError(f"hosts of the machine: {nb_res}; it must be from 1 to {2**31 - 1}")
    if nodes.size and int(nodes.max()) > nb_res:
        raise InvalidInputError(
            f"hosts of the machine: {nb_res}, but jobs ask for up to {int(nodes.max())} nodes; "
            "give a larger machine or smaller jobs"
        )


def build_workload(
    table: JobTable,
    nb_res: int,
    recipe: str,
    *,
    name: str = "w0",
    with_cores: bool = False,
    synthetic: bool = True,
    form: str = "parallel_homogeneous",
    speed_flops: float = 1e9,
) -> Workload:
    """Return the workload of a table.

    Args:
        table: the jobs, in the order of submission.
        nb_res: hosts of the machine.
        recipe: generator and arguments in words, kept as the source in the report.
        name: Batsim's name of the workload.
        with_cores: keep the cores of a node as key ``cores`` of each job's JSON object.
        synthetic: whether the jobs were made rather than logged.
        form: ``parallel_homogeneous`` or ``delay``.
        speed_flops: speed of a host, flop/s.

    Raises:
        InvalidInputError: when the machine is smaller than a job, or the form or the speed cannot be used.
    """
    check_form(form, speed_flops)
    check_machine(nb_res, table.nodes)
    index, profiles = runtime_profiles(table.duration_s.astype(np.float64), form, speed_flops)
    width = len(str(max(table.n_jobs - 1, 0)))
    ids = tuple(f"{number:0{width}d}" for number in range(table.n_jobs))
    unknown: Ints = np.full(table.n_jobs, -1, dtype=np.int64)
    return Workload(
        name=name,
        nb_res=nb_res,
        job_id=ids,
        submit_s=table.submit_s.astype(np.float64),
        hosts=table.nodes,
        walltime_s=table.walltime_s.astype(np.float64),
        profile=index,
        profiles=profiles,
        user=unknown,
        group=unknown.copy(),
        queue=table.queue,
        report=CleaningReport(recipe, hashlib.sha256(recipe.encode()).hexdigest(), table.n_jobs, table.n_jobs),
        extra=tuple(_objects(table, ids, index, profiles)) if with_cores else None,
        synthetic=synthetic,
        listed_profiles={profile.name: profile.description for profile in profiles} if with_cores else {},
    )


def _objects(table: JobTable, ids: tuple[str, ...], index: Ints, profiles: tuple[Profile, ...]) -> list[dict[str, Any]]:
    columns = (table.submit_s, table.nodes, table.walltime_s, index, table.cores)
    rows = zip(ids, *(column.tolist() for column in columns), strict=True)
    return [
        {"id": job_id, "subtime": submit, "res": nodes}
        | ({"walltime": walltime} if walltime > 0 else {})
        | {"profile": profiles[number].name, "cores": cores}
        for job_id, submit, nodes, walltime, number, cores in rows
    ]
