"""The outcome of a simulation: tables, Batsim's output files, and a summary."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattq.platforms.model import Platform
from wattq.simulator import layout as c
from wattq.simulator import outputs
from wattq.workloads.model import Workload

__all__ = ["Run"]

_STATE_NAMES = ("idle", "computing", "sleeping", "switching_on", "switching_off", "unavailable")


@dataclass(frozen=True)
class Run:
    """A simulation that came to its end.

    Attributes:
        platform: the machine.
        workloads: the workloads, in Batsim's order.
        kernel: the engine's arrays.
        ledger: the scheduler's arrays.
        energy: whether energy was counted.
        policy: name of the policy.
        params: its parameters.
        deadlock: whether the simulation stopped with jobs left (Batsim exits 0 then, too).
        scheduling_s: wall-clock time spent in a plain-Python policy, s (0 for compiled ones).
        simulation_s: wall-clock time of the simulation, s.
        metadata: text set by the scheduler, by job number.
    """

    platform: Platform
    workloads: tuple[Workload, ...]
    kernel: c.Kernel
    ledger: c.Ledger
    energy: bool
    policy: str
    params: Mapping[str, Any]
    deadlock: bool
    scheduling_s: float
    simulation_s: float
    metadata: Mapping[int, str] = field(default_factory=dict)

    @cached_property
    def finished(self) -> NDArray[np.int32]:
        """Numbers of the jobs that ended or were rejected, in the order of jobs.csv."""
        return self.kernel.out_jobs[: self.kernel.head[0]["n_out_jobs"]]

    @cached_property
    def _offsets(self) -> list[int]:
        """First job number of each workload."""
        sizes = [w.n_jobs for w in self.workloads]
        return [sum(sizes[:i]) for i in range(len(sizes))]

    def job_names(self, job: int) -> tuple[str, str, str]:
        """Return (id, workload, profile) of a job."""
        number = int(self.kernel.jobs[job]["workload"])
        w = self.workloads[number]
        index = job - self._offsets[number]
        return w.job_id[index], w.name, w.profiles[int(w.profile[index])].name

    @property
    def never_started(self) -> NDArray[np.int64]:
        """Numbers of the submitted jobs that neither started nor were rejected."""
        jobs = self.kernel.jobs[: self.kernel.head[0]["n_jobs"]]
        return np.flatnonzero(jobs["state"] == c.SUBMITTED)

    @property
    def energy_exact_j(self) -> float:
        """Energy of all hosts from date 0 to the end, integrated exactly, in J."""
        return math.fsum(self.energy_by_state_j.values())

    @cached_property
    def energy_by_state_j(self) -> dict[str, float]:
        """The exact energy by machine state, in J."""
        k = self.kernel.head[0]
        rest = self.kernel.sums[c.SUM_EXACT_W] * (k["clock_s"] - k["exact_at_s"])
        values = self.kernel.sums[c.SUM_EXACT_J] + rest
        return {name: float(value) for name, value in zip(_STATE_NAMES, values, strict=True)}

    @cached_property
    def summary(self) -> dict[str, Any]:
        """What summary.json holds; keys carry their units."""
        k = self.kernel.head[0]
        states = self.kernel.jobs[: k["n_jobs"]]["state"]
        result: dict[str, Any] = {
            "engine": "embedded",
            "semantics": f"Batsim {outputs.BATSIM_VERSION}",
            "status": "deadlock" if self.deadlock else "finished",
            "policy": self.policy,
            "params": dict(self.params),
            "platform": self.platform.name,
            "workloads": list(dict.fromkeys(w.name for w in self.workloads)),
            "synthetic": any(w.synthetic for w in self.workloads),
            "end_s": float(k["clock_s"]),
            "n_hosts": self.platform.n_compute,
            "jobs": {
                "total": int(k["n_jobs"]),
                "ended": int((states >= c.SUCCESS).sum() - (states == c.REJECTED).sum()),
                "succeeded": int((states == c.SUCCESS).sum()),
                "walltime_reached": int((states == c.WALLTIME).sum()),
                "failed": int((states == c.FAILED).sum()),
                "killed": int((states == c.KILLED).sum()),
                "rejected": int((states == c.REJECTED).sum()),
                "running_at_end": int((states == c.RUNNING).sum()),
                "never_started": len(self.never_started),
            },
            "messages": int(k["n_messages"]),
            "engine_steps": int(k["n_steps"]),
            "simulation_wall_s": self.simulation_s,
        }
        if self.energy:
            result |= self._energy_summary()
        return result

    def _energy_summary(self) -> dict[str, Any]:
        """Return both counts of energy: exact, and Batsim's."""
        k = self.kernel.head[0]
        lazy_j = float(k["total_j"] + k["power_w"] * (k["clock_s"] - k["total_at_s"]) + k["correction_j"])
        return {
            "energy_exact_j": self.energy_exact_j,
            "energy_by_state_j": self.energy_by_state_j,
            "energy_batsim_j": lazy_j,
            "energy_counts_differ": not math.isclose(lazy_j, self.energy_exact_j, rel_tol=1e-9, abs_tol=1e-6),
            "consumed_joules": float(k["last_end_j"] - k["first_job_j"]),
        }

    def files(self) -> dict[str, str]:
        """Return the output files by name; those about energy only when it was counted."""
        files = {
            "jobs.csv": outputs.jobs_csv(self),
            "schedule.csv": outputs.schedule_csv(self),
            "machine_states.csv": outputs.machine_states_csv(self),
        }
        if self.energy:
            files["pstate_changes.csv"] = outputs.pstate_changes_csv(self)
            files["consumed_energy.csv"] = outputs.consumed_energy_csv(self)
        return files

    def write(self, directory: str | Path, prefix: str = "") -> None:
        """Write Batsim's files and summary.json; each appears whole or not at all.

        Args:
            directory: made when missing.
            prefix: put before each name, such as ``out_``.
        """
        folder = Path(directory)
        folder.mkdir(parents=True, exist_ok=True)
        texts = self.files() | {"summary.json": json.dumps(self.summary, indent=1, ensure_ascii=False) + "\n"}
        for name, text in texts.items():
            part = folder / f"{prefix}{name}.part"
            part.write_text(text, encoding="utf-8", newline="")
            part.replace(folder / f"{prefix}{name}")
