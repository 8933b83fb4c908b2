"""The jobs of a log as the protocols of published tables want them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from wattq.errors import WorkloadError
from wattq.workloads.files import read_plain
from wattq.workloads.swf import SwfTable, parse_swf_table

__all__ = ["SC20_RULES", "JobTable", "MachineSize", "Rules", "job_table", "read_jobs"]

Floats = NDArray[np.float64]

_WHO = {"user": "user", "group": "group", "queue": "queue", "application": "executable"}
_COLUMNS = ("number", "submit_s", "run_s", "request_s", "processors", *_WHO)


class Rules(Protocol):
    """What becomes of the rows of a log; jobs whose run time is not positive in the end are dropped."""

    @property
    def negative_run_s(self) -> float | None:
        """What a negative run time becomes, s; such jobs are dropped when None."""

    @property
    def processors(self) -> Literal["larger", "requested_else_allocated"]:
        """The larger of allocated and requested, or the requested ones, else the allocated ones."""

    @property
    def missing_request(self) -> Literal["run_time", "stays"]:
        """What a requested time of -1 becomes: the run time as logged, or nothing."""

    @property
    def cap_run_at_request(self) -> bool:
        """Whether run times end at the requested time."""


class MachineSize(Protocol):
    """Processors and nodes of a machine; those of the log's header where None."""

    @property
    def processors(self) -> int | None:
        """Processors in all."""

    @property
    def nodes(self) -> int | None:
        """Nodes in all."""


@dataclass(frozen=True)
class _Rules:
    negative_run_s: float | None
    processors: Literal["larger", "requested_else_allocated"]
    missing_request: Literal["run_time", "stays"]
    cap_run_at_request: bool


@dataclass(frozen=True)
class _Size:
    processors: int | None = None
    nodes: int | None = None


SC20_RULES: Rules = _Rules(10.0, "larger", "run_time", cap_run_at_request=False)
"""Rules of RLScheduler's environment (SC'20)."""


@dataclass(frozen=True)
class JobTable:
    """Jobs and their machine; every array has length n_jobs.

    Attributes:
        source: name of the file, for messages.
        processors_total, nodes_total: the machine.
        number: job numbers in the log.
        submit_s, run_s, request_s: submit, run and requested times, s.
        processors: processors of each job.
        user, group, queue, application: numbers, -1 where unknown.
    """

    source: str
    processors_total: int
    nodes_total: int
    number: Floats
    submit_s: Floats
    run_s: Floats
    request_s: Floats
    processors: NDArray[np.int64]
    user: NDArray[np.int64]
    group: NDArray[np.int64]
    queue: NDArray[np.int64]
    application: NDArray[np.int64]

    @property
    def n_jobs(self) -> int:
        """Number of jobs."""
        return len(self.number)

    @property
    def per_node(self) -> float:
        """Processors of a node."""
        return self.processors_total / self.nodes_total

    @property
    def nodes(self) -> NDArray[np.int64]:
        """Whole nodes that hold the processors of each job."""
        return np.ceil(self.processors / self.per_node).astype(np.int64)

    def take(self, chosen: slice | NDArray[np.int64]) -> JobTable:
        """Return some of the jobs."""
        return replace(self, **{name: getattr(self, name)[chosen] for name in _COLUMNS})


def job_table(log: SwfTable, spec: MachineSize, rules: Rules) -> JobTable:
    """Return the jobs of a log in order of their numbers.

    Raises:
        WorkloadError: when no machine is stated, no job is left, or a job is larger than the machine.
    """
    run_s, request_s = log.column("run").copy(), log.column("request_s").copy()
    if rules.missing_request == "run_time":
        request_s = np.where(request_s == -1, run_s, request_s)
    if rules.negative_run_s is not None:
        run_s[run_s < 0] = rules.negative_run_s
    if rules.cap_run_at_request:
        run_s = np.where(run_s > 0, np.minimum(run_s, request_s), run_s)
    allocated, requested = log.column("allocated"), log.column("requested")
    larger = rules.processors == "larger"
    processors = np.maximum(allocated, requested) if larger else np.where(requested > 0, requested, allocated)
    kept = (run_s > 0) & (processors > 0)
    number, submit_s, sizes = log.column("number"), log.column("submit"), processors.astype(np.int64)
    who = (np.maximum(log.column(field), -1.0).astype(np.int64) for field in _WHO.values())
    every = JobTable(log.source, *_machine(log, spec), number, submit_s, run_s, request_s, sizes, *who)
    in_order = np.argsort(number, kind="stable")
    table = every.take(in_order[kept[in_order]])
    _check(table)
    return table


def _machine(log: SwfTable, spec: MachineSize) -> tuple[int, int]:
    processors = spec.processors or log.header.max_procs
    if processors is None:
        raise WorkloadError(f"{log.source}: the header states neither MaxProcs nor MaxNodes; give 'processors'")
    return processors, spec.nodes or log.header.max_nodes or processors


def _check(table: JobTable) -> None:
    if table.n_jobs == 0:
        raise WorkloadError(f"{table.source}: the cleaning rules leave no job")
    too_large = np.flatnonzero(table.nodes > table.nodes_total)
    if len(too_large):
        first = int(too_large[0])
        wanted = f"job {table.number[first]:.0f} wants {table.processors[first]} processors"
        raise WorkloadError(f"{table.source}: {wanted}, the machine has {table.processors_total}")


def read_jobs(path: str | Path) -> tuple[JobTable, str]:
    """Return the jobs of an SWF log (plain, .gz or .xz) by the rules of SC'20, and the sha256 of its plain content.

    Raises:
        WorkloadError: when it is no SWF log, or as `job_table`.
        MissingFileError: when it cannot be read.
    """
    path = Path(path)
    log = parse_swf_table(read_plain(path), path.name)
    return job_table(log, _Size(), SC20_RULES), log.sha256
