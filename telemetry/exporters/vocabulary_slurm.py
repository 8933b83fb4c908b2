"""Metrics of the exporter `slurm`: queue, jobs and what finished."""

from __future__ import annotations

from wattq.telemetry.exporters.metric import Alias, Metric

__all__ = ["JOB_DURATION_BUCKETS_S", "JOB_STATE_CODES", "SLURM_METRICS"]

JOB_STATE_CODES = {
    "PENDING": 0,
    "RUNNING": 1,
    "SUSPENDED": 2,
    "COMPLETED": 3,
    "CANCELLED": 4,
    "FAILED": 5,
    "TIMEOUT": 6,
    "NODE_FAIL": 7,
    "PREEMPTED": 8,
    "BOOT_FAIL": 9,
    "DEADLINE": 10,
    "OUT_OF_MEMORY": 11,
}
"""Values of `wattq_slurm_job_state`: the numbers of slurm.h; others (COMPLETING, CONFIGURING, ...) count as RUNNING."""

JOB_DURATION_BUCKETS_S = (60, 300, 900, 1800, 3600, 7200, 14400, 28800, 43200, 86400, 172800, 604800)
"""Upper bounds of `wattq_slurm_job_duration_seconds`, s: a minute to a week."""

_JOB = ("job_id", "user", "partition")


def _gauge(name: str, labels: tuple[str, ...], unit: str, text: str, *aliases: Alias) -> Metric:
    return Metric(name, "gauge", "slurm", labels, unit, text, aliases)


def _counter(name: str, labels: tuple[str, ...], unit: str, text: str, *aliases: Alias) -> Metric:
    return Metric(name, "counter", "slurm", labels, unit, text, aliases)


_JOBS = (
    _gauge(
        "wattq_slurm_job_state",
        (*_JOB, "job_name"),
        "",
        "State of a job as slurm.h numbers it: 0 pending, 1 running, 2 suspended, 3 completed, 4 cancelled, 5 failed, "
        "6 time-out, 7 node failed, 8 preempted, 9 boot failed, 10 deadline, 11 out of memory",
        Alias("hpc_slurm_job_state"),
    ),
    _gauge(
        "wattq_slurm_job_runtime_seconds",
        _JOB,
        "seconds",
        "How long a running job has run",
        Alias("hpc_slurm_job_runtime_seconds"),
    ),
    _gauge(
        "wattq_slurm_job_queue_time_seconds",
        _JOB,
        "seconds",
        "How long a job waited, or has waited until now",
        Alias("hpc_slurm_job_queue_time_seconds"),
    ),
    _gauge(
        "wattq_slurm_job_cpu_utilization_ratio",
        ("job_id", "node"),
        "ratio",
        "Busy share of a running job's CPUs, 0 to 1; node is its node list",
        Alias("hpc_slurm_job_cpu_usage_percent", factor=100.0),
    ),
    _gauge(
        "wattq_slurm_job_memory_bytes",
        ("job_id", "node"),
        "bytes",
        "Memory of a running job's largest task; node is its node list",
        Alias("hpc_slurm_job_memory_usage_bytes"),
    ),
    _gauge("wattq_slurm_job_cpus", ("job_id",), "", "CPUs allocated to a running job"),
    _gauge("wattq_slurm_job_gpus", ("job_id",), "", "GPUs allocated to a running job"),
    _gauge(
        "wattq_slurm_job_energy_joules",
        ("job_id", "job_type", "source"),
        "joules",
        "Energy of a running job until now; source: store, acct_gather, or model (its CPUs and run time)",
        Alias("hpc_slurm_job_energy_estimate_joules", ("job_id", "job_type", "")),
        Alias("hpc_job_energy_wh", ("job_id", "job_type", ""), 1 / 3600),
    ),
)

_QUEUE = (
    _gauge("wattq_slurm_jobs", ("state", "partition"), "", "Jobs of the queue by state and partition"),
    _gauge("wattq_slurm_jobs_not_shown", (), "", "Jobs of the queue without metrics of their own, beyond --max-jobs"),
    _gauge("wattq_slurm_nodes", ("state",), "", "Nodes by state"),
    _counter(
        "wattq_slurm_jobs_finished_total",
        ("state", "partition"),
        "",
        "Jobs that ended, by final state and partition",
        Alias("hpc_slurm_jobs_total"),
    ),
    Metric(
        "wattq_slurm_job_duration_seconds",
        "histogram",
        "slurm",
        ("partition", "job_type"),
        "seconds",
        "Run times of jobs that ended",
        (Alias("hpc_slurm_job_completion_time_seconds"), Alias("hpc_job_duration_seconds")),
        JOB_DURATION_BUCKETS_S,
    ),
    Metric(
        "wattq_slurm_cluster_info",
        "info",
        "slurm",
        ("cluster", "controller", "slurm_version", "accounting"),
        "",
        "The cluster: name, controller, version of Slurm, how energy is gathered",
        (Alias("hpc_slurm_cluster_info"),),
    ),
)

_ITSELF = (
    _gauge("wattq_slurm_up", (), "", "1 where the last refresh from Slurm succeeded, else 0"),
    _gauge("wattq_slurm_refresh_timestamp_seconds", (), "seconds", "Unix time of the last refresh that succeeded"),
    _gauge("wattq_slurm_refresh_duration_seconds", (), "seconds", "How long the last refresh took"),
    _counter("wattq_slurm_refresh_failures_total", ("command",), "", "Commands of Slurm that failed, by command"),
    _counter(
        "wattq_slurm_hook_events_total", ("event",), "", "Messages of prolog and epilog: start, complete, refused"
    ),
)

SLURM_METRICS: tuple[Metric, ...] = (*_JOBS, *_QUEUE, *_ITSELF)
"""Every metric of the exporter `slurm`."""
