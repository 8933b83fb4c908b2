"""From a log to a bundle: which jobs are learned from, which are held out, and how good the model is on those."""

from __future__ import annotations

import datetime
import difflib
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattq.errors import SurrogateError
from wattq.surrogates.bundle_manifest import BundleMeta, TrainingData
from wattq.surrogates.features import FeatureTable, build_features
from wattq.surrogates.jobs import Jobs, Outcomes
from wattq.surrogates.metrics import score
from wattq.surrogates.model import Prediction, RuntimeModel

__all__ = ["BASELINES", "Parts", "Trained", "make_model", "parse_until", "parts_of", "predict_table", "train_runtime"]

BASELINES = ("requested", "last-two")
"""Models that every trained one is compared to: the requested time, and the mean of the user's last two runs."""

LEAST_JOBS = 20
"""Fewer jobs to learn from, or to measure on, are refused."""

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Parts:
    """Jobs to learn from and jobs held out.

    Attributes:
        learn: rows of jobs that had ended before `until_s`.
        held_out: rows of jobs submitted from `until_s` on, with known run time; empty where all are learned from.
        until_s: date on the log's axis, s; None where all jobs are learned from.
    """

    learn: Rows
    held_out: Rows
    until_s: float | None


@dataclass(frozen=True)
class Trained:
    """A trained model.

    Attributes:
        model: the model.
        meta: what goes into its bundle; ``metrics["held_out"]`` has the figures of the model and of `BASELINES`.
    """

    model: RuntimeModel
    meta: BundleMeta


def make_model(name: str, seed: int, **settings: Any) -> RuntimeModel:
    """Return a new model; its seed is set where it has one.

    Raises:
        SurrogateError: there is no such model.
        MissingDependencyError: it needs a library that is not here.
    """
    from wattq.surrogates import MODELS

    if name not in MODELS:
        close = difflib.get_close_matches(name, MODELS, n=1, cutoff=0.5)
        hint = f"did you mean '{close[0]}'?" if close else f"there are {', '.join(MODELS)}"
        raise SurrogateError(f"model '{name[:60]}': no model of run times has this name; {hint}")
    factory = MODELS[name]
    if "seed" in inspect.signature(factory).parameters:
        settings = {"seed": seed, **settings}
    made: RuntimeModel = factory(**settings)
    return made


def parse_until(text: str, jobs: Jobs) -> float | None:
    """Return the date on a log's axis, s, that a share of its jobs or a calendar date means; None for all jobs.

    Args:
        text: a share of the jobs above 0, at most 1 (all of them), or an ISO date, in UTC where it has no offset.
        jobs: the log.

    Raises:
        SurrogateError: when it is neither, or the log has no calendar.
    """
    try:
        share = float(text)
    except ValueError:
        return _date(text, jobs)
    if not 0.0 < share <= 1.0:
        raise SurrogateError(f"--until {text}: give a share of the jobs above 0 and at most 1, or a date as 1997-03-01")
    return None if share == 1.0 else float(jobs.submit_s[min(round(share * jobs.n_jobs), jobs.n_jobs - 1)])


def _date(text: str, jobs: Jobs) -> float:
    try:
        date = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise SurrogateError(
            f"--until {text[:60]}: neither a share such as 0.8 nor a date such as 1997-03-01"
        ) from None
    if jobs.unix_start_s is None:
        raise SurrogateError(
            f"--until {text}: {jobs.source} has no calendar dates; give a share of its jobs such as 0.8"
        )
    zoned = date if date.tzinfo else date.replace(tzinfo=datetime.UTC)
    return zoned.timestamp() - jobs.unix_start_s


def parts_of(jobs: Jobs, outcomes: Outcomes, until_s: float | None) -> Parts:
    """Return jobs to learn from and jobs held out; no job is in both, and what is learned was known at `until_s`.

    Raises:
        SurrogateError: when too few jobs are left on one side.
    """
    known = np.isfinite(outcomes.end_s)
    late = np.zeros(jobs.n_jobs, dtype=np.bool_) if until_s is None else jobs.submit_s >= until_s
    ended = known & ~late & (outcomes.end_s < (np.inf if until_s is None else until_s))
    learn, held_out = np.flatnonzero(ended), np.flatnonzero(known & late)
    for rows, what in ((learn, "that ended before the cut"), (held_out, "submitted after it")):
        if len(rows) < LEAST_JOBS and (until_s is not None or rows is learn):
            raise SurrogateError(
                f"{jobs.source}: {len(rows)} jobs with known run time {what}; at least {LEAST_JOBS} are needed: take a "
                "longer log, or another --until"
            )
    return Parts(learn, held_out, until_s)


def predict_table(model: RuntimeModel, table: FeatureTable, rows: Rows | None = None) -> Prediction:
    """Return the predictions of a model for rows of a table (all of them when None), none above the request."""
    chosen = table if rows is None else table.take(rows)
    return model.predict(chosen.columns(model.needs)).capped(chosen.jobs.request_s)


def train_runtime(
    name: str,
    jobs: Jobs,
    outcomes: Outcomes,
    *,
    until_s: float | None = None,
    seed: int = 0,
    table: FeatureTable | None = None,
) -> Trained:
    """Train a model of run times on the part of a log before a date, and measure it on the rest.

    Args:
        name: name of the model in `MODELS`.
        jobs: the log.
        outcomes: what became of its jobs.
        until_s: date on the log's axis from which jobs are held out, s; None learns from all jobs.
        seed: seed of the model.
        table: features of the jobs, where they were built before.

    Raises:
        SurrogateError: when there is no such model, or too few jobs.
    """
    parts = parts_of(jobs, outcomes, until_s)
    model = make_model(name, seed)
    features = build_features(jobs, outcomes) if table is None else table
    model.fit(features, outcomes.run_s, parts.learn)
    metrics: dict[str, Any] = {"held_out_jobs": len(parts.held_out), "held_out": {}}
    if len(parts.held_out):
        rivals = {other: make_model(other, seed) for other in BASELINES if other != name}
        for rival in rivals.values():
            rival.fit(features, outcomes.run_s, parts.learn)
        asked: Mapping[str, RuntimeModel] = {name: model, **rivals}
        metrics["held_out"] = {key: _figures(each, features, outcomes, parts.held_out) for key, each in asked.items()}
    return Trained(model, BundleMeta("runtime", _training_data(jobs, parts), "log", seed, metrics))


def _figures(model: RuntimeModel, table: FeatureTable, outcomes: Outcomes, rows: Rows) -> dict[str, float]:
    """Return every figure of a model on some jobs; none where it leaves jobs without a prediction."""
    found = predict_table(model, table, rows)
    if not np.isfinite(found.point_s).all():
        return {}
    return score(outcomes.run_s[rows], found.point_s, found.quantile_s, table.jobs.request_s[rows])


def _training_data(jobs: Jobs, parts: Parts) -> TrainingData:
    submit = jobs.submit_s[parts.learn]
    return TrainingData(
        source=jobs.source.replace("\\", "/").rpartition("/")[2],
        sha256=jobs.sha256,
        synthetic=jobs.synthetic,
        jobs=len(parts.learn),
        first_submit_s=float(submit[0]),
        last_submit_s=float(submit[-1]),
        until_s=parts.until_s,
        unix_start_s=jobs.unix_start_s,
    )
