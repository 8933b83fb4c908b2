"""From labels to a bundle, and from a bundle to a table of predictions."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from wattq.errors import SurrogateError
from wattq.files import compress_for, sha256_hex, write_whole
from wattq.surrogates.bundle_manifest import BundleMeta, TrainingData
from wattq.surrogates.energy.effects import clock_effects
from wattq.surrogates.energy.evaluate import EnergyScore, choose_model
from wattq.surrogates.energy.jobs import EnergyJobs, EnergyLabels
from wattq.surrogates.energy.labels_csv import labels_csv
from wattq.surrogates.energy.model import EnergyModel, EnergyPrediction
from wattq.surrogates.energy.models import make_energy_model

__all__ = ["PREDICTION_COLUMNS", "TrainedEnergy", "train_energy", "write_energy_predictions"]

PREDICTION_COLUMNS = (
    "job_id",
    "nodes",
    "run_s",
    "power_w",
    "energy_j",
    "energy_low_j",
    "energy_high_j",
    "label_source",
)
"""Columns of a file of predictions: run time, mean power of a node, energy with 90 % interval, source of the labels."""

_SHA = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class TrainedEnergy:
    """A trained model of power.

    Attributes:
        model: the model.
        meta: what goes into its bundle; ``metrics`` has the errors on what was held out, and the effect of the clock.
        scores: the errors of the models that were tried.
    """

    model: EnergyModel
    meta: BundleMeta
    scores: tuple[EnergyScore, ...]


def train_energy(labels: EnergyLabels, model: str = "auto", *, seed: int = 0) -> TrainedEnergy:
    """Train a model of power on labels.

    Args:
        labels: jobs with energy.
        model: a name in `ENERGY_MODELS`, or ``auto`` for the one with the least error on what it has not seen.
        seed: written into the bundle; made-up labels depend on it.

    Raises:
        SurrogateError: when there is no such model, or there are too few labels.
    """
    fitted = None if model == "auto" else make_energy_model(model)
    chosen, scores = choose_model(labels) if fitted is None else choose_model(labels, (model,))
    fitted = fitted or make_energy_model(chosen)
    fitted.fit(labels)
    held_out = {each.model: _figures(each) for each in scores if each.group == "all"}
    metrics: dict[str, Any] = {"held_out": held_out, "held_out_by": scores[0].protocol}
    metrics["clock_effects"] = {
        effect.application: {"measured": effect.energy, "known": effect.known, "left_out": effect.left_out}
        for effect in clock_effects(labels, chosen)
    }
    return TrainedEnergy(fitted, BundleMeta("energy", _data(labels), labels.label_source, seed, metrics), tuple(scores))


def _figures(each: EnergyScore) -> dict[str, float]:
    names = ("jobs", "power_mape", "energy_mape", "coverage", "width")
    return {name: getattr(each, name) for name in names}


def _data(labels: EnergyLabels) -> TrainingData:
    known = bool(_SHA.fullmatch(labels.sha256))
    return TrainingData(
        source=labels.source.replace("\\", "/").rpartition("/")[2],
        sha256=labels.sha256 if known else sha256_hex(labels_csv(labels).encode()),
        synthetic=labels.synthetic,
        jobs=labels.n_jobs,
    )


def write_energy_predictions(
    path: str | Path,
    job_id: tuple[str, ...],
    jobs: EnergyJobs,
    run_s: np.ndarray[Any, np.dtype[np.float64]],
    found: EnergyPrediction,
    label_source: str,
) -> Path:
    """Write predictions as CSV, plain, ``.gz`` or ``.xz``, with `PREDICTION_COLUMNS`; whole or not at all.

    Raises:
        SurrogateError: when there is not one name for each job.
        MissingFileError: when the folder cannot be written.
    """
    if len(job_id) != jobs.n_jobs:
        raise SurrogateError(f"{len(job_id)} names for {jobs.n_jobs} predictions; give one each")
    columns = (jobs.nodes, run_s, found.power.point_w, found.energy_j, found.low_j, found.high_j)
    texts = [["" if value != value else f"{value:.10g}" for value in column.tolist()] for column in columns]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(PREDICTION_COLUMNS)
    writer.writerows(zip(job_id, *texts, [label_source] * len(job_id), strict=True))
    return write_whole(path, compress_for(path, out.getvalue().encode()))
