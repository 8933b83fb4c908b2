"""What a workload is made of: counts, load, sizes, run times, walltime accuracy, arrivals."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattq.units import HOUR_S
from wattq.workloads.model import Workload
from wattq.workloads.writer import job_runtimes_s

__all__ = ["stats_lines", "workload_stats"]

_DAY_S = 24 * HOUR_S


def workload_stats(workload: Workload, *, speed_flops: float = 1e9) -> dict[str, Any]:
    """Return statistics of a workload as plain numbers, ready for JSON; what cannot be known is None.

    Args:
        workload: the jobs.
        speed_flops: speed of a host, flop/s, at which computing profiles last their run time.

    Returns:
        ``jobs``, ``hosts`` (of the machine), ``users``, ``span_s`` (first to last submission),
        ``host_hours`` (sum of hosts x run time, jobs of known run time),
        ``offered_load`` (that work / (hosts x span); above 1 the queue grows), ``jobs_larger_than_machine``,
        ``jobs_of_unknown_runtime``, ``jobs_without_walltime``, ``jobs_reaching_walltime``, ``serial_share`` and
        ``power_of_two_share`` (of jobs); ``size``, ``runtime_s``, ``walltime_s``, ``walltime_accuracy`` (run time /
        walltime) and ``interarrival_s``, each with min, mean, p50, p95, p99, max; ``arrivals_by_hour`` (24 counts) and
        ``hour_clock`` (``local``, ``UTC``, or ``log``: hours after the log's date 0).
    """
    run = job_runtimes_s(workload, speed_flops)
    known = ~np.isnan(run)
    hosts, walltime = workload.hosts, workload.walltime_s
    span = float(np.ptp(workload.submit_s)) if workload.n_jobs else 0.0
    work = float(np.sum(hosts[known] * run[known]))
    limited = (walltime > 0) & known
    arrivals, clock = _arrivals_by_hour(workload)
    return {
        "jobs": workload.n_jobs,
        "hosts": workload.nb_res,
        "users": int(np.unique(workload.user[workload.user >= 0]).size) or None,
        "synthetic": workload.synthetic,
        "span_s": span,
        "host_hours": work / HOUR_S,
        "offered_load": work / (workload.nb_res * span) if span else None,
        "jobs_larger_than_machine": int(np.count_nonzero(hosts > workload.nb_res)),
        "jobs_of_unknown_runtime": int(np.count_nonzero(~known)),
        "jobs_without_walltime": int(np.count_nonzero(walltime <= 0)),
        "jobs_reaching_walltime": int(np.count_nonzero(run[limited] >= walltime[limited])),
        "size": _summary(hosts),
        "serial_share": _share(hosts == 1),
        "power_of_two_share": _share((hosts > 0) & ((hosts & (hosts - 1)) == 0)),
        "runtime_s": _summary(run[known]),
        "walltime_s": _summary(walltime[walltime > 0]),
        "walltime_accuracy": _summary(run[limited] / walltime[limited]),
        "interarrival_s": _summary(np.diff(workload.submit_s)),
        "arrivals_by_hour": arrivals,
        "hour_clock": clock,
    }


def _share(mask: NDArray[np.bool_]) -> float | None:
    return float(np.mean(mask)) if mask.size else None


def _summary(values: NDArray[Any]) -> dict[str, float] | None:
    if not values.size:
        return None
    p50, p95, p99 = np.percentile(values, [50, 95, 99]).tolist()
    mean = float(np.mean(values))
    return {"min": float(values.min()), "mean": mean, "p50": p50, "p95": p95, "p99": p99, "max": float(values.max())}


def _arrivals_by_hour(workload: Workload) -> tuple[list[int], str]:
    begin, clock = 0.0, "log"
    if workload.unix_start_s is not None:
        begin, clock = workload.unix_start_s % _DAY_S, "UTC"
        if workload.utc_offset_s is not None:
            begin, clock = begin + workload.utc_offset_s, "local"
    hours = np.floor((workload.submit_s + begin) % _DAY_S / HOUR_S).astype(np.int64)
    return np.bincount(np.minimum(hours, 23), minlength=24).tolist(), clock


def stats_lines(stats: dict[str, Any]) -> list[str]:
    """Return the lines of `workload_stats` for people."""
    plain = [(key, value) for key, value in stats.items() if not isinstance(value, dict | list)]
    lines = [f"{key:<26}{_show(value):>16}" for key, value in plain]
    tables = [(key, value) for key, value in stats.items() if isinstance(value, dict)]
    head = "".join(f"{name:>12}" for name in ("min", "mean", "p50", "p95", "p99", "max"))
    lines += ["", f"{'':<20}{head}"]
    lines += [f"{key:<20}" + "".join(f"{_show(number):>12}" for number in value.values()) for key, value in tables]
    arrivals = stats["arrivals_by_hour"]
    most = max(arrivals) or 1
    lines += ["", f"arrivals by hour ({stats['hour_clock']} time)"]
    return lines + [f"{hour:02d} {count:>8,}  {'#' * round(40 * count / most)}" for hour, count in enumerate(arrivals)]


def _show(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
