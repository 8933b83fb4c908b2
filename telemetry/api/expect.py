"""Run time and energy of jobs, with the middle 90 %: from the bundles, or from the power model of a node."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattq.errors import TelemetryError
from wattq.platforms import NodePower
from wattq.surrogates.energy import EnergyJobs, predict_energy
from wattq.surrogates.model import LEVELS, Prediction
from wattq.telemetry.api.bundles import Bundles
from wattq.telemetry.api.past import Past
from wattq.telemetry.api.resolve import Resolved
from wattq.telemetry.api.unknown import flag_names, queue_number

__all__ = ["Expected", "NoModelError", "UnpredictableError", "expect"]

Floats = NDArray[np.float64]

_LEAST_S = 1.0


class NoModelError(TelemetryError):
    """Raised when a request needs a model that is not loaded."""


class UnpredictableError(TelemetryError):
    """Raised when a model says nothing about a job, for want of a requested time and of a history."""


@dataclass(frozen=True)
class Expected:
    """Expectations of n jobs; arrays of shape (n,).

    Attributes:
        run_s, run_low_s, run_high_s: run time and its middle 90 %, s.
        learned_time: whether the model of run times gave it.
        power_w: mean power of one node, W.
        energy_j, low_j, high_j: energy that the job is charged with and its middle 90 %, J.
        learned_power: whether the model of power gave it.
    """

    run_s: Floats
    run_low_s: Floats
    run_high_s: Floats
    learned_time: NDArray[np.bool_]
    power_w: Floats
    energy_j: Floats
    low_j: Floats
    high_j: Floats
    learned_power: NDArray[np.bool_]


def expect(jobs: Sequence[Resolved], bundles: Bundles, past: Past, node: NodePower) -> Expected:
    """Return what is expected of jobs; flags and notes are added to them.

    Raises:
        NoModelError: a run time must be predicted, and no model of run times is loaded.
        UnpredictableError: the model of run times says nothing about a job.
    """
    known = np.array([job.run_s for job in jobs])
    runtime = _run_times(jobs, known, bundles, past)
    share = np.array([job.share for job in jobs])
    nodes = np.array([float(job.nodes) for job in jobs])
    power = np.array([node.power_w(job.cpu_load, job.gpu_load if node.gpus else 0.0) for job in jobs])
    energy = nodes * power * runtime.point_s
    low, high = nodes * power * runtime.low_s(), nodes * power * runtime.high_s()
    learned = np.array([not job.by_load for job in jobs])
    rows = np.flatnonzero(learned)
    if rows.size and bundles.energy is not None:
        found = predict_energy(
            bundles.energy.model, _energy_jobs([jobs[row] for row in rows.tolist()], bundles), runtime.take(rows)
        )
        power[rows], energy[rows] = found.power.point_w, found.energy_j
        low[rows], high[rows] = found.low_j, found.high_j
    return Expected(
        run_s=runtime.point_s,
        run_low_s=np.minimum(runtime.low_s(), runtime.point_s),
        run_high_s=np.maximum(runtime.high_s(), runtime.point_s),
        learned_time=np.isnan(known),
        power_w=power,
        energy_j=energy * share,
        low_j=np.minimum(low, energy) * share,
        high_j=np.maximum(high, energy) * share,
        learned_power=learned,
    )


def _run_times(jobs: Sequence[Resolved], known: Floats, bundles: Bundles, past: Past) -> Prediction:
    point, quantile = known.copy(), np.repeat(known[:, None], len(LEVELS), axis=1)
    rows = np.flatnonzero(np.isnan(known))
    if not rows.size:
        return Prediction(point, quantile)
    if bundles.runtime is None:
        raise NoModelError(
            "no model of run times is loaded (wattq api --runtime-model FILE); give duration_seconds, or load one"
        )
    request_s = np.array([jobs[row].request.walltime_s or math.nan for row in rows.tolist()])
    x = np.stack([_features(jobs[row], past) for row in rows.tolist()])[:, bundles.runtime_columns]
    found = bundles.runtime.model.predict(x).capped(request_s)
    if not (np.isfinite(found.point_s).all() and np.isfinite(found.quantile_s).all()):
        raise UnpredictableError(
            "the model of run times says nothing about a job without walltime_s and without a history of its user; "
            "give walltime_s or duration_seconds"
        )
    point[rows] = np.maximum(found.point_s, _LEAST_S)
    quantile[rows] = np.maximum(found.quantile_s, _LEAST_S)
    return Prediction(point, quantile)


def _features(job: Resolved, past: Past) -> NDArray[np.float32]:
    request = job.request
    return past.features(
        job.start_s,
        job.nodes,
        request.walltime_s or math.nan,
        user=request.user,
        group=request.group,
        queue=queue_number(job),
        application=request.application,
    )


def _energy_jobs(jobs: Sequence[Resolved], bundles: Bundles) -> EnergyJobs:
    for job in jobs:
        flag_names(job, bundles.known_names)
    asked = [job.request for job in jobs]
    return EnergyJobs.of(
        [float(job.nodes) for job in jobs],
        request_s=[request.walltime_s or math.nan for request in asked],
        frequency_ghz=[request.frequency_ghz or math.nan for request in asked],
        gpus=[math.nan if request.gpus is None else float(request.gpus) for request in asked],
        application=[_text(request.application) for request in asked],
        user=[_text(request.user) for request in asked],
        queue=[_text(request.queue) for request in asked],
    )


def _text(name: str | int | None) -> str:
    return "" if name is None else str(name)
