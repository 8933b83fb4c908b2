"""The metrics of one run, as defined in `wattq.experiments.catalogue.METRICS`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattq.experiments.catalogue import DEFAULT_TAU_S, STATISTICS
from wattq.experiments.fairness import fairness
from wattq.experiments.results import RunResults
from wattq.experiments.timelines import power_w, queue_length, span
from wattq.experiments.waits import Population, population

__all__ = ["compute_metrics", "spread"]

_PERCENTILES = {"p50": 50.0, "p95": 95.0, "p99": 99.0}
_ENERGY_STATES = {
    "computing": ("computing",),
    "idle": ("idle", "unavailable"),
    "sleeping": ("sleeping",),
    "switching": ("switching_on", "switching_off"),
}


def compute_metrics(run: RunResults, tau_s: float = DEFAULT_TAU_S) -> dict[str, float]:
    """Return the metrics of a run by name; those that its files do not tell are missing, never 0.

    Wait, turnaround and slowdown statistics include jobs that never started with the lower bound that the run proves
    (see `wattq.experiments.waits`); ``jobs_never_started`` is their number. Percentiles are numpy's linear ones.

    Args:
        run: what `wattq.experiments.read_run` returns.
        tau_s: bound of the bounded slowdown, in s.
    """
    jobs = population(run, tau_s)
    values = _counts(run, jobs)
    values |= spread(jobs.wait_s, "wait", "_s") | spread(jobs.turnaround_s, "turnaround", "_s")
    values |= spread(jobs.slowdown, "slowdown") | spread(jobs.bounded_slowdown, "bounded_slowdown")
    values |= _machine(run, values)
    values |= _energy(run, values)
    values |= fairness(jobs)
    return {name: value for name, value in values.items() if not np.isnan(value)}


def spread(samples: NDArray[np.float64], name: str, suffix: str = "") -> dict[str, float]:
    """Return mean, p50, p95, p99 and max of the samples that are not NaN; empty when there are none."""
    known = samples[~np.isnan(samples)]
    if len(known) == 0:
        return {}
    quantiles = np.percentile(known, list(_PERCENTILES.values()), method="linear")
    found = dict(zip(_PERCENTILES, map(float, quantiles), strict=True))
    found |= {"mean": float(np.mean(known)), "max": float(np.max(known))}
    return {f"{name}_{statistic}{suffix}": found[statistic] for statistic in STATISTICS}


def _counts(run: RunResults, jobs: Population) -> dict[str, float]:
    rejected, censored = len(jobs.rejected), int(jobs.censored.sum())
    finished = len(run.jobs) - rejected
    succeeded = int(run.jobs.succeeded.sum())
    ran = ~run.jobs.rejected
    work = float(np.sum(run.jobs.allocation.size[ran] * run.jobs.run_s[ran]))
    return {
        "jobs_submitted": float(finished + rejected + censored),
        "jobs_finished": float(finished),
        "jobs_succeeded": float(succeeded),
        "jobs_killed": float(finished - succeeded),
        "jobs_rejected": float(rejected),
        "jobs_never_started": float(censored),
        "work_host_h": work / 3600.0,
    }


def _machine(run: RunResults, counts: Mapping[str, float]) -> dict[str, float]:
    begin, end = span(run)
    finish = run.jobs.finish_s[~run.jobs.rejected]
    values = {"makespan_s": float(np.max(finish)) if len(finish) else 0.0, "span_s": end - begin}
    if end <= begin:
        return values
    queue = queue_length(run)
    values["throughput_per_h"] = counts["jobs_finished"] / (end - begin) * 3600.0
    values["queue_mean"] = queue.mean(begin, end)
    values["queue_max"] = float(np.max(queue.value, initial=0.0))
    if run.n_hosts > 0:
        values["utilisation"] = counts["work_host_h"] * 3600.0 / (run.n_hosts * (end - begin))
    return values


def _energy(run: RunResults, counts: Mapping[str, float]) -> dict[str, float]:
    total = _total_energy(run)
    if total is None:
        return {}
    values = {"energy_j": total, **_energy_parts(run)}
    if counts["work_host_h"] > 0:
        values["energy_per_work_j"] = total / (counts["work_host_h"] * 3600.0)
    power = power_w(run)
    if power is not None:
        values["power_mean_w"] = power.mean(power.time_s[0], power.time_s[-1])
        values["power_max_w"] = float(np.max(power.value))
    return values


def _total_energy(run: RunResults) -> float | None:
    """Return the exact integral where the run states it, else Batsim's count; None when energy was off."""
    exact = run.summary.get("energy_exact_j")
    if isinstance(exact, (int, float)) and not isinstance(exact, bool):
        return float(exact)
    return run.schedule.get("consumed_joules") if run.energy is not None else None


def _energy_parts(run: RunResults) -> dict[str, float]:
    """Return the energy by state; hosts that are unavailable draw what idle ones do and count with them."""
    parts = _number_map(run.summary.get("energy_by_state_j"))
    if not parts:
        return {}
    return {
        f"energy_{name}_j": sum(parts.get(state, 0.0) for state in states) for name, states in _ENERGY_STATES.items()
    }


def _number_map(parts: Any) -> dict[str, float]:
    if not isinstance(parts, Mapping):
        return {}
    return {str(key): float(value) for key, value in parts.items() if isinstance(value, (int, float))}
