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
_MOST_HOURS = 10**7


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
        walltime), ``interarrival_s`` and ``arrivals_per_hour`` (hours without a job included), each with min, mean, std
        (of all values, not estimated from a sample), p50, p95, p99, max; ``correlation_runtime_size`` (Pearson) and
        ``correlation_logs`` (that of their logarithms, run times of 0 left out); ``arrivals_by_hour`` (24 counts) and
        ``hour_clock`` (``local``, ``UTC``, or ``log``: hours after the log's date 0).
    """
    run = job_runtimes_s(workload, speed_flops)
    known = ~np.isnan(run)
    hosts, walltime = workload.hosts, workload.walltime_s
    span = float(np.ptp(workload.submit_s)) if workload.n_jobs else 0.0
    work = float(np.sum(hosts[known] * run[known]))
    limited = (walltime > 0) & known
    positive = known & (run > 0) & (hosts > 0)
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
        "correlation_runtime_size": _correlation(run[known], hosts[known]),
        "correlation_logs": _correlation(np.log(run[positive]), np.log(hosts[positive])),
        "size": _summary(hosts),
        "serial_share": _share(hosts == 1),
        "power_of_two_share": _share((hosts > 0) & ((hosts & (hosts - 1)) == 0)),
        "runtime_s": _summary(run[known]),
        "walltime_s": _summary(walltime[walltime > 0]),
        "walltime_accuracy": _summary(run[limited] / walltime[limited]),
        "interarrival_s": _summary(np.diff(workload.submit_s)),
        "arrivals_per_hour": _summary(_arrivals_per_hour(workload)),
        "arrivals_by_hour": arrivals,
        "hour_clock": clock,
    }


def _share(mask: NDArray[np.bool_]) -> float | None:
    return float(np.mean(mask)) if mask.size else None


def _summary(values: NDArray[Any]) -> dict[str, float] | None:
    if not values.size:
        return None
    p50, p95, p99 = np.percentile(values, [50, 95, 99]).tolist()
    mean, scale = float(np.mean(values)), float(np.abs(values).max()) or 1.0
    std = scale * float(np.std(values / scale))
    ends = float(values.min()), float(values.max())
    return {"min": ends[0], "mean": mean, "std": std, "p50": p50, "p95": p95, "p99": p99, "max": ends[1]}


def _correlation(one: NDArray[Any], other: NDArray[Any]) -> float | None:
    if one.size < 2 or not np.ptp(one) or not np.ptp(other):
        return None
    first, second = (values / np.abs(values).max() for values in (one, other))
    with np.errstate(invalid="ignore", divide="ignore"):
        found = float(np.corrcoef(first, second)[0, 1])
    return found if np.isfinite(found) else None


def _arrivals_per_hour(workload: Workload) -> NDArray[np.int64]:
    hours = np.floor(workload.submit_s / HOUR_S)
    # a log of a few jobs, millions of years apart, has no hourly counts worth their memory
    if not hours.size or float(np.ptp(hours)) > _MOST_HOURS:
        return np.empty(0, dtype=np.int64)
    return np.bincount((hours - hours.min()).astype(np.int64))


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
    head = "".join(f"{name:>12}" for name in ("min", "mean", "std", "p50", "p95", "p99", "max"))
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
