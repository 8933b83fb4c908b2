"""The explanation of one prediction of a run time: contributions, importance, and requests that would change it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from wattq.errors import SurrogateError
from wattq.surrogates.bundle import Bundle
from wattq.surrogates.explain.contributions import Contributions, sampled_contributions
from wattq.surrogates.explain.counterfactual import Aim, Change, Lever, smallest_change
from wattq.surrogates.explain.importance import Importance, permutation_importance
from wattq.surrogates.explain.requests import Moment, Request
from wattq.surrogates.features import FeatureTable, build_features, feature_columns
from wattq.surrogates.log_file import JobLog
from wattq.surrogates.model import RuntimeModel
from wattq.surrogates.predictions import learned_rows

__all__ = [
    "METHODS",
    "WALLTIME_FACTOR",
    "ExplainOptions",
    "Explanation",
    "contributions_of",
    "explain_runtime",
    "some_others",
    "walltime_lever",
]

METHODS = {
    "permutation": "Shapley values by sampled orders of the features, and permutation importance",
    "shap": "Shapley values by the library shap (extra 'explain')",
}
"""How contributions are found."""

WALLTIME_FACTOR = 32.0
"""Other walltimes are tried from a 32nd of the present one (at least a minute) to 32 times it."""

_LEAST_REQUEST_S = 60.0

Floats = NDArray[np.float64]
Rows = NDArray[np.float32]


@dataclass(frozen=True)
class ExplainOptions:
    """How a prediction is explained.

    Attributes:
        method: a key of `METHODS`.
        aim: how far changed requests are to move the prediction.
        orders: sampled orders of the features, each there and back; by default 100, and 10 with shap, which takes the
            whole background along each.
        background: number of earlier jobs that the job is compared to, at most.
        measured: number of jobs that permutation importance is measured on, at most.
        seed: seed of all that is drawn.
    """

    method: str = "permutation"
    aim: Aim = field(default_factory=Aim)
    orders: int | None = None
    background: int = 100
    measured: int = 500
    seed: int = 0

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise SurrogateError(f"--method {self.method[:40]}: there are {', '.join(METHODS)}; take one of them")
        if min(self.n_orders, self.background, self.measured) < 1:
            raise SurrogateError("numbers of orders and of jobs to compare to: give at least 1")

    @property
    def n_orders(self) -> int:
        """The number of orders, given or by default."""
        return (10 if self.method == "shap" else 100) if self.orders is None else self.orders


@dataclass(frozen=True)
class Explanation:
    """Why a model predicts what it predicts for a job.

    Attributes:
        job: name of the job.
        source: the log.
        model: name of the model.
        unit: of prediction and contributions: ``s`` or ``J``.
        learned: whether the model learned from this very job.
        asked: what the job asked for, by name of the lever.
        contributions: they add up to the prediction.
        groups: sums of contributions by group of features.
        importance: permutation importance on other jobs; None where it was not asked for, or no run time is known.
        aim: how far the changes below move the prediction.
        changes: the smallest change of each thing that the user can change.
        words: what the job has in features that are names rather than numbers.
    """

    job: str
    source: str
    model: str
    unit: str
    learned: bool
    asked: dict[str, float]
    contributions: Contributions
    groups: dict[str, float]
    importance: Importance | None
    aim: Aim
    changes: tuple[Change, ...]
    words: dict[str, str] = field(default_factory=dict)


def explain_runtime(bundle: Bundle, log: JobLog, job: str, options: ExplainOptions | None = None) -> Explanation:
    """Return why a bundle's model predicts the run time that it predicts for a job; same seed, same explanation.

    Args:
        bundle: of kind ``runtime``.
        log: the log that the job is part of; its features are those at its submission.
        job: name of the job.
        options: method, aim and sizes.

    Raises:
        SurrogateError: when there is no such job, or it is the first of the log and nothing can be compared to it.
        MissingDependencyError: when the method needs a library that is absent.
    """
    options = options or ExplainOptions()
    row, table = log.row_of(job), build_features(log.jobs, log.outcomes)
    ask, x = predictor(bundle.model), table.columns(bundle.model.needs)
    others = some_others(np.arange(log.jobs.n_jobs), row, options)
    found = contributions_of(ask, bundle.model.needs, x[row], x[others], options)
    moment = Moment(log.jobs, log.outcomes, row)
    return Explanation(
        job=log.job_id[row],
        source=log.jobs.source.rpartition("/")[2],
        model=bundle.manifest.model,
        unit="s",
        learned=bool(learned_rows(bundle, log)[row]),
        asked={"hosts": float(moment.asked.hosts), "request_s": moment.asked.request_s},
        contributions=found,
        groups=found.by_group(_group_of()),
        importance=_importance(bundle, log, table, ask, options) if options.method == "permutation" else None,
        aim=options.aim,
        changes=_changes(bundle.model, moment, found.value, log.nb_res, options.aim),
    )


def predictor(model: RuntimeModel) -> Callable[[Rows], Floats]:
    """Return the function from rows of the model's features to run times, s, capped at the requested time."""
    place = model.needs.index("request_s") if "request_s" in model.needs else None

    def ask(x: Rows) -> Floats:
        point = model.predict(x).point_s
        return point if place is None else np.fmin(point, x[:, place].astype(np.float64))

    return ask


def _group_of() -> Callable[[str], str]:
    from wattq.surrogates.features import FEATURES

    groups = {feature.name: feature.group for feature in FEATURES}
    return lambda name: groups[name]


def some_others(rows: NDArray[np.int64], row: int, options: ExplainOptions) -> NDArray[np.int64]:
    """Return the jobs that one is compared to: some of those before it where there are any, else of those after it.

    Raises:
        SurrogateError: when there is no other job.
    """
    earlier = rows[rows < row]
    pool = earlier if len(earlier) else rows[rows > row]
    if not len(pool):
        raise SurrogateError("the job is alone in its log: an explanation compares it to other jobs; give a longer log")
    drawn = np.random.default_rng(options.seed).permutation(len(pool))[: options.background]
    return np.sort(pool[drawn])


def contributions_of(
    ask: Callable[[Rows], Floats], names: Sequence[str], x: Rows, background: Rows, options: ExplainOptions
) -> Contributions:
    """Return what each feature adds to the prediction for a row, by the method of the options."""
    if options.method == "shap":
        from wattq.surrogates.explain.shapley import shap_contributions

        return shap_contributions(ask, names, x, background, orders=options.n_orders, seed=options.seed)
    return sampled_contributions(ask, names, x, background, orders=options.n_orders, seed=options.seed)


def _importance(
    bundle: Bundle, log: JobLog, table: FeatureTable, ask: Callable[[Rows], Floats], options: ExplainOptions
) -> Importance | None:
    """Return permutation importance on jobs that the model did not learn from, or on any if there are none."""
    fresh = log.known & ~learned_rows(bundle, log)
    pool = np.flatnonzero(fresh if np.count_nonzero(fresh) > 1 else log.known)
    if len(pool) < 2:
        return None
    rows = np.sort(pool[np.random.default_rng(options.seed).permutation(len(pool))[: max(options.measured, 2)]])
    x = table.take(rows).columns(bundle.model.needs)
    return permutation_importance(ask, bundle.model.needs, x, log.outcomes.run_s[rows], seed=options.seed)


def walltime_lever(request_s: float) -> Lever:
    """Return the walltimes that a user might ask for instead, in whole seconds."""
    low = min(max(request_s / WALLTIME_FACTOR, _LEAST_REQUEST_S), request_s)
    return Lever("request_s", "s", request_s, low, request_s * WALLTIME_FACTOR)


def _changes(model: RuntimeModel, moment: Moment, now: float, nb_res: int, aim: Aim) -> tuple[Change, ...]:
    """Return the smallest change of the walltime, and of the number of hosts."""
    places, asked = feature_columns(model.needs), moment.asked

    def ask(requests: list[Request]) -> Floats:
        x = moment.features(requests)[:, places]
        point = model.predict(np.ascontiguousarray(x)).point_s
        capped: Floats = np.fmin(point, np.array([request.request_s for request in requests]))
        return capped

    found = []
    if np.isfinite(asked.request_s):
        walltime = walltime_lever(asked.request_s)
        found.append(smallest_change(walltime, lambda v: ask([Request(asked.hosts, s) for s in v.tolist()]), now, aim))
    hosts = Lever("hosts", "1", float(asked.hosts), 1.0, float(max(nb_res, asked.hosts)))
    found.append(
        smallest_change(hosts, lambda v: ask([Request(int(n), asked.request_s) for n in v.tolist()]), now, aim)
    )
    return tuple(found)
