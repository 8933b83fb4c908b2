"""Energy of jobs until now: from the store, else as Slurm gathers it, else by the node model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wattq.platforms import NodePower
from wattq.telemetry.exporters.slurm_text import QueuedJob, Usage

__all__ = ["JobEnergy", "StoredEnergy", "TypedEnergy", "job_power_w"]

_JOBS_AT_ONCE = 500
_UNKNOWN = "unknown"


@dataclass(frozen=True)
class TypedEnergy:
    """Energy of a job, J (None where it is not known), where it comes from, and the job's class."""

    energy_j: float | None
    source: str
    job_type: str = _UNKNOWN


class StoredEnergy:
    """Energy and class of jobs as the hooks and `align` wrote them into the store.

    Args:
        open_store: opens it; called at the first question, and again after one that failed.
    """

    def __init__(self, open_store: Callable[[], Any]) -> None:
        self._open = open_store
        self._store: Any = None

    def read(self, jobs: Sequence[QueuedJob]) -> dict[str, TypedEnergy]:
        """Return what the store has of these jobs' present runs, by job id.

        Raises:
            WattqError: it cannot be asked.
        """
        started = {job.job_id: job.start_s for job in jobs if job.start_s is not None and job.run_s > 0}
        if not started:
            return {}
        try:
            self._store = self._store or self._open()
            rows = self._rows(started)
        except Exception:
            self.close()
            raise
        found: dict[str, TypedEnergy] = {}
        for row in rows:
            job_id = str(row["job_id"])
            if job_id in started and row["time"] >= started[job_id] - 1.0 and job_id not in found:
                found[job_id] = _stored(row)
        return found

    def _rows(self, started: Mapping[str, float]) -> list[Mapping[str, Any]]:
        ids, since_s = list(started), min(started.values()) - 1.0
        rows: list[Mapping[str, Any]] = []
        for begin in range(0, len(ids), _JOBS_AT_ONCE):
            where = {"job_id": ids[begin : begin + _JOBS_AT_ONCE]}
            rows += self._store.read("job_metrics", since_s=since_s, where=where, newest_first=True)
        return rows

    def close(self) -> None:
        """Close the store."""
        if self._store is not None:
            self._store.close()
            self._store = None


def _stored(row: Mapping[str, Any]) -> TypedEnergy:
    source = "store" if row.get("energy_source") == "measured" else "model"
    energy = row.get("energy_j")
    job_type = row.get("job_type") or row.get("workload_pattern") or _UNKNOWN
    return TypedEnergy(None if energy is None else float(energy), source, str(job_type))


@dataclass(frozen=True)
class JobEnergy:
    """Chooses the best known energy of each job.

    Attributes:
        model: power of a node, for jobs that nothing measures.
    """

    model: NodePower

    def of_jobs(
        self,
        jobs: Iterable[QueuedJob],
        known: Mapping[str, TypedEnergy],
        usage: Mapping[str, Usage],
        cpus_of: Mapping[str, int],
    ) -> dict[str, TypedEnergy]:
        """Return energy, source and class of each job that has run, by job id.

        Args:
            jobs: the jobs.
            known: from the store and from epilogs, by job id.
            usage: from sstat, by raw id.
            cpus_of: CPUs of a node of each partition.
        """
        return {
            job.job_id: self._best(job, known.get(job.job_id), usage.get(job.raw_id), cpus_of)
            for job in jobs
            if job.run_s > 0
        }

    def _best(
        self, job: QueuedJob, known: TypedEnergy | None, usage: Usage | None, cpus_of: Mapping[str, int]
    ) -> TypedEnergy:
        job_type = known.job_type if known else _UNKNOWN
        if known is not None and known.energy_j is not None and known.source == "store":
            return known
        if usage is not None and usage.energy_j is not None:
            return TypedEnergy(usage.energy_j, "acct_gather", job_type)
        if known is not None and known.energy_j is not None:
            return known
        busy = 1.0 if usage is None else min(usage.cpu_s / (job.run_s * max(job.cpus, 1)), 1.0)
        power_w = job_power_w(self.model, job.cpus, job.gpus, cpus_of.get(job.partition, 0), busy)
        return TypedEnergy(power_w * job.run_s, "model", job_type)


def job_power_w(model: NodePower, cpus: int, gpus: int, cpus_per_node: int, busy: float) -> float:
    """Return the modelled power of a job, W: its share of the nodes by CPUs, and its GPUs under full load.

    The shares of jobs that fill a node add up to the node.

    Args:
        model: power of a node.
        cpus: CPUs of the job on all nodes.
        gpus: GPUs of the job on all nodes.
        cpus_per_node: CPUs of a node; 0 where it is not known, then the job counts as whole nodes of its size: one.
        busy: utilisation of its CPUs, 0 to 1.
    """
    nodes = cpus / cpus_per_node if cpus_per_node else 1.0
    return nodes * (model.power_w(busy) - model.gpus * model.gpu_idle_w) + gpus * model.gpu_full_w
