"""Results of a benchmark as a JSON document: every quantity with its unit, every energy with its source."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from wattq import __version__
from wattq.telemetry.benchmarks.cpu_work import CPU_KERNELS
from wattq.telemetry.benchmarks.io_work import IO_OPERATIONS
from wattq.telemetry.benchmarks.observing import Observation, mean_of
from wattq.telemetry.benchmarks.options import CpuOptions, IoOptions
from wattq.telemetry.benchmarks.running import Measured
from wattq.telemetry.slurm import classify

__all__ = ["HISTORY_S", "benchmark_document", "operation_of"]

HISTORY_S = 5.0
"""Time between two entries of `metrics_history`, s."""

Document = dict[str, Any]


def benchmark_document(measured: Measured) -> Document:
    """Return the results.

    The parts are `benchmark_info`, `performance_metrics`, `system_metrics`, `worker_results`, `metrics_history`. A
    quantity is an object with `value` and `unit`; without a value there is a `reason`. Quantities made of energy say
    its `source`, measured or modelled.
    """
    return {
        "benchmark_info": _info(measured),
        "performance_metrics": _performance(measured),
        "system_metrics": _system(measured.busy),
        "worker_results": [_worker(measured, result) for result in measured.workers],
        "metrics_history": _history(measured),
    }


def operation_of(measured: Measured) -> tuple[str, bool]:
    """Return what one operation of the benchmark is, and whether it is a floating-point operation."""
    options = measured.options
    if isinstance(options, CpuOptions) and options.workload in CPU_KERNELS:
        kernel = CPU_KERNELS[options.workload]
        return kernel.operation, kernel.is_flop
    if isinstance(options, IoOptions) and options.workload in IO_OPERATIONS:
        return IO_OPERATIONS[options.workload], False
    return "batch of one kind of work, all kinds in turn", False


def _info(measured: Measured) -> Document:
    options = {name: os.fspath(v) if isinstance(v, Path) else v for name, v in asdict(measured.options).items()}
    return {
        "name": measured.options.name,
        "version": __version__,
        "started": measured.began,
        "elapsed": _quantity(measured.elapsed_s, "s"),
        "options": options,
        "node": platform.node(),
        "system": f"{platform.system()} {platform.release()}",
        "cpus": os.cpu_count(),
    }


def _performance(measured: Measured) -> Document:
    text, is_flop = operation_of(measured)
    count = sum(result.count for result in measured.workers)
    rate = count / measured.elapsed_s
    read, written = (sum(getattr(r, name) for r in measured.workers) for name in ("read_bytes", "written_bytes"))
    document: Document = {
        "operation": text,
        "operations": _quantity(count, "1"),
        "operations_per_second": _quantity(rate, "1/s"),
        "read_rate": _quantity(read / measured.elapsed_s / 1e6, "MB/s"),
        "write_rate": _quantity(written / measured.elapsed_s / 1e6, "MB/s"),
    }
    document |= _energies(measured, count, is_flop)
    document["thermal_efficiency"] = _thermal(measured.busy)
    document["job_type"] = _job_type(measured, (read + written) / measured.elapsed_s / 1e6)
    return document


def _energies(measured: Measured, count: float, is_flop: bool) -> Document:
    unit = "flop" if is_flop else "operation"
    energy_j = _energy_j(measured.busy)
    source, known = _source(measured.busy), energy_j is not None
    why = "nothing tells the power of this node"
    idle_w = mean_of(measured.idle, lambda o: o.power_w)
    each = energy_j / count if energy_j is not None and count else None
    above = None if energy_j is None or idle_w is None else energy_j - idle_w * measured.elapsed_s
    no_idle = "idle power was not measured; use --idle" if known else why
    not_flop = "operations of this workload are no floating-point operations; use --workload matrix or floating"
    work = why if not known else "no operation was done"
    return {
        "energy": _quantity(energy_j, "J", why, source) | _meter(measured.busy),
        "mean_power": _quantity(mean_of(measured.busy, lambda o: o.power_w), "W", why, source),
        "idle_power": _quantity(idle_w, "W", no_idle, _source(measured.idle)),
        "energy_above_idle": _quantity(above, "J", no_idle, source),
        "energy_per_operation": _quantity(each, f"J/{unit}", work, source),
        "energy_per_flop": _quantity(each if is_flop else None, "J/flop", work if is_flop else not_flop, source),
        "performance_per_watt": _quantity(1 / each if each else None, f"{unit}/s/W", work, source),
    }


def _energy_j(seen: Sequence[Observation]) -> float | None:
    known = [o.energy_j for o in seen if o.energy_j is not None]
    return sum(known) if known else None


def _source(seen: Sequence[Observation]) -> str | None:
    """Return where energy comes from: modelled, where a part of it is."""
    sources = {o.source for o in seen if o.energy_j is not None}
    return "modelled" if "modelled" in sources else "measured" if sources else None


def _meter(seen: Sequence[Observation]) -> Document:
    known = [o for o in seen if o.energy_j is not None]
    covered_s, whole_s = sum(o.span_s for o in known), sum(o.span_s for o in seen)
    return {
        "meter": ", ".join(sorted({str(o.meter) for o in known})) or None,
        "covers": "node" if known and all(o.is_whole for o in known) else "parts with sensors" if known else None,
        "share_of_time": covered_s / whole_s if whole_s > 0 else 0.0,
    }


def _thermal(seen: Sequence[Observation]) -> Document:
    """Return the share of the time in which heat slowed no core down, as the store counts it for jobs."""
    share = mean_of(seen, lambda o: None if o.throttled is None else float(not o.throttled))
    return _quantity(share, "1", "the kernel counts no throttling on this machine")


def _job_type(measured: Measured, io_mbps: float) -> Document:
    span_s = measured.elapsed_s * len(measured.workers)
    cpu = 100.0 * sum(result.cpu_s for result in measured.workers) / span_s
    share = mean_of(measured.busy, lambda o: o.memory)
    memory = None if share is None else 100.0 * share
    return {
        "value": classify(cpu, memory, io_mbps),
        "cpu_of_workers": _quantity(cpu, "%"),
        "memory_of_node": _quantity(memory, "%", "psutil does not tell it"),
        "input_output": _quantity(io_mbps, "MB/s"),
    }


_SYSTEM: tuple[tuple[str, str, Callable[[Observation], float | None]], ...] = (
    ("power", "W", lambda o: o.power_w),
    ("cpu_utilization", "1", lambda o: o.cpu),
    ("memory_utilization", "1", lambda o: o.memory),
    ("disk_read_rate", "bytes/s", lambda o: o.read_bytes_s),
    ("disk_write_rate", "bytes/s", lambda o: o.written_bytes_s),
    ("cpu_temperature", "degC", lambda o: o.celsius),
)


def _system(seen: Sequence[Observation]) -> Document:
    document: Document = {}
    for name, unit, value in _SYSTEM:
        most = max((found for o in seen if (found := value(o)) is not None), default=None)
        document[name] = {"mean": mean_of(seen, value), "max": most, "unit": unit}
    document["power"]["source"] = _source(seen)
    return document


def _worker(measured: Measured, result: Any) -> Document:
    return {
        "worker": result.worker,
        "workload": result.workload,
        "operations": dict(result.operations),
        "batches": result.batches,
        "operations_per_second": _quantity(result.count / measured.elapsed_s, "1/s"),
        "busy": _quantity(result.busy_s, "s"),
        "cpu_time": _quantity(result.cpu_s, "s"),
        "read": _quantity(result.read_bytes, "bytes"),
        "written": _quantity(result.written_bytes, "bytes"),
    }


def _history(measured: Measured) -> list[Document]:
    """Return the node every `HISTORY_S` seconds, and at the end: means since the entry before."""
    entries: list[Document] = []
    span: list[Observation] = []
    done = 0.0
    for o in measured.busy:
        span.append(o)
        if o.time_s >= HISTORY_S * (len(entries) + 1) - 0.5 or o is measured.busy[-1]:
            span_s = sum(each.span_s for each in span)
            entry: Document = {"time_s": o.time_s, "unix_s": o.unix_s}
            entry |= {name: mean_of(span, value) for name, _, value in _SYSTEM}
            entry |= {"power_source": _source(span), "energy_j": _energy_j(span)}
            entry["operations_per_second"] = (o.operations - done) / span_s if span_s > 0 else 0.0
            entries.append(entry)
            span, done = [], o.operations
    return entries


def _quantity(value: float | None, unit: str, reason: str = "", source: str | None = None) -> Document:
    document: Document = {"value": value, "unit": unit}
    if source is not None:
        document["source"] = source
    if value is None:
        document["reason"] = reason
    return document
