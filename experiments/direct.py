"""Results of a simulation without its files: what `read_run` would read of them, to the digits that files have."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from wattq.experiments.engines import Embedded, clock_of, with_clock
from wattq.experiments.experiment_model import PolicySpec
from wattq.experiments.results import (
    EnergyTrace,
    JobTable,
    MachineStates,
    PowerStates,
    RunResults,
    SubmittedJobs,
)
from wattq.platforms.model import Platform
from wattq.workloads.model import Workload

if TYPE_CHECKING:
    from wattq.simulator.run import Run

__all__ = ["Direct", "results_of"]

_DECIMALS = 6
_NOWHERE = Path("-")

Floats = NDArray[np.float64]


class Direct(Embedded):
    """The in-process simulator, whose results are taken as they are: no files are written, and none are read."""

    def results(
        self, platform: Platform, workloads: Sequence[Workload], policy: PolicySpec, *, energy: bool
    ) -> RunResults:
        """Simulate, and return the results; their directory is ``-``.

        Args:
            platform: the machine.
            workloads: w0, w1, ... in this order.
            policy: name and parameters.
            energy: whether energy is counted.

        Raises:
            WattqError: the policy is unknown, the platform has no powers, the simulation aborts, ...
        """
        from wattq.schedulers import make_policy
        from wattq.simulator import simulate

        policy = with_clock(policy, clock_of(workloads))
        made = make_policy(policy.name, policy.params)
        return results_of(simulate(platform, workloads, made, energy=energy), workloads)


def results_of(run: Run, workloads: Sequence[Workload]) -> RunResults:
    """Return the results of a run.

    Numbers are rounded as the files round them: dates and energies to six decimals, the dates of
    ``pstate_changes.csv`` and ``machine_states.csv`` to six significant digits.

    Args:
        run: what was simulated.
        workloads: its workloads.
    """
    from wattq.simulator import outputs

    values = outputs.schedule_values(run)
    return RunResults(
        directory=_NOWHERE,
        jobs=_jobs(run),
        schedule={name: round(float(value), _DECIMALS) for name, value in values.items() if name != "batsim_version"},
        machine_states=_machine_states(run),
        energy=_energy(run) if run.energy else None,
        power_states=_power_states(run) if run.energy else None,
        submitted=_submitted(workloads),
        summary=run.summary,
    )


def _jobs(run: Run) -> JobTable:
    from wattq.simulator import layout as c
    from wattq.simulator import outputs

    jobs = run.kernel.jobs[run.finished]
    names = [run.job_names(job) for job in run.finished.tolist()]
    times = outputs.job_times(jobs)
    rejected = jobs["state"] == c.REJECTED
    energy = _rounded(jobs["energy_j"]) if run.energy else np.full(len(jobs), -1.0)
    alloc = run.kernel.alloc
    places = zip(rejected.tolist(), jobs["iv"].tolist(), jobs["n_iv"].tolist(), strict=True)
    return JobTable(
        key=tuple(f"{workload}!{job}" for job, workload, _ in names),
        submit_s=_rounded(jobs["submit_s"]),
        hosts=jobs["hosts"].astype(np.int64),
        requested_s=_rounded(jobs["walltime_s"]),
        state=tuple(outputs.JOB_STATES[state] for state in jobs["state"].tolist()),
        start_s=_known(jobs["start_s"], rejected),
        run_s=_known(times.run_s, rejected),
        finish_s=_known(times.finish_s, rejected),
        allocated=tuple("" if out else _hosts(alloc[first : first + n]) for out, first, n in places),
        energy_j=np.where(rejected | (energy < 0), np.nan, energy),
    )


def _hosts(intervals: NDArray[np.int32]) -> str:
    """Return a set of hosts as text, as the files write it."""
    from wattq.simulator.intervals import format_intervals

    return format_intervals([(low, high) for low, high in intervals.tolist()])


def _rounded(values: NDArray[Any]) -> Floats:
    found: Floats = np.round(np.asarray(values, dtype=np.float64), _DECIMALS).astype(np.float64, copy=False)
    return found


def _known(values: NDArray[Any], rejected: NDArray[np.bool_]) -> Floats:
    return np.where(rejected, np.nan, _rounded(values))


def _six_digits(values: NDArray[Any]) -> Floats:
    return np.array([float(f"{value:g}") for value in values.tolist()], dtype=np.float64)


def _machine_states(run: Run) -> MachineStates | None:
    from wattq.simulator import layout as c

    rows = run.kernel.out_states[: run.kernel.head[0]["n_out_states"]]
    if not len(rows):
        return None
    columns = (c.SLEEPING, c.SWITCHING_ON, c.SWITCHING_OFF, c.IDLE, c.COMPUTING)
    return MachineStates(_six_digits(rows["time_s"]), rows["n"][:, columns].astype(np.int64))


def _energy(run: Run) -> EnergyTrace | None:
    rows = run.kernel.out_energy[: run.kernel.head[0]["n_out_energy"]]
    if not len(rows):
        return None
    kinds = tuple(map(chr, rows["kind"].tolist()))
    return EnergyTrace(_rounded(rows["time_s"]), _rounded(rows["energy_j"]), kinds)


def _power_states(run: Run) -> PowerStates | None:
    from wattq.simulator import outputs

    text = outputs.pstate_changes_csv(run)
    rows = [line.split(",") for line in text.splitlines()[1:]]
    if not rows:
        return None
    dates, hosts, states = zip(*rows, strict=True)
    return PowerStates(np.array(dates, dtype=np.float64), hosts, np.array(states, dtype=np.int64))


def _submitted(workloads: Sequence[Workload]) -> SubmittedJobs:
    def column(name: str, kind: type) -> NDArray[Any]:
        return np.concatenate([np.asarray(getattr(workload, name), dtype=kind) for workload in workloads])

    return SubmittedJobs(
        key=tuple(f"{workload.name}!{job}" for workload in workloads for job in workload.job_id),
        submit_s=_rounded(column("submit_s", np.float64)),
        hosts=column("hosts", np.int64),
        requested_s=_rounded(column("walltime_s", np.float64)),
        user=column("user", np.int64),
        queue=column("queue", np.int64),
    )
