"""Batsim's output files, to the last digit (batsim-semantics.md, section 4)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wattq.simulator import layout as c
from wattq.simulator.intervals import format_intervals

if TYPE_CHECKING:
    from wattq.simulator.run import Run

__all__ = [
    "BATSIM_VERSION",
    "JOB_STATES",
    "JobTimes",
    "consumed_energy_csv",
    "job_times",
    "jobs_csv",
    "machine_states_csv",
    "pstate_changes_csv",
    "schedule_csv",
    "schedule_values",
]

BATSIM_VERSION = "v4.2.1"
JOB_STATES = (
    "NOT_SUBMITTED",
    "SUBMITTED",
    "RUNNING",
    "COMPLETED_SUCCESSFULLY",
    "COMPLETED_FAILED",
    "COMPLETED_WALLTIME_REACHED",
    "COMPLETED_KILLED",
    "REJECTED",
)
_JOBS_HEADER = (
    "job_id,workload_name,profile,submission_time,requested_number_of_resources,requested_time,success,final_state,"
    "starting_time,execution_time,finish_time,waiting_time,turnaround_time,stretch,allocated_resources,"
    "consumed_energy,metadata"
)
_STATE_COLUMNS = (c.SLEEPING, c.SWITCHING_ON, c.SWITCHING_OFF, c.IDLE, c.COMPUTING)


class JobTimes(NamedTuple):
    """Times of jobs, in s, in the extended precision in which Batsim computes them (where the machine has it)."""

    run_s: NDArray[np.floating[Any]]
    finish_s: NDArray[np.floating[Any]]
    wait_s: NDArray[np.floating[Any]]
    turnaround_s: NDArray[np.floating[Any]]
    stretch: NDArray[np.floating[Any]]


def job_times(jobs: NDArray[np.void]) -> JobTimes:
    """Return the times of jobs that ended; a run time of 0 counts as 1e-5 s."""
    start, end, submit = (jobs[name].astype(np.longdouble) for name in ("start_s", "end_s", "submit_s"))
    run = np.where(end == start, np.longdouble("1e-5"), end - start)
    finish = start + run
    return JobTimes(run, finish, start - submit, finish - submit, (finish - submit) / run)


def _alloc_text(alloc: NDArray[np.int32], first: int, n: int) -> str:
    """Return the text of an allocation."""
    if n == 1:
        low, high = alloc[first].tolist()
        return str(low) if low == high else f"{low}-{high}"
    return format_intervals((low, high) for low, high in alloc[first : first + n].tolist())


def _job_rows(run: Run) -> Iterator[str]:
    """Yield the rows of jobs.csv in the order in which the server handled the ends."""
    order = run.finished
    jobs = run.kernel.jobs[order]
    times = job_times(jobs)
    energy = jobs["energy_j"] if run.energy else np.full(len(jobs), -1.0)
    alloc = run.kernel.alloc
    columns = (jobs["start_s"], times.run_s, times.finish_s, times.wait_s, times.turnaround_s, times.stretch, energy)
    numbers = zip(*(column.astype(np.float64).tolist() for column in columns), strict=True)
    fixed = zip(
        *(jobs[name].tolist() for name in ("submit_s", "hosts", "walltime_s", "state", "iv", "n_iv")), strict=True
    )
    for job, (sub, hosts, wall, state, iv, n_iv), values in zip(order.tolist(), fixed, numbers, strict=True):
        job_id, workload, profile = run.job_names(job)
        metadata = run.metadata.get(job, "")
        head = f"{job_id},{workload},{profile},{sub:.6f},{hosts},{wall:.6f},"
        if state == c.REJECTED:
            yield f'{head}0,REJECTED,,,,,,,,,"{metadata}"\n'
            continue
        success = 1 if state == c.SUCCESS else 0
        dates = ",".join(f"{value:.6f}" for value in values[:6])
        hosts_text = _alloc_text(alloc, iv, n_iv)
        yield f'{head}{success},{JOB_STATES[state]},{dates},{hosts_text},{values[6]:.6f},"{metadata}"\n'


def jobs_csv(run: Run) -> str:
    """Return jobs.csv (4.1)."""
    return _JOBS_HEADER + "\n" + "".join(_job_rows(run))


def _mean(values: NDArray[np.floating[Any]], n: int) -> float:
    """Return a sum, taken in order, over n; NaN for n = 0 as Batsim prints."""
    if not n:
        return math.nan
    return float(np.cumsum(values)[-1]) / n if len(values) else 0.0


def schedule_values(run: Run) -> dict[str, Any]:
    """Return the values of schedule.csv by column (4.2)."""
    k = run.kernel.head[0]
    order = run.finished
    jobs = run.kernel.jobs[order]
    done = jobs[jobs["state"] != c.REJECTED]
    times = job_times(done)
    n, n_success = len(jobs), int((done["state"] == c.SUCCESS).sum())
    seconds = run.kernel.sums[c.SUM_STATE_S]

    def largest(values: NDArray[np.floating[Any]]) -> float:
        return max(float(values.max()), 0.0) if len(values) else 0.0

    return {
        "batsim_version": BATSIM_VERSION,
        "consumed_joules": float(k["last_end_j"] - k["first_job_j"]) if run.energy else 0.0,
        "makespan": largest(times.finish_s),
        "max_slowdown": largest(times.stretch),
        "max_turnaround_time": largest(times.turnaround_s),
        "max_waiting_time": largest(times.wait_s),
        "mean_slowdown": _mean(times.stretch, n),
        "mean_turnaround_time": _mean(times.turnaround_s, n),
        "mean_waiting_time": _mean(times.wait_s, n),
        "nb_computing_machines": run.platform.n_hosts,
        "nb_grouped_switches": int(k["n_grouped"]),
        "nb_jobs": n,
        "nb_jobs_finished": len(done),
        "nb_jobs_killed": len(done) - n_success,
        "nb_jobs_rejected": n - len(done),
        "nb_jobs_success": n_success,
        "nb_machine_switches": int(k["n_switched"]),
        "scheduling_time": run.scheduling_s,
        "simulation_time": run.simulation_s,
        "success_rate": n_success / n if n else math.nan,
        "time_computing": float(seconds[c.COMPUTING]),
        "time_idle": float(seconds[c.IDLE]),
        "time_sleeping": float(seconds[c.SLEEPING]),
        "time_switching_off": float(seconds[c.SWITCHING_OFF]),
        "time_switching_on": float(seconds[c.SWITCHING_ON]),
        "time_unavailable": float(seconds[c.UNAVAILABLE]),
    }


def _number_text(value: Any) -> str:
    """Return a number as Batsim prints it in schedule.csv."""
    if isinstance(value, float):
        return "-nan" if math.isnan(value) else f"{value:.6f}"
    return str(value)


def schedule_csv(run: Run) -> str:
    """Return schedule.csv (4.2)."""
    values = schedule_values(run)
    return ",".join(values) + "\n" + ",".join(_number_text(value) for value in values.values()) + "\n"


def machine_states_csv(run: Run) -> str:
    """Return machine_states.csv (4.3)."""
    rows = run.kernel.out_states[: run.kernel.head[0]["n_out_states"]]
    counts = rows["n"][:, _STATE_COLUMNS].tolist()
    dates = rows["time_s"].tolist()
    lines = [f"{date:g},{','.join(map(str, n))}\n" for date, n in zip(dates, counts, strict=True)]
    return "time,nb_sleeping,nb_switching_on,nb_switching_off,nb_idle,nb_computing\n" + "".join(lines)


def _initial_pstate_rows(initial: Sequence[int]) -> Iterator[str]:
    """Yield the rows dated 0: one per power state in use."""
    for pstate in sorted(set(initial)):
        hosts = format_intervals((host, host) for host, value in enumerate(initial) if value == pstate)
        yield f"0,{hosts},{pstate}\n"


def pstate_changes_csv(run: Run) -> str:
    """Return pstate_changes.csv (4.4)."""
    rows = run.kernel.out_pstates[: run.kernel.head[0]["n_out_pstates"]]
    alloc = run.kernel.alloc
    lines = [f"{time_s:g},{_alloc_text(alloc, iv, n_iv)},{pstate}\n" for time_s, pstate, iv, n_iv, _ in rows.tolist()]
    initial = list(_initial_pstate_rows(run.platform.initial_pstate.tolist()))
    return "time,machine_id,new_pstate\n" + "".join(initial + lines)


def consumed_energy_csv(run: Run) -> str:
    """Return consumed_energy.csv (4.5)."""
    rows = run.kernel.out_energy[: run.kernel.head[0]["n_out_energy"]]
    elapsed = np.diff(rows["time_s"], prepend=0.0)
    gained = np.diff(rows["energy_j"], prepend=0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        power = np.where(elapsed > 0.0, gained / elapsed, -1.0)
    lines = []
    for (time_s, energy_j, wattmin_w, kind, _), epower in zip(rows.tolist(), power.tolist(), strict=True):
        power_text = "NA" if epower == -1.0 else f"{epower:.6f}"
        lines.append(f"{time_s:.6f},{energy_j:.6f},{chr(kind)},{wattmin_w:.6f},{power_text}\n")
    return "time,energy,event_type,wattmin,epower\n" + "".join(lines)
