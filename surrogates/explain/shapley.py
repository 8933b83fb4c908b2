"""Shapley values by the library shap (extra ``explain``), for any model and in the unit of its prediction."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from wattq.errors import MissingDependencyError, SurrogateError
from wattq.surrogates.explain.contributions import Contributions

__all__ = ["shap_contributions"]


def shap_contributions(
    predict: Callable[[NDArray[np.float32]], NDArray[np.float64]],
    names: Sequence[str],
    row: NDArray[np.float32],
    background: NDArray[np.float32],
    *,
    orders: int = 10,
    seed: int = 0,
) -> Contributions:
    """Return Shapley values of one job's prediction by shap's permutation explainer; same seed, same values.

    Each order of the features is averaged over the whole background, where `sampled_contributions` draws one job of it.

    Args:
        predict: from rows of features, shape (n, k), to predictions, shape (n,).
        names: names of the k features.
        row: the job's features, shape (k,).
        background: features of the jobs that it is compared to, shape (m, k).
        orders: number of orders of the features; each is taken there and back.
        seed: seed of the orders.

    Raises:
        MissingDependencyError: when shap is not installed.
        SurrogateError: when the background is empty, or a prediction is no number.
    """
    if not len(background) or orders < 1:
        raise SurrogateError(f"{len(background)} jobs to compare to, {orders} orders: give at least one of each")
    try:
        with warnings.catch_warnings():
            # importing shap sets colours in a way that newer versions of matplotlib announce to end
            warnings.simplefilter("ignore")
            import shap
    except ImportError:
        raise MissingDependencyError(
            "--method shap: the library shap is not installed; get it with: pip install 'wattq[explain]'"
        ) from None
    masker = shap.maskers.Independent(background, max_samples=len(background))
    explainer = shap.PermutationExplainer(lambda x: predict(np.asarray(x, dtype=np.float32)), masker, seed=seed)
    found = explainer(row[None, :], max_evals=orders * (2 * len(names) + 1), silent=True)
    values = np.asarray(found.values, dtype=np.float64)[0]
    if not np.isfinite(values).all():
        raise SurrogateError("a prediction of a mixed job is no number; the model cannot be explained")
    return Contributions(
        names=tuple(names),
        values=row.astype(np.float64),
        base=float(np.asarray(found.base_values).reshape(-1)[0]),
        value=float(predict(row[None, :])[0]),
        contribution=values,
        error=np.full(len(names), np.nan),
        method="shap",
        n_background=len(background),
    )
