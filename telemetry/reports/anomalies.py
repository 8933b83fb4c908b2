"""Runs unlike their like: by the rule of `wattq.surrogates.energy.anomalies`, of power per node and of energy per run.

Power per node is compared within runs of one name (else kind), else of one user. It does not see a run that took three
times as long as usual; energy per run does, compared within runs of one user, name and number of nodes. A run is listed
when it lies beyond the fence of its group and is far enough from the group's median to matter: tiny spreads have narrow
fences. Only measured energies are compared: a model of power knows nothing unusual.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from wattq.surrogates.energy.anomalies import AnomalyReport
from wattq.surrogates.energy.anomalies import anomalies as find
from wattq.surrogates.energy.jobs import EnergyJobs, EnergyLabels
from wattq.telemetry.reports.jobs import JobTable
from wattq.telemetry.reports.schema import AnomalyPart, JobAnomaly
from wattq.units import HOUR_S, JOULES_PER_KWH

__all__ = ["LEAST_RATIO", "anomaly_part"]

LEAST_RATIO = {"power": 1.3, "energy": 2.0}
"""By measure: how many times the usual a run is at least (or at most its inverse, for power) to be listed."""

_FENCE = 1.5
_LEAST_JOBS = 8
_WATTS_PER_KW = 1000.0
_EXPLAINS = 1.5


def anomaly_part(jobs: JobTable, *, source: str = "measured") -> AnomalyPart:
    """Return runs unlike their like.

    Args:
        jobs: ended runs.
        source: the source of energy that is compared; others are left out.
    """
    good = (jobs.source == source) & (jobs.energy_j > 0.0) & (jobs.run_s > 0.0)
    own = jobs.take(good)
    found: list[JobAnomaly] = []
    groups = 0
    if own.n_jobs >= _LEAST_JOBS:
        by_power, by_energy = _labels(own, source), _per_run(own, source)
        reports = {"power": find(by_power, fence=_FENCE, least_jobs=_LEAST_JOBS)}
        named = np.flatnonzero(by_energy.jobs.application != "")
        if named.size:
            reports["energy"] = find(by_energy.take(named), fence=_FENCE, least_jobs=_LEAST_JOBS)
        groups = sum(len(report.groups) for report in reports.values())
        found = _merged([each for name, report in reports.items() for each in _listed(own, name, report)])
    return AnomalyPart(
        checked=own.n_jobs,
        groups=groups,
        fence=_FENCE,
        least_ratio=LEAST_RATIO,
        anomalies=found,
        share=len(found) / own.n_jobs if own.n_jobs else None,
    )


def _labels(jobs: JobTable, source: str) -> EnergyLabels:
    """Return runs as labels; the row number stands for the job, since ids may repeat."""
    names = np.where(jobs.name != "", jobs.name, jobs.kind)
    return EnergyLabels(
        jobs=EnergyJobs.of(_nodes(jobs), application=names, user=jobs.user, queue=jobs.partition),
        run_s=jobs.run_s,
        energy_j=jobs.energy_j,
        label_source=source,
        job_id=tuple(str(row) for row in range(jobs.n_jobs)),
    )


def _nodes(jobs: JobTable) -> NDArray[np.float64]:
    return np.where(np.isfinite(jobs.node_count), jobs.node_count, 1.0)


def _per_run(jobs: JobTable, source: str) -> EnergyLabels:
    """Return labels of one node and one hour, so that their kWh per node-hour are the kWh of the run."""
    one, labels = np.ones(jobs.n_jobs), _labels(jobs, source)
    keys = [
        f"{name} of {user} on {nodes:g} nodes" if name else ""
        for name, user, nodes in zip(
            labels.jobs.application.tolist(), jobs.user.tolist(), _nodes(jobs).tolist(), strict=True
        )
    ]
    return replace(labels, jobs=EnergyJobs.of(one, application=keys), run_s=HOUR_S * one)


def _listed(jobs: JobTable, measure: str, report: AnomalyReport) -> Iterator[JobAnomaly]:
    usual = {group.name: group.median for group in report.groups}
    # Energies of runs that have no group of their own (those of a user, all others) are not alike.
    known = {name for name in usual if measure == "power" or name.startswith("application ")}
    scale = _WATTS_PER_KW if measure == "power" else JOULES_PER_KWH
    for each in report.anomalies:
        row, ratio = int(each.job_id), each.kwh_per_node_hour / max(usual[each.group], 1e-300)
        low = measure == "power" and ratio <= 1.0 / LEAST_RATIO["power"]
        if each.group not in known or not (low or ratio >= LEAST_RATIO[measure]):
            continue
        yield JobAnomaly(
            job_id=str(jobs.job_id[row]),
            start_s=float(jobs.start_s[row]),
            user=str(jobs.user[row]),
            node=str(jobs.nodes[row]),
            measure="power" if measure == "power" else "energy",
            group=each.group,
            value=each.kwh_per_node_hour * scale,
            usual=usual[each.group] * scale,
            ratio=ratio,
            side="low" if ratio < 1.0 else "high",
            energy_j=float(jobs.energy_j[row]),
        )


def _merged(found: list[JobAnomaly]) -> list[JobAnomaly]:
    """Return each run once, farthest from usual first: by its power where that explains most of its energy."""
    best: dict[tuple[str, float], JobAnomaly] = {}
    for each in found:
        key = (each.job_id, each.start_s)
        if key not in best or _weight(each) > _weight(best[key]):
            best[key] = each
    return sorted(best.values(), key=lambda each: (-_far(each), each.job_id, each.start_s))


def _far(each: JobAnomaly) -> float:
    return abs(math.log(max(each.ratio, 1e-300)))


def _weight(each: JobAnomaly) -> float:
    return _far(each) + (math.log(_EXPLAINS) if each.measure == "power" else 0.0)
