"""The exporter `slurm`: what Slurm says of its jobs, as metrics, asked in the background."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from threading import RLock
from typing import TypeVar

from wattq.errors import WattqError
from wattq.telemetry.exporters.book import Book, Labels
from wattq.telemetry.exporters.slurm_commands import SlurmCommands
from wattq.telemetry.exporters.slurm_ended import EndedJobs, JobEnd
from wattq.telemetry.exporters.slurm_energy import JobEnergy, StoredEnergy, TypedEnergy
from wattq.telemetry.exporters.slurm_text import EndedJob, QueuedJob, Usage
from wattq.telemetry.exporters.vocabulary import JOB_STATE_CODES

__all__ = ["JOB_GAUGES", "SlurmCollector"]

T = TypeVar("T")

JOB_GAUGES = (
    "wattq_slurm_job_state",
    "wattq_slurm_job_runtime_seconds",
    "wattq_slurm_job_queue_time_seconds",
    "wattq_slurm_job_cpu_utilization_ratio",
    "wattq_slurm_job_memory_bytes",
    "wattq_slurm_job_cpus",
    "wattq_slurm_job_gpus",
    "wattq_slurm_job_energy_joules",
    "wattq_slurm_jobs",
    "wattq_slurm_jobs_not_shown",
    "wattq_slurm_nodes",
)
"""What goes when Slurm does not answer for long."""

# A counter that begins at its first failure would hide that failure from a rate.
_FROM_THE_BEGIN = (
    *("COMPLETED", "CANCELLED", "FAILED", "TIMEOUT"),
    *("OUT_OF_MEMORY", "NODE_FAIL", "BOOT_FAIL", "DEADLINE"),
)
_STALE_S = 60.0
_MOST_KNOWN = 100_000
_LONGEST_GAP_S = 86_400.0
_TOLD_S = 600.0


class SlurmCollector:
    """Asks Slurm and puts its answers into a book.

    Args:
        book: of the exporter `slurm`.
        commands: how Slurm is asked.
        ended: counts jobs that end.
        energy: energy of jobs that nothing measured.
        stored: energy of jobs in the store; None without one.
        max_jobs: jobs with metrics of their own: running ones first, then waiting ones, the oldest first.
        usage_s: what jobs use and how nodes are is asked once in so many seconds.

    Attributes:
        problems: what went wrong at the last refresh, one sentence each.
    """

    def __init__(
        self,
        book: Book,
        commands: SlurmCommands,
        ended: EndedJobs,
        energy: JobEnergy,
        stored: StoredEnergy | None = None,
        *,
        max_jobs: int = 1000,
        usage_s: float = 30.0,
    ) -> None:
        self.book, self.max_jobs = book, max_jobs
        self.problems: list[str] = []
        self._commands, self._ended, self._energy, self._stored = commands, ended, energy, stored
        self._usage_s = usage_s
        self._usage_due_s = self._config_due_s = float("-inf")
        self._usage: dict[str, Usage] = {}
        self._known: dict[str, TypedEnergy] = {}
        self._told: dict[str, tuple[TypedEnergy, float]] = {}
        self._cpus_of: dict[str, int] = {}
        self._jobs: dict[str, QueuedJob] = {}
        self._min_age_s = 300.0
        self._accounting = True
        self._answered_s = float("-inf")
        self._lock = RLock()
        for command in ("squeue", "sinfo", "sstat", "sacct", "scontrol", "store", "state"):
            book.add("wattq_slurm_refresh_failures_total", 0, (command,))

    @property
    def partitions(self) -> tuple[str, ...]:
        """The partitions that Slurm named; empty until it did."""
        return tuple(self._cpus_of)

    def job(self, job_id: str) -> QueuedJob | None:
        """Return a job of the last list, by either of its numbers."""
        return self._jobs.get(job_id)

    def refresh(self, now_s: float) -> bool:
        """Ask Slurm; return whether it answered. Never raises for a Slurm that is away.

        Args:
            now_s: the date, Unix s.
        """
        begin = time.monotonic()
        self.problems = []
        jobs = self._asked("squeue", self._commands.queue)
        self.book.set("wattq_slurm_up", float(jobs is not None))
        if jobs is None:
            self._drop_old(now_s)
            return False
        if now_s >= self._usage_due_s:
            self._usage_due_s = now_s + self._usage_s
            self._ask_slowly(jobs, now_s)
        self._count_ended(jobs, now_s)
        self._show(jobs, now_s)
        self._answered_s = now_s
        self.book.set("wattq_slurm_refresh_timestamp_seconds", now_s)
        self.book.set("wattq_slurm_refresh_duration_seconds", time.monotonic() - begin)
        return True

    def told_end(self, end: JobEnd, energy: TypedEnergy) -> bool:
        """Take an epilog's word for the end of a job; return whether it was news.

        Raises:
            TelemetryError: the state file cannot be written.
        """
        with self._lock:
            new = self._ended.count(end)
            self.told_energy(end.job_id, energy)
            self._ended.save()
            return new

    def told_energy(self, job_id: str, energy: TypedEnergy) -> None:
        """Take a hook's word for class and energy of a job."""
        with self._lock:
            listed = self._jobs.get(job_id)
            if len(self._told) < _MOST_KNOWN:
                self._told[listed.job_id if listed else job_id] = (energy, time.time())

    def _ask_slowly(self, jobs: Sequence[QueuedJob], now_s: float) -> None:
        """Ask what changes slowly, or costs the controller and the nodes more than the queue."""
        shown = self._shown(jobs)[0]
        running = [job.raw_id for job in shown if job.state == "RUNNING"]
        self._usage = self._asked("sstat", lambda: self._commands.usage(running)) or {}
        self._cpus_of = self._asked("sinfo", self._commands.partition_cpus) or self._cpus_of
        nodes = self._asked("sinfo", self._commands.node_states) or {}
        self.book.replace("wattq_slurm_nodes", {(state,): float(count) for state, count in nodes.items()})
        self._ended.begin_at_zero(_FROM_THE_BEGIN, self._cpus_of)
        if self._stored is not None:
            stored = self._stored
            known = self._asked("store", lambda: stored.read(shown))
            self._known = self._known if known is None else known
        if now_s >= self._config_due_s:
            self._ask_config(now_s)

    def _ask_config(self, now_s: float) -> None:
        config = self._asked("scontrol", self._commands.config)
        if config is None:
            return
        self._config_due_s = now_s + 20 * self._usage_s
        words = config.get("MinJobAge", "").split()
        # 0 means that jobs are never removed from the list
        self._min_age_s = (float(words[0]) if words and words[0].isdecimal() else 300.0) or _LONGEST_GAP_S
        labels = (
            config.get("ClusterName", ""),
            config.get("SlurmctldHost[0]", ""),
            config.get("SLURM_VERSION", ""),
            config.get("AcctGatherEnergyType", "").removeprefix("acct_gather_energy/"),
        )
        self.book.set("wattq_slurm_cluster_info", 1, labels)

    def _count_ended(self, jobs: Sequence[QueuedJob], now_s: float) -> None:
        missed = self._missed(now_s)
        with self._lock:
            self._jobs = {key: job for job in jobs for key in (job.raw_id, job.job_id)}
            for ended in missed:
                self._ended.count(self._end(ended, ended.end_s, None))
            for job in jobs:
                if job.ended:
                    self._ended.count(self._end(job, job.end_s or now_s, job.start_s))
            self._ended.forget(now_s, self._jobs, 3 * self._min_age_s)
            young_s = now_s - _TOLD_S
            self._told = {key: told for key, told in self._told.items() if key in self._jobs or told[1] >= young_s}
            self._asked("state", lambda: self._ended.save(now_s))

    def _end(self, job: QueuedJob | EndedJob, end_s: float, start_s: float | None) -> JobEnd:
        told = self._told.get(job.job_id)
        known = told[0] if told else self._known.get(job.job_id)
        job_type = known.job_type if known else "unknown"
        return JobEnd(job.job_id, job.raw_id, job.state, job.partition, job.run_s, end_s, start_s, job_type)

    def _missed(self, now_s: float) -> list[EndedJob]:
        """Return jobs that may have gone from the queue's list since the last one, as the accounting knows them."""
        last_s = self._ended.refreshed_s
        if not self._accounting or last_s is None or now_s - last_s < self._min_age_s / 2:
            return []
        since_s = max(last_s - 60.0, self._ended.began_s or 0.0, now_s - _LONGEST_GAP_S)
        ended = self._asked("sacct", lambda: self._commands.ended(since_s))
        # a cluster without accounting would refuse each time
        self._accounting = ended is not None
        return ended or []

    def _show(self, jobs: Sequence[QueuedJob], now_s: float) -> None:
        counts = Counter((job.state, job.partition) for job in jobs)
        zeros = {(state, partition): 0.0 for state in ("PENDING", "RUNNING") for partition in self._cpus_of}
        self.book.replace("wattq_slurm_jobs", zeros | {key: float(count) for key, count in counts.items()})
        shown, rest = self._shown(jobs)
        self.book.replace("wattq_slurm_jobs_not_shown", {(): float(rest)})
        self._show_jobs(shown, now_s)
        self._show_usage([job for job in shown if job.state == "RUNNING"])
        self._show_energy(shown)

    def _shown(self, jobs: Sequence[QueuedJob]) -> tuple[list[QueuedJob], int]:
        order = sorted(jobs, key=lambda job: (not job.running, job.ended, job.submit_s or 0.0, job.job_id))
        return order[: self.max_jobs], max(len(order) - self.max_jobs, 0)

    def _show_jobs(self, jobs: Sequence[QueuedJob], now_s: float) -> None:
        keys: dict[Labels, QueuedJob] = {(job.job_id, job.user, job.partition): job for job in jobs}
        states = {(*key, job.name): float(JOB_STATE_CODES[job.state]) for key, job in keys.items()}
        running = {key: job for key, job in keys.items() if job.running}
        self.book.replace("wattq_slurm_job_state", states)
        self.book.replace("wattq_slurm_job_runtime_seconds", {key: job.run_s for key, job in running.items()})
        waits = {key: wait for key, job in keys.items() if (wait := _wait_s(job, now_s)) is not None}
        self.book.replace("wattq_slurm_job_queue_time_seconds", waits)
        self.book.replace("wattq_slurm_job_cpus", {(job.job_id,): float(job.cpus) for job in running.values()})
        gpus = {(job.job_id,): float(job.gpus) for job in running.values() if job.gpus}
        self.book.replace("wattq_slurm_job_gpus", gpus)

    def _show_usage(self, running: Sequence[QueuedJob]) -> None:
        used = {
            (job.job_id, job.node_list): (job, self._usage[job.raw_id]) for job in running if job.raw_id in self._usage
        }
        shares = {
            key: use.cpu_s / (job.run_s * job.cpus) for key, (job, use) in used.items() if job.run_s * job.cpus > 0
        }
        self.book.replace(
            "wattq_slurm_job_cpu_utilization_ratio", {key: min(share, 1.0) for key, share in shares.items()}
        )
        memory = {key: use.memory_bytes for key, (_, use) in used.items()}
        self.book.replace("wattq_slurm_job_memory_bytes", memory)

    def _show_energy(self, jobs: Sequence[QueuedJob]) -> None:
        with self._lock:
            told = {key: energy for key, (energy, _) in self._told.items()}
        known: Mapping[str, TypedEnergy] = {**self._known, **told}
        energies = self._energy.of_jobs(jobs, known, self._usage, self._cpus_of)
        values = {(key, e.job_type, e.source): e.energy_j for key, e in energies.items() if e.energy_j is not None}
        self.book.replace("wattq_slurm_job_energy_joules", values)

    def _drop_old(self, now_s: float) -> None:
        if now_s - self._answered_s > _STALE_S:
            for name in JOB_GAUGES:
                self.book.replace(name, {})

    def _asked(self, command: str, ask: Callable[[], T]) -> T | None:
        try:
            return ask()
        except WattqError as error:
            self.problems.append(str(error))
            self.book.add("wattq_slurm_refresh_failures_total", 1, (command,))
            return None


def _wait_s(job: QueuedJob, now_s: float) -> float | None:
    """Return how long a job waited; a running one from submission to start, a waiting one until now."""
    if job.submit_s is None or job.ended:
        return None
    until = job.start_s if job.running and job.start_s is not None else now_s
    return max(until - job.submit_s, 0.0)
