"""How far the power model of a node was off, from jobs whose energy was predicted by it and then measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wattq.telemetry.api.past import MOST_PAST_JOBS, JobStore

__all__ = ["LEAST_JOBS", "METHOD", "Spread", "read_spread", "spread_of"]

METHOD = "given-duration+node-power"
"""The predictions that have no spread of their own."""

LEAST_JOBS = 40
"""Fewer jobs say nothing about their outermost twentieths."""


@dataclass(frozen=True)
class Spread:
    """Measured over predicted energy.

    Attributes:
        low, high: 5 % and 95 % quantile of the ratio.
        jobs: how many jobs it is of.
    """

    low: float
    high: float
    jobs: int


def spread_of(predictions: Sequence[Mapping[str, Any]], measured: frozenset[str]) -> Spread | None:
    """Return the spread of predictions, None where there are fewer than `LEAST_JOBS`.

    Args:
        predictions: rows of ``energy_predictions``; those of another method are left out.
        measured: jobs whose energy was measured, not modelled: a model does not prove itself.
    """
    ratios = [
        float(row["actual_energy_j"]) / float(row["predicted_energy_j"])
        for row in predictions
        if row.get("prediction_method") == METHOD
        and row.get("job_id") in measured
        and (row.get("actual_energy_j") or 0.0) > 0.0
        and (row.get("predicted_energy_j") or 0.0) > 0.0
    ]
    if len(ratios) < LEAST_JOBS:
        return None
    low, high = np.quantile(ratios, [0.05, 0.95]).tolist()
    return Spread(low, high, len(ratios))


def read_spread(store: JobStore) -> Spread | None:
    """Return the spread that a store tells; None where it tells none.

    Raises:
        WattqError: when the store does not answer.
    """
    predictions = store.read(
        "energy_predictions", where={"prediction_method": METHOD}, limit=MOST_PAST_JOBS, newest_first=True
    )
    if len(predictions) < LEAST_JOBS:
        return None
    rows = store.read("job_metrics", where={"energy_source": "measured"}, limit=MOST_PAST_JOBS, newest_first=True)
    return spread_of(predictions, frozenset(str(row["job_id"]) for row in rows))
