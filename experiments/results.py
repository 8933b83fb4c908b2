"""The results of one run: what Batsim's output files say, as arrays.

A run directory holds ``jobs.csv`` and, as far as they were written, ``schedule.csv``, ``machine_states.csv``,
``pstate_changes.csv`` and ``consumed_energy.csv`` (each also with ``.gz`` or ``.xz``), and of wattq itself
``summary.json`` (what the simulator counted), ``provenance.json`` (where everything comes from) and
``submitted.csv`` (every job of the workload with its user, so that jobs that never started are known).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattq.experiments.intervals import AllocationTable, allocation_table

__all__ = [
    "FINAL_STATES",
    "MACHINE_STATES",
    "EnergyTrace",
    "JobTable",
    "MachineStates",
    "PowerStates",
    "RunResults",
    "SubmittedJobs",
]

FINAL_STATES = (
    "COMPLETED_SUCCESSFULLY",
    "COMPLETED_FAILED",
    "COMPLETED_WALLTIME_REACHED",
    "COMPLETED_KILLED",
    "REJECTED",
)
MACHINE_STATES = ("sleeping", "switching_on", "switching_off", "idle", "computing")


@dataclass(frozen=True)
class JobTable:
    """Rows of ``jobs.csv``, in file order; times in s, NaN for a rejected job.

    Attributes:
        key: full id of each job, ``workload!id``.
        submit_s: submission date.
        hosts: number of hosts requested.
        requested_s: requested time, -1 without one.
        state: final state, one of `FINAL_STATES`.
        start_s: start date.
        run_s: execution time.
        finish_s: finish date.
        allocated: hosts as text, ``0-3 5``; empty for a rejected job.
        energy_j: energy of the job as Batsim counts it, NaN when energy was off.
    """

    key: tuple[str, ...]
    submit_s: NDArray[np.float64]
    hosts: NDArray[np.int64]
    requested_s: NDArray[np.float64]
    state: tuple[str, ...]
    start_s: NDArray[np.float64]
    run_s: NDArray[np.float64]
    finish_s: NDArray[np.float64]
    allocated: tuple[str, ...]
    energy_j: NDArray[np.float64]

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.key)

    @cached_property
    def rejected(self) -> NDArray[np.bool_]:
        """Whether each job was rejected."""
        return np.array([state == "REJECTED" for state in self.state], dtype=bool)

    @cached_property
    def succeeded(self) -> NDArray[np.bool_]:
        """Whether each job ended successfully."""
        return np.array([state == "COMPLETED_SUCCESSFULLY" for state in self.state], dtype=bool)

    @cached_property
    def allocation(self) -> AllocationTable:
        """Hosts of each job as intervals."""
        return allocation_table(self.allocated)


@dataclass(frozen=True)
class SubmittedJobs:
    """Every job of the workloads of a run (``submitted.csv``); ``user`` and ``queue`` are -1 where unknown."""

    key: tuple[str, ...]
    submit_s: NDArray[np.float64]
    hosts: NDArray[np.int64]
    requested_s: NDArray[np.float64]
    user: NDArray[np.int64]
    queue: NDArray[np.int64]


@dataclass(frozen=True)
class MachineStates:
    """Rows of ``machine_states.csv``: date (s) and number of hosts per state, shape (n, 5) as `MACHINE_STATES`."""

    time_s: NDArray[np.float64]
    count: NDArray[np.int64]


@dataclass(frozen=True)
class EnergyTrace:
    """Rows of ``consumed_energy.csv``: date (s) and energy consumed since date 0 (J), never decreasing in date.

    ``kind`` is ``s`` (a job starts), ``e`` (one ends) or ``p`` (power states), row by row; empty where not read.
    """

    time_s: NDArray[np.float64]
    energy_j: NDArray[np.float64]
    kind: tuple[str, ...] = ()


@dataclass(frozen=True)
class PowerStates:
    """Rows of ``pstate_changes.csv``, in file order.

    Attributes:
        time_s: dates with the six significant digits of the file.
        hosts: sets of hosts as text, ``0-3 5``.
        state: power state reached; -1, -2 and -42 are requests for a computing, a sleeping and another state.
    """

    time_s: NDArray[np.float64]
    hosts: tuple[str, ...]
    state: NDArray[np.int64]

    @cached_property
    def allocation(self) -> AllocationTable:
        """Hosts of each row as intervals."""
        return allocation_table(self.hosts)


@dataclass(frozen=True)
class RunResults:
    """What one run left behind.

    Attributes:
        directory: where it was read.
        jobs: the finished and rejected jobs.
        schedule: the line of ``schedule.csv``; empty when the file is missing.
        machine_states, energy, power_states: None when the file is missing or empty.
        submitted: None when the run has no ``submitted.csv`` (a run of the real Batsim).
        summary: ``summary.json``, or empty.
        provenance: ``provenance.json``, or empty.
    """

    directory: Path
    jobs: JobTable
    schedule: Mapping[str, float] = field(default_factory=dict)
    machine_states: MachineStates | None = None
    energy: EnergyTrace | None = None
    power_states: PowerStates | None = None
    submitted: SubmittedJobs | None = None
    summary: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def n_hosts(self) -> int:
        """Number of compute hosts: from ``schedule.csv``, else the sum of a row of ``machine_states.csv``, else 0."""
        stated = self.schedule.get("nb_computing_machines", 0.0)
        if stated > 0:
            return int(stated)
        return int(self.machine_states.count[0].sum()) if self.machine_states is not None else 0

    @cached_property
    def end_s(self) -> float:
        """Last date (s) that the run knows of; 0 for an empty run."""
        dates = [0.0, float(self.summary.get("end_s") or 0.0)]
        series = [self.jobs.finish_s, self.jobs.submit_s]
        series += [self.submitted.submit_s] if self.submitted is not None else []
        dates += [float(np.nanmax(values)) for values in series if np.isfinite(values).any()]
        return max(dates)

    @property
    def policy(self) -> str:
        """Label of the policy; the name of the directory when nothing says it."""
        policy = self.provenance.get("policy") or {}
        return str(policy.get("label") or policy.get("name") or self.directory.name)
