"""What is made of a job that has ended: its row, its class, its prediction, its message and its archive."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from wattq.errors import WattqError
from wattq.telemetry.meters import node_power_of
from wattq.telemetry.slurm.ask import command_environment, run_command
from wattq.telemetry.slurm.facts import JobFacts
from wattq.telemetry.slurm.hook import Hook
from wattq.telemetry.slurm.pattern import classify
from wattq.telemetry.slurm.running import JobStats
from wattq.telemetry.slurm.state import StateFolder

if TYPE_CHECKING:
    from wattq.telemetry.slurm.attribution import Holding, JobEnergy

__all__ = [
    "EndedJob",
    "accuracy_percent",
    "energies_until_now",
    "energy_columns",
    "final_row",
    "final_state",
    "job_energy",
    "on_all_nodes",
    "prediction_question",
    "prediction_row",
    "start_row",
]

FINAL = (
    "COMPLETED",
    "CANCELLED",
    "FAILED",
    "TIMEOUT",
    "NODE_FAIL",
    "PREEMPTED",
    "BOOT_FAIL",
    "DEADLINE",
    "OUT_OF_MEMORY",
)
"""Words of Slurm for jobs that have ended."""

_MB = 1024.0**2


@dataclass(frozen=True)
class EndedJob:
    """A run that is over, on this node.

    Attributes:
        facts: of the job.
        start_s, end_s: of the run on this node, Unix s.
        row_s: key of its row: its start, which is one for all nodes.
        energy: of the run, or None.
        stats: what it used.
    """

    facts: JobFacts
    start_s: float
    end_s: float
    row_s: float
    energy: JobEnergy | None
    stats: JobStats

    @property
    def cpu_percent(self) -> float | None:
        """Mean utilisation of its cores here, percent."""
        return self.stats.cpu_percent(self.facts.cores)

    @property
    def memory_percent(self) -> float | None:
        """Mean share of its memory (of the node's, where it asked for none) in use, percent."""
        share = None if self.facts.memory_mb is None else self.facts.memory_mb * _MB / (self.facts.node_count or 1)
        return self.stats.memory_percent(share or _node_memory_bytes())

    @property
    def read_mbps(self) -> float | None:
        """Mean rate of reading, MB/s."""
        return self.stats.rate_mbps(self.stats.read_bytes)

    @property
    def write_mbps(self) -> float | None:
        """Mean rate of writing, MB/s."""
        return self.stats.rate_mbps(self.stats.written_bytes)

    @property
    def pattern(self) -> str:
        """Class by what it did."""
        return classify(self.cpu_percent, self.memory_percent, (self.read_mbps or 0.0) + (self.write_mbps or 0.0))


def _node_memory_bytes() -> float:
    return float(os.sysconf("SC_PAGE_SIZE")) * float(os.sysconf("SC_PHYS_PAGES"))


def energies_until_now(state: StateFolder, hook: Hook, now_s: float) -> dict[str, JobEnergy]:
    """Return the energies on this node, by job, of jobs that run until now; without peaks of power."""
    from wattq.telemetry.slurm.attribution import energy_of_jobs

    held = {job: _holding(each, now_s) for job, each in state.held().items()}
    if not held:
        return {}
    sample_s = hook.settings.slurm.sample_s
    marks = state.marks(min(one.start_s for one in held.values()) - 3 * sample_s, now_s)
    return energy_of_jobs(marks, held, node_power_of(hook.settings.node), sample_s, most_dates=0)


def job_energy(
    state: StateFolder, hook: Hook, now_s: float, ended: Mapping[str, Any], facts: JobFacts
) -> JobEnergy | None:
    """Return the energy of a job that has ended, on all its nodes, or None.

    Args:
        state: of this node.
        hook: with settings.
        now_s: end of jobs that run, Unix s.
        ended: what the epilog wrote of this job.
        facts: of the job.
    """
    from wattq.telemetry.slurm.attribution import energy_of_jobs

    own = _holding(ended, now_s)
    if not own.end_s > own.start_s:
        return None
    held = {job: _holding(each, now_s) for job, each in state.held().items() if job != facts.job_id}
    beside = {job: one for job, one in held.items() if one.start_s < own.end_s and one.end_s > own.start_s}
    sample_s = hook.settings.slurm.sample_s
    marks = state.marks(own.start_s - 3 * sample_s, now_s)
    all_held = {**beside, facts.job_id: own}
    energy = energy_of_jobs(marks, all_held, node_power_of(hook.settings.node), sample_s).get(facts.job_id)
    if energy is None or energy.source == "measured" or beside or (facts.node_count or 1) > 1:
        return None if energy is None else on_all_nodes(energy, facts)
    return _accounted(hook, facts.job_id, energy)


def on_all_nodes(energy: JobEnergy, facts: JobFacts) -> JobEnergy:
    """Return the energy of a job on all its nodes from that on this one.

    What the others drew counts with the power of this one, by cores, and as not covered.
    """
    share = min((facts.cores or 1) / facts.all_cores, 1.0) if facts.all_cores and (facts.node_count or 1) > 1 else 1.0
    return replace(
        energy,
        energy_j=energy.energy_j / share,
        mean_w=energy.mean_w / share,
        peak_w=energy.peak_w / share,
        coverage=energy.coverage * share,
    )


def _holding(document: Mapping[str, Any], now_s: float) -> Holding:
    from wattq.telemetry.slurm.attribution import Holding

    end_s = document.get("end_s")
    gpus = tuple(int(gpu) for gpu in document.get("gpus") or ())
    # A job whose cores nobody told counts with one.
    cores = float(document.get("cores") or 1)
    return Holding(float(document["start_s"]), now_s if end_s is None else float(end_s), cores, gpus)


def _accounted(hook: Hook, job_id: str, modelled: JobEnergy) -> JobEnergy:
    """Return the energy that Slurm gathered for a job that had the node for itself, else what the model says."""
    words = ["sacct", "-n", "-P", "-j", job_id, "-o", "ConsumedEnergyRaw"]
    try:
        text = run_command(words, command_environment(hook.environ), 5.0)
    except WattqError:
        return modelled
    joules = max((float(line) for line in text.split() if re.fullmatch(r"\d{1,15}", line)), default=0.0)
    if not joules > 0:
        return modelled
    run_s = modelled.energy_j / modelled.mean_w
    mean_w = joules / run_s
    return replace(
        modelled,
        energy_j=joules,
        mean_w=mean_w,
        peak_w=max(mean_w, modelled.peak_w),
        coverage=1.0,
        source="measured",
        meter="acct_gather",
    )


def final_state(facts: JobFacts) -> str:
    """Return how a job ended: Slurm's word, or what its exit code says where Slurm has not told."""
    word = facts.state.split("+")[0]
    if word in FINAL:
        return word
    return "COMPLETED" if not facts.exit_code and not facts.signal else "FAILED"


def final_row(job: EndedJob) -> dict[str, Any]:
    """Return the columns of ``job_metrics`` that are known now."""
    energy = job.energy
    return {
        **start_row(job.facts, job.row_s),
        "end_time": job.end_s,
        "duration_seconds": job.end_s - job.start_s,
        "cpu_usage": job.cpu_percent,
        "memory_usage": job.memory_percent,
        "io_read_mbps": job.read_mbps,
        "io_write_mbps": job.write_mbps,
        **job.stats.heat(),
        **({} if energy is None else energy_columns(energy)),
        "job_state": final_state(job.facts),
        "exit_code": job.facts.exit_code,
        "workload_pattern": job.pattern,
    }


def start_row(facts: JobFacts, row_s: float) -> dict[str, object]:
    """Return the columns of ``job_metrics`` that are known at the start."""
    return {
        "time": row_s,
        "job_id": facts.name,
        "job_name": facts.title or None,
        "job_type": facts.job_type,
        "node_id": facts.node_list or facts.node,
        "node_count": facts.node_count,
        "user_id": facts.user or None,
        "account": facts.account or None,
        "qos": facts.qos or None,
        "partition": facts.partition or None,
        "submit_time": facts.submit_s,
        "walltime_seconds": facts.walltime_s,
        "cpu_cores": facts.all_cores or facts.cores,
        "memory_mb": facts.memory_mb,
    }


def energy_columns(energy: JobEnergy) -> dict[str, object]:
    """Return the columns of ``job_metrics`` on energy."""
    return {
        "avg_power_watts": energy.mean_w,
        "peak_power_watts": energy.peak_w,
        "energy_j": energy.energy_j,
        "energy_source": energy.source,
        "energy_meter": energy.meter,
        "energy_coverage": min(energy.coverage, 1.0),
    }


def prediction_question(job: EndedJob) -> dict[str, object]:
    """Return what is asked of ``POST /predict``: the run as it was, but for its power."""
    pattern = job.pattern
    kind = job.facts.job_type or (None if pattern == "light" else pattern)
    return {
        "job_id": job.facts.name,
        "duration_seconds": max(job.end_s - job.start_s, 0.001),
        "hosts": job.facts.node_count,
        "cpu_cores": job.facts.all_cores or job.facts.cores,
        "cpu_usage_percent": job.cpu_percent,
        "memory_usage_percent": job.memory_percent,
        "io_read_mbps": job.read_mbps,
        "io_write_mbps": job.write_mbps,
        "user": job.facts.user or None,
        "queue": job.facts.partition or None,
        "application": job.facts.title[:100] or None,
        "job_type": kind,
    }


def prediction_row(job: EndedJob, answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of ``energy_predictions``: what was predicted beside what was.

    Raises:
        TelemetryError, TypeError, ValueError, KeyError: the answer is none of the API's.
    """
    watt_hours = answer["predicted_energy_wh"]
    joules = float(answer.get("predicted_energy_j") or float(watt_hours) * 3600.0)
    interval = answer.get("confidence_interval") or {}
    return {
        "time": time.time(),
        "job_id": job.facts.name,
        "predicted_duration_seconds": answer.get("predicted_duration_seconds"),
        "predicted_energy_j": joules,
        "energy_low_j": _joules(interval.get("lower")),
        "energy_high_j": _joules(interval.get("upper")),
        "predicted_power_watts": answer.get("predicted_power_watts"),
        "predicted_cpu_usage": job.cpu_percent,
        "model_version": str(answer.get("model_version", "")),
        "prediction_method": str(answer.get("prediction_method", "")),
        "actual_energy_j": None if job.energy is None else job.energy.energy_j,
        "actual_duration_seconds": job.end_s - job.start_s,
    }


def _joules(watt_hours: Any) -> float | None:
    return None if watt_hours is None else float(watt_hours) * 3600.0


def accuracy_percent(predicted_j: float, actual_j: float | None) -> float | None:
    """Return 100 less the absolute error of a prediction, percent, at least 0; None without an actual energy."""
    if not actual_j:
        return None
    return max(100.0 - 100.0 * abs(predicted_j - actual_j) / actual_j, 0.0)
