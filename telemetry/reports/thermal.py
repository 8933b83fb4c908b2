"""Where it is hot: events, samples and throttled runs of nodes, and nodes that grow warmer at equal load."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattq.telemetry.reports.jobs import JobTable
from wattq.telemetry.reports.samples import SampleTable
from wattq.telemetry.reports.schema import NodeHeat, ThermalPart
from wattq.units import DAY_S

__all__ = ["CPU_CRITICAL_C", "CPU_WARNING_C", "thermal_part"]

CPU_WARNING_C, CPU_CRITICAL_C = 75.0, 85.0
"""Temperatures of a CPU that the monitor calls hot and critical, degrees Celsius."""

_LEAST_DAYS = 5
Rows = Sequence[Mapping[str, Any]]


def thermal_part(events: Rows, samples: SampleTable, jobs: JobTable) -> ThermalPart:
    """Return heat by node.

    Args:
        events: rows of thermal_events.
        samples: of nodes.
        jobs: ended runs.
    """
    by_event: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for event in events:
        by_event[str(event.get("node_id"))].append(event)
    warm = np.isfinite(samples.cpu_c) | np.isfinite(samples.gpu_c)
    rows = {name: np.flatnonzero(warm & (samples.node == number)) for number, name in enumerate(samples.names)}
    names = sorted(set(by_event) | {name for name, own in rows.items() if own.size})
    none = np.zeros(0, dtype=np.int64)
    nodes = [_node(name, by_event[name], samples, rows.get(name, none)) for name in names]
    throttled = jobs.throttled > 0.5
    return ThermalPart(
        nodes=sorted(nodes, key=_rank),
        throttled_jobs=int(throttled.sum()),
        throttled_energy_j=float(np.nansum(jobs.energy_j[throttled])),
        jobs_with_throttling_known=int(np.isfinite(jobs.throttled).sum()),
        samples=int(warm.sum()),
    )


def _rank(heat: NodeHeat) -> tuple[float, ...]:
    hottest = max(heat.max_cpu_c or 0.0, heat.max_event_c or 0.0)
    return (-heat.hotspot, -heat.critical, -heat.high, -heat.event_seconds, -hottest)


def _node(name: str, events: Rows, samples: SampleTable, rows: NDArray[np.int64]) -> NodeHeat:
    severities = [event.get("severity") for event in events]
    cpu, gpu, above = samples.cpu_c[rows], samples.gpu_c[rows], _column(events, "temperature")
    known = cpu[np.isfinite(cpu)]
    critical = float((known > CPU_CRITICAL_C).mean()) if known.size else None
    trend, error = _trend(samples.time_s[rows], cpu, samples.cpu_usage[rows])
    return NodeHeat(
        node=name,
        events=len(events),
        high=severities.count("high"),
        critical=severities.count("critical"),
        throttling=sum(event.get("event_type") == "throttling" for event in events),
        event_seconds=float(np.nansum(_column(events, "duration_seconds"))),
        max_event_c=_most(above),
        max_excess_k=_most(above - _column(events, "threshold")),
        max_cpu_c=_most(cpu),
        max_gpu_c=_most(gpu),
        cpu_above_warning=float((known > CPU_WARNING_C).mean()) if known.size else None,
        cpu_above_critical=critical,
        trend_k_per_day=trend,
        trend_error_k_per_day=error,
        hotspot=bool({"high", "critical"} & set(severities)) or bool(critical),
    )


def _column(rows: Rows, name: str) -> NDArray[np.float64]:
    return np.array([np.nan if row.get(name) is None else float(row[name]) for row in rows], dtype=np.float64)


def _most(values: NDArray[np.float64]) -> float | None:
    known = values[np.isfinite(values)]
    return float(known.max()) if known.size else None


def _trend(
    time: NDArray[np.float64], temperature: NDArray[np.float64], load: NDArray[np.float64]
) -> tuple[float | None, float | None]:
    """Return how fast the CPU grows warmer at equal load, K/day, with its standard error, from daily means.

    Samples of minutes are not independent of each other, daily means nearly are; five days are the least.
    """
    good = np.isfinite(time) & np.isfinite(temperature) & np.isfinite(load)
    days, place = np.unique(np.floor(time[good] / DAY_S), return_inverse=True)
    if len(days) < _LEAST_DAYS:
        return None, None
    count = np.bincount(place)
    warm, busy = (np.bincount(place, values[good]) / count for values in (temperature, load))
    columns = [np.ones(len(days)), days - days.mean()]
    if np.ptp(busy) > 1e-9:
        columns.append(busy - busy.mean())
    design = np.column_stack(columns)
    solution, _, rank, _ = np.linalg.lstsq(design, warm, rcond=None)
    free = len(days) - int(rank)
    if free < 1 or rank < design.shape[1]:
        return None, None
    residual = warm - design @ solution
    variance = float(residual @ residual) / free * np.linalg.inv(design.T @ design)[1, 1]
    return float(solution[1]), float(np.sqrt(max(variance, 0.0)))
