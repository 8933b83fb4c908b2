"""Predictions against what was so, by model and method: plain scores of raw values.

Whether the actual value was measured, modelled or made up is taken from the run that it belongs to, and scores of one
kind are never mixed with another's: agreement of two models says nothing about a machine.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from wattq.telemetry.reports.jobs import SOURCES
from wattq.telemetry.reports.schema import PredictionPart, Scores

__all__ = ["ks_distance", "prediction_part"]

Floats = NDArray[np.float64]
Rows = Sequence[Mapping[str, Any]]

_MOST_PAIRS = 2000
_COLUMNS: dict[Literal["energy", "duration"], tuple[str, str]] = {
    "energy": ("predicted_energy_j", "actual_energy_j"),
    "duration": ("predicted_duration_seconds", "actual_duration_seconds"),
}


def prediction_part(rows: Rows, jobs: Rows) -> PredictionPart:
    """Return scores of predictions.

    Args:
        rows: of energy_predictions.
        jobs: rows of job_metrics, which say where actual energies come from.
    """
    source = {str(job["job_id"]): str(job.get("energy_source") or "unknown") for job in jobs}
    scores = [score for target in _COLUMNS for score in _scores(rows, source, target)]
    known = [row for row in rows if _pair(row, "energy") is not None]
    step = max(1, -(-len(known) // _MOST_PAIRS))
    pairs = [(source.get(str(row["job_id"]), "unknown"), *_pair_of(row)) for row in known[::step]]
    return PredictionPart(scores=scores, without_actual=len(rows) - len(known), pairs=pairs)


def _pair(row: Mapping[str, Any], target: Literal["energy", "duration"]) -> tuple[float, float] | None:
    predicted, actual = (row.get(name) for name in _COLUMNS[target])
    return None if predicted is None or actual is None else (float(predicted), float(actual))


def _pair_of(row: Mapping[str, Any]) -> tuple[float, float]:
    pair = _pair(row, "energy")
    assert pair is not None
    return pair


def _scores(rows: Rows, source: Mapping[str, str], target: Literal["energy", "duration"]) -> list[Scores]:
    groups: dict[tuple[str, str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        if _pair(row, target) is not None:
            # A run time is measured whatever the source of the energy is; made-up runs say so in theirs.
            origin = source.get(str(row["job_id"]), "unknown")
            kind = origin if target == "energy" or origin == "synthetic" else "measured"
            groups[str(row.get("model_version") or ""), str(row.get("prediction_method") or ""), kind].append(row)
    order = {name: place for place, name in enumerate(SOURCES)}
    keys = sorted(groups, key=lambda key: (order.get(key[2], len(order)), key))
    return [_score(target, *key, groups[key]) for key in keys]


def _score(target: Literal["energy", "duration"], version: str, method: str, source: str, rows: Rows) -> Scores:
    predicted, actual = (
        np.array(values) for values in zip(*(_pair(row, target) or (0, 0) for row in rows), strict=True)
    )
    error = predicted - actual
    positive = actual > 0.0
    relative = np.abs(error[positive]) / actual[positive]
    squares = float(((actual - actual.mean()) ** 2).sum())
    return Scores(
        target=target,
        model_version=version,
        method=method,
        actual_source=source,
        predictions=len(rows),
        mae=float(np.abs(error).mean()),
        rmse=float(np.sqrt((error**2).mean())),
        mape=float(relative.mean()) if relative.size else None,
        bias=float(error.mean()),
        relative_bias=float(predicted.sum() / actual.sum() - 1.0) if actual.sum() > 0.0 else None,
        r2=1.0 - float((error**2).sum()) / squares if squares > 0.0 else None,
        ks=ks_distance(predicted, actual),
        within_10_percent=float((relative <= 0.1).mean()) if relative.size else None,
        interval_coverage=_covered(rows, actual) if target == "energy" else None,
    )


def _covered(rows: Rows, actual: Floats) -> float | None:
    inside = [
        float(row["energy_low_j"]) <= value <= float(row["energy_high_j"])
        for row, value in zip(rows, actual.tolist(), strict=True)
        if row.get("energy_low_j") is not None and row.get("energy_high_j") is not None
    ]
    return sum(inside) / len(inside) if inside else None


def ks_distance(one: Floats, other: Floats) -> float:
    """Return the statistic of Kolmogorov and Smirnov: the largest distance of two empirical distribution functions.

    Args:
        one: values.
        other: values; neither may be empty.
    """
    every = np.concatenate((one, other))
    shares = [np.searchsorted(np.sort(values), every, side="right") / len(values) for values in (one, other)]
    return float(np.abs(shares[0] - shares[1]).max())
