"""The metrics: name, unit, definition and which direction is better, in one table that reports and docs print."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

__all__ = ["DEFAULT_TAU_S", "METRICS", "STATISTICS", "Metric"]

DEFAULT_TAU_S = 10.0
"""Bound of the bounded slowdown (s), as in the literature on the Parallel Workloads Archive."""

STATISTICS: Mapping[str, str] = MappingProxyType(
    {"mean": "mean", "p50": "median", "p95": "95th percentile", "p99": "99th percentile", "max": "maximum"}
)


@dataclass(frozen=True)
class Metric:
    """One number that describes a run.

    Attributes:
        name: key in tables and files; ends in the unit where it has one.
        label: heading in reports.
        unit: unit, empty for a pure number.
        definition: what is counted, and over what.
        better: which direction is better, empty where neither is.
    """

    name: str
    label: str
    unit: str
    definition: str
    better: Literal["lower", "higher", ""] = ""


_POPULATION = (
    "Over the jobs that started and those that never did (censored: counted with the lower bound that the end of the "
    "run proves); rejected jobs are left out. Percentiles interpolate linearly between ranks."
)
_SPREADS = (
    ("wait", "Wait", "s", "Start minus submission; a job that never started waited at least until the end of the run."),
    ("turnaround", "Turnaround", "s", "Finish minus submission; for a job that never started, its wait so far."),
    (
        "slowdown",
        "Slowdown",
        "",
        "Turnaround over execution time, over jobs that ran longer than 0 s; a job that never started counts as if it "
        "ran for its requested time from the end of the run (1 without a requested time).",
    ),
    (
        "bounded_slowdown",
        "Bounded slowdown",
        "",
        "max(1, turnaround / max(execution time, tau)), tau = 10 s unless stated; a job that never started counts as "
        "if it ran for its requested time from the end of the run (1 without a requested time).",
    ),
)


def _spread_metrics() -> list[Metric]:
    return [
        Metric(
            f"{name}_{statistic}{'_' + unit if unit else ''}",
            f"{label}, {statistic}",
            unit,
            f"{words.capitalize()}. {definition} {_POPULATION}",
            "lower",
        )
        for name, label, unit, definition in _SPREADS
        for statistic, words in STATISTICS.items()
    ]


_COUNTS = [
    Metric("jobs_submitted", "Submitted", "jobs", "Jobs of the workload, rejected ones included."),
    Metric("jobs_finished", "Finished", "jobs", "Jobs that ran to an end of any kind (nb_jobs_finished).", "higher"),
    Metric("jobs_succeeded", "Succeeded", "jobs", "Jobs that ended as COMPLETED_SUCCESSFULLY.", "higher"),
    Metric("jobs_killed", "Killed", "jobs", "Finished jobs that did not succeed (Batsim's nb_jobs_killed).", "lower"),
    Metric("jobs_rejected", "Rejected", "jobs", "Jobs that the scheduler refused; they have no wait.", "lower"),
    Metric("jobs_never_started", "Never started", "jobs", "Jobs submitted, not rejected, without a start.", "lower"),
    Metric("work_host_h", "Work done", "host-h", "Hosts allocated times execution time, over finished jobs.", "higher"),
]
_MACHINE = [
    Metric("makespan_s", "Makespan", "s", "Date of the last finish, from date 0 (Batsim's makespan).", "lower"),
    Metric("span_s", "Span", "s", "From the first submission to the last finish, or to the end if jobs are left."),
    Metric(
        "utilisation",
        "Utilisation",
        "",
        "Work done over compute hosts times span; above 1 only when jobs share hosts.",
        "higher",
    ),
    Metric("throughput_per_h", "Throughput", "jobs/h", "Finished jobs over span.", "higher"),
    Metric(
        "queue_mean",
        "Queue, mean",
        "jobs",
        "Time average over the span of jobs submitted and not started.",
        "lower",
    ),
    Metric("queue_max", "Queue, maximum", "jobs", "Largest number of jobs waiting at one date.", "lower"),
]
_ENERGY = [
    Metric(
        "energy_j",
        "Energy",
        "J",
        "Energy of all hosts from date 0 to the end of the run, integrated exactly. For a run of the real Batsim its "
        "consumed_joules: from the first submission to the last end of a job, lazy updates included.",
        "lower",
    ),
    Metric("energy_computing_j", "Energy computing", "J", "Part of the energy drawn by hosts that compute.", "lower"),
    Metric("energy_idle_j", "Energy idle", "J", "Part drawn by hosts that are on without a job.", "lower"),
    Metric("energy_sleeping_j", "Energy sleeping", "J", "Part drawn by hosts in a sleep state.", "lower"),
    Metric(
        "energy_switching_j",
        "Energy switching",
        "J",
        "Part drawn by hosts going to sleep or waking.",
        "lower",
    ),
    Metric(
        "energy_per_work_j", "Energy per work", "J/(host s)", "Energy over work done, idle energy included.", "lower"
    ),
    Metric("power_mean_w", "Power, mean", "W", "Energy over the time that consumed_energy.csv covers."),
    Metric(
        "power_max_w",
        "Power, maximum",
        "W",
        "Largest mean power between two dates at least 1 ms apart.",
    ),
]
_FAIRNESS = [
    Metric("users", "Users", "users", "Users with at least one job that counts in the waits."),
    Metric(
        "user_slowdown_jain",
        "Jain index",
        "",
        "Jain's index of the users' mean bounded slowdowns x: (sum x)^2 / (n sum x^2). 1 = all users alike, "
        "1/n = one user bears it all.",
        "higher",
    ),
    Metric(
        "user_slowdown_spread",
        "User spread",
        "",
        "90th minus 10th percentile of the users' mean bounded slowdowns.",
        "lower",
    ),
]

METRICS: Mapping[str, Metric] = MappingProxyType(
    {metric.name: metric for metric in (*_COUNTS, *_spread_metrics(), *_MACHINE, *_ENERGY, *_FAIRNESS)}
)
"""Every metric by name, in the order of the tables."""
