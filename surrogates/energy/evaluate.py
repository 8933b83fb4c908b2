"""How well models of power predict: applications, and jobs, that they have not seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattq.errors import SurrogateError
from wattq.surrogates.energy.boosting import PowerBoosting
from wattq.surrogates.energy.jobs import EnergyLabels
from wattq.surrogates.energy.model import PowerPrediction
from wattq.surrogates.energy.models import ENERGY_MODELS, make_energy_model

__all__ = [
    "PROTOCOLS",
    "EnergyScore",
    "choose_model",
    "energy_scores",
    "folds_of",
    "held_out",
    "other_runs_s",
    "scores_of",
]

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

PROTOCOLS = {
    "application": "each application and case in turn is left out of the training",
    "program": "each program in turn is left out with all its cases: the name before the slash",
    "job": "each job in turn is left out, or, of more than 40, each of ten blocks of jobs",
}
"""What is held out."""

_MOST_FOLDS, _BLOCKS = 40, 10
_MANY = 200
"""Trees compete for the choice from so many labels on: with fewer they mostly learn which runs were repeated."""


@dataclass(frozen=True)
class EnergyScore:
    """Errors of one model on what was held out.

    Attributes:
        model: its name.
        protocol: a key of `PROTOCOLS`.
        group: an application, or ``all``.
        jobs: number of jobs.
        power_mape: mean of abs(predicted / measured - 1) of mean power per node; with the true run time this is the
            error of energy, too.
        energy_mape: the same of nodes x power x run time, the run time being the mean of the other runs of the same
            application, nodes and clock; NaN where a job has none.
        coverage: share of powers within the 90 % interval.
        width: mean width of the interval, relative to the prediction.
    """

    model: str
    protocol: str
    group: str
    jobs: int
    power_mape: float
    energy_mape: float
    coverage: float
    width: float


def folds_of(labels: EnergyLabels, protocol: str) -> Iterator[tuple[Rows, Rows]]:
    """Yield the rows to learn from and the rows held out.

    Raises:
        SurrogateError: when the protocol is unknown, or the labels have too few applications or jobs for it.
    """
    if protocol not in PROTOCOLS:
        raise SurrogateError(f"protocol '{protocol}': there are {', '.join(PROTOCOLS)}")
    known, code = np.unique(_keys(labels, protocol), return_inverse=True)
    if len(known) < 2:
        raise SurrogateError(f"{labels.source}: labels of one {protocol}; leaving it out leaves nothing to learn from")
    if protocol == "job" and len(known) > _MOST_FOLDS:
        # Jobs that follow each other are alike: whole blocks are held out.
        code = np.arange(labels.n_jobs) * _BLOCKS // labels.n_jobs
    for fold in range(int(code.max()) + 1):
        yield np.flatnonzero(code != fold), np.flatnonzero(code == fold)


def _keys(labels: EnergyLabels, protocol: str) -> NDArray[np.str_]:
    if protocol == "job":
        return np.array(labels.job_id, dtype=np.str_)
    applications = labels.jobs.application
    if protocol == "application":
        return applications
    return np.array([name.partition("/")[0] for name in applications.tolist()], dtype=np.str_)


def held_out(labels: EnergyLabels, model: str, protocol: str) -> PowerPrediction:
    """Return the power that the model predicts for each job when the job is held out."""
    point, low, high = (np.empty(labels.n_jobs) for _ in range(3))
    for learned, left in folds_of(labels, protocol):
        fitted = make_energy_model(model)
        fitted.fit(labels.take(learned))
        found = fitted.predict(labels.jobs.take(left))
        point[left], low[left], high[left] = found.point_w, found.low_w, found.high_w
    return PowerPrediction(point, low, high)


def other_runs_s(labels: EnergyLabels) -> Floats:
    """Return the mean run time of the other jobs of the same application, nodes and clock, s; NaN without any."""
    jobs = labels.jobs
    columns = (jobs.application, jobs.nodes, np.nan_to_num(jobs.frequency_ghz, nan=0.0))
    codes = [np.unique(column, return_inverse=True)[1] for column in columns]
    cell = np.unique(np.stack(codes, axis=1), axis=0, return_inverse=True)[1].reshape(-1)
    count, total = np.bincount(cell)[cell], np.bincount(cell, labels.run_s)[cell]
    return np.where(count > 1, (total - labels.run_s) / np.maximum(count - 1, 1), np.nan)


def energy_scores(labels: EnergyLabels, model: str, protocol: str) -> list[EnergyScore]:
    """Return the errors of a model, over all and by application."""
    return _scores(labels, model, protocol, held_out(labels, model, protocol))


def _scores(labels: EnergyLabels, model: str, protocol: str, found: PowerPrediction) -> list[EnergyScore]:
    power_error = np.abs(found.point_w / labels.power_w - 1.0)
    expected = labels.jobs.nodes * found.point_w * other_runs_s(labels)
    energy_error = np.abs(expected / labels.energy_j - 1.0)
    inside = (found.low_w <= labels.power_w) & (labels.power_w <= found.high_w)
    width = (found.high_w - found.low_w) / found.point_w
    groups = [("all", np.ones(labels.n_jobs, dtype=bool))]
    applications = np.unique(labels.jobs.application)
    if 1 < len(applications) <= 50:
        groups += [(name, labels.jobs.application == name) for name in applications.tolist()]
    return [
        EnergyScore(
            model=model,
            protocol=protocol,
            group=name,
            jobs=int(rows.sum()),
            power_mape=float(power_error[rows].mean()),
            energy_mape=_mean(energy_error[rows]),
            coverage=float(inside[rows].mean()),
            width=float(width[rows].mean()),
        )
        for name, rows in groups
    ]


def _mean(values: Floats) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")


def scores_of(labels: EnergyLabels, models: Sequence[str], protocol: str) -> list[EnergyScore]:
    """Return the errors of several models; those for which too few labels are left to learn from are passed over.

    Raises:
        SurrogateError: when that is so for all of them.
    """
    scores: list[EnergyScore] = []
    problem: SurrogateError | None = None
    for model in models:
        try:
            scores += energy_scores(labels, model, protocol)
        except SurrogateError as error:
            problem = error
    if problem is not None and not scores:
        raise problem
    return scores


def choose_model(labels: EnergyLabels, models: Sequence[str] = tuple(ENERGY_MODELS)) -> tuple[str, list[EnergyScore]]:
    """Return the model with the least error on what it has not seen, and the errors of all.

    Applications are held out where the labels name three or more, else jobs. Of equals the simpler is taken, and of
    fewer than 200 labels never the trees, unless they are the only model asked for.

    Raises:
        SurrogateError: when there are too few labels.
    """
    names = np.unique(labels.jobs.application)
    protocol = "application" if np.count_nonzero(names != "") >= 3 else "job"
    scores = scores_of(labels, models, protocol)
    overall = {each.model: each.power_mape for each in scores if each.group == "all"}
    simple = {model: error for model, error in overall.items() if model != PowerBoosting.name}
    asked = overall if labels.n_jobs >= _MANY or not simple else simple
    return min(asked, key=lambda model: asked[model]), scores
