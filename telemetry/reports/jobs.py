"""Runs of jobs as columns: what a store says of them in a period, with nothing filled in."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattq.units import HOUR_S

__all__ = ["SOURCES", "JobTable", "job_table", "lost_states"]

Floats = NDArray[np.float64]
Texts = NDArray[np.str_]
Mask = NDArray[np.bool_]

SOURCES = ("measured", "modelled", "synthetic", "unknown")
"""Where an energy comes from; ``unknown`` where a row has joules and does not say."""

_MIB_PER_GIB = 1024.0


@dataclass(frozen=True)
class JobTable:
    """n runs of jobs; numbers are NaN and texts are empty where the store knows nothing.

    Attributes:
        job_id: the job.
        name, kind, pattern: job_name, job_type and workload_pattern.
        user, partition, nodes, state: who, where and how it ended.
        source, meter: where the energy comes from, one of `SOURCES` or empty without energy; what measured it.
        start_s, end_s: Unix s; the end is NaN while it runs.
        cores, memory_mb, node_count: what it held.
        cpu_usage, memory_usage: percent.
        energy_j, coverage: joules of the run, measured share of it.
        throttled: 1 where a core was throttled, 0 where not.
        peak_temp_c: highest temperature of a CPU, degrees Celsius.
    """

    job_id: Texts
    name: Texts
    kind: Texts
    pattern: Texts
    user: Texts
    partition: Texts
    nodes: Texts
    state: Texts
    source: Texts
    meter: Texts
    start_s: Floats
    end_s: Floats
    cores: Floats
    memory_mb: Floats
    node_count: Floats
    cpu_usage: Floats
    memory_usage: Floats
    energy_j: Floats
    coverage: Floats
    throttled: Floats
    peak_temp_c: Floats

    @property
    def n_jobs(self) -> int:
        """Number of runs."""
        return len(self.job_id)

    @property
    def run_s(self) -> Floats:
        """Run times, s."""
        length: Floats = self.end_s - self.start_s
        return length

    @property
    def has_energy(self) -> Mask:
        """Whether the energy of a run is known."""
        known: Mask = np.isfinite(self.energy_j)
        return known

    @property
    def completed(self) -> Mask:
        """Whether a run ended well."""
        done: Mask = self.state == "COMPLETED"
        return done

    @property
    def cpu_hours(self) -> Floats:
        """Cores x hours; NaN where cores are not known."""
        hours: Floats = self.cores * self.run_s / HOUR_S
        return hours

    @property
    def gb_hours(self) -> Floats:
        """GiB of memory x hours; NaN where memory is not known."""
        hours: Floats = self.memory_mb / _MIB_PER_GIB * self.run_s / HOUR_S
        return hours

    def take(self, rows: NDArray[Any]) -> JobTable:
        """Return the runs of these rows (numbers or a mask)."""
        return JobTable(**{column.name: getattr(self, column.name)[rows] for column in fields(self)})


def lost_states(jobs: JobTable) -> Mask:
    """Return whether a run ended without a result: neither completed nor still in a state that holds nodes."""
    open_states = ("", "COMPLETED", "RUNNING", "STARTING", "COMPLETING", "PENDING", "CONFIGURING", "SUSPENDED")
    lost: Mask = ~np.isin(jobs.state, open_states)
    return lost


_TEXTS = {
    "job_id": "job_id",
    "name": "job_name",
    "kind": "job_type",
    "pattern": "workload_pattern",
    "user": "user_id",
    "partition": "partition",
    "nodes": "node_id",
    "meter": "energy_meter",
}
_NUMBERS = {
    "cores": "cpu_cores",
    "memory_mb": "memory_mb",
    "cpu_usage": "cpu_usage",
    "memory_usage": "memory_usage",
    "coverage": "energy_coverage",
    "peak_temp_c": "peak_cpu_temp",
    "throttled": "thermal_throttling",
}


def job_table(rows: Sequence[Mapping[str, Any]]) -> JobTable:
    """Return rows of job_metrics as columns; an energy below 0 is none."""
    start, energy = _numbers(rows, "time"), _numbers(rows, "energy_j")
    end, length = _numbers(rows, "end_time"), _numbers(rows, "duration_seconds")
    energy = np.where(energy >= 0.0, energy, np.nan)
    origin = _texts(rows, "energy_source")
    known = np.where(np.isin(origin, SOURCES), origin, "unknown")
    count = _numbers(rows, "node_count")
    columns: dict[str, Any] = {name: _texts(rows, column) for name, column in _TEXTS.items()}
    columns |= {name: _numbers(rows, column) for name, column in _NUMBERS.items()}
    return JobTable(
        **columns,
        # "CANCELLED by 1000" is a state, too.
        state=np.array([text.split(" ")[0].upper() for text in _texts(rows, "job_state").tolist()], dtype=np.str_),
        source=np.where(np.isfinite(energy), known, ""),
        start_s=start,
        end_s=np.where(np.isfinite(end), end, start + length),
        node_count=np.where(count >= 1.0, count, np.nan),
        energy_j=energy,
    )


def _texts(rows: Sequence[Mapping[str, Any]], name: str) -> Texts:
    return np.array([str(row.get(name) if row.get(name) is not None else "") for row in rows], dtype=np.str_)


def _numbers(rows: Sequence[Mapping[str, Any]], name: str) -> Floats:
    values = (row.get(name) for row in rows)
    return np.array([math.nan if value is None else float(value) for value in values], dtype=np.float64)
