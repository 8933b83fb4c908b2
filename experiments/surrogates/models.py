"""Models by name: which of them can run here, and how the evaluation makes, teaches and asks them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

import wattq.surrogates.models as registry
from wattq.errors import MissingDependencyError, SurrogateError
from wattq.surrogates.features import FEATURES, GROUPS, FeatureTable
from wattq.surrogates.jobs import Outcomes
from wattq.surrogates.model import Prediction, RuntimeModel
from wattq.surrogates.training import make_model

__all__ = [
    "GROUPS",
    "columns",
    "fit_model",
    "groups_of",
    "pick_models",
    "predict_rows",
    "run_prequential",
    "study_model",
]

PREFERRED = ("blend", "boosting", "forest")
"""Models whose ablation says most, because they read all features; the first one that runs is taken."""

_GROUP = {feature.name: feature.group for feature in FEATURES}


def pick_models(names: Sequence[str]) -> tuple[tuple[str, ...], dict[str, str]]:
    """Return those models that can run here, and why the others cannot; all models when none is named.

    Raises:
        SurrogateError: there is no such model.
    """
    runnable, missing = [], {}
    for name in dict.fromkeys(names or registry.MODELS):
        try:
            make_model(name, 0)
            runnable.append(name)
        except MissingDependencyError as error:
            missing[name] = str(error)
    return tuple(runnable), missing


def study_model(name: str, models: Sequence[str]) -> str:
    """Return the model of ablation and search: the one that was named, else the first that is preferred and runs.

    Raises:
        SurrogateError: it was named, but is not among the models that run.
    """
    if name and name not in models:
        raise SurrogateError(f"--study-model {name}: is not among the models that are run ({', '.join(models)})")
    return name or next((model for model in PREFERRED if model in models), models[-1] if models else "")


def groups_of(name: str) -> tuple[str, ...]:
    """Return the groups of features that a model reads."""
    read = {_GROUP[feature] for feature in make_model(name, 0).needs}
    return tuple(group for group in GROUPS if group in read)


def run_prequential(name: str, table: FeatureTable, outcomes: Outcomes, first: int, seed: int) -> Prediction:
    """Return predictions of all jobs, each made from jobs that had ended before its submission."""
    from wattq.surrogates.prequential import prequential

    return prequential(lambda: make_model(name, seed), table, outcomes, first=first)


def fit_model(
    name: str,
    table: FeatureTable,
    outcomes: Outcomes,
    rows: NDArray[np.int64],
    seed: int,
    dropped: Sequence[str] = (),
    **settings: Any,
) -> RuntimeModel:
    """Return a model that has learned from rows of a table without the groups of features that are dropped."""
    model = make_model(name, seed, **settings)
    model.fit(replace(table, x=_without(table, dropped)), outcomes.run_s, rows)
    return model


def columns(table: FeatureTable, needs: Sequence[str], dropped: Sequence[str] = ()) -> NDArray[np.float32]:
    """Return the columns that a model needs, [n_jobs, len(needs)], those of dropped groups all NaN (unknown)."""
    return replace(table, x=_without(table, dropped)).columns(needs)


def _without(table: FeatureTable, dropped: Sequence[str]) -> NDArray[np.float32]:
    if not dropped:
        return table.x
    x = table.x.copy()
    x[:, [_GROUP[name] in dropped for name in table.names]] = np.nan
    return x


def predict_rows(model: RuntimeModel, x: NDArray[np.float32]) -> Prediction:
    """Return a model's predictions for rows of its columns."""
    return model.predict(x)
