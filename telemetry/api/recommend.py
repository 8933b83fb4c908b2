"""When to start a job: now, or at a later hour that is cheaper or cleaner, before its deadline."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattq.telemetry.api.answers import Flag, Option, Recommendation, Recommendations, Saving
from wattq.telemetry.api.answers import Prediction as Answer
from wattq.telemetry.api.predictor import Predictor, iso
from wattq.telemetry.api.rates import Rate
from wattq.telemetry.api.requests import Objective, RecommendRequest
from wattq.telemetry.api.resolve import Resolved
from wattq.units import GRAMS_PER_KG, HOUR_S, JOULES_PER_KWH

__all__ = ["MOST_OPTIONS", "recommend"]

Floats = NDArray[np.float64]

MOST_OPTIONS = 5
"""Starts that an answer lists."""

_NO_ENERGY_SAVED = "0: neither temperature nor load of the facility is modelled, and a constant PUE saves no energy"
_TIE = 1e-9


@dataclass(frozen=True)
class _Starts:
    """Possible starts of one job and what each would take.

    Attributes:
        start_s: Unix s, the first is the earliest.
        cost: in currency.
        co2_kg: kg.
        price, carbon: where they come from.
    """

    start_s: Floats
    cost: Floats
    co2_kg: Floats
    price: Rate
    carbon: Rate


def recommend(predictor: Predictor, request: RecommendRequest, now_s: float) -> Recommendations:
    """Return for each job whether to start it now or later, with what that saves, highest priority first.

    A job may start at its submission (now, unless it says otherwise) or at a full hour after it, so that the 95 %
    quantile of its run time ends before the deadline. Prices and intensities are those of the forecast issued now.

    Raises:
        NoModelError, UnpredictableError: as `wattq.telemetry.api.expect.expect`.
    """
    found = predictor.forecast(request.jobs, now_s)
    answers = predictor.answers(found)
    high_s = found.expected.run_high_s
    starts = [
        _starts(
            predictor,
            job,
            answer,
            float(high_s[row]),
            job.start_s + HOUR_S * (asked.deadline_hours or request.deadline_hours),
        )
        for row, (job, answer, asked) in enumerate(zip(found.jobs, answers, request.jobs, strict=True))
    ]
    objective = request.objective or _objective(starts)
    made = [
        _recommendation(predictor, answer, each, objective, request.least_saving_percent)
        for answer, each in zip(answers, starts, strict=True)
    ]
    order = sorted(range(len(made)), key=lambda row: (-made[row].priority_score, row))
    ranked = [made[row].model_copy(update={"rank": rank}) for rank, row in enumerate(order, start=1)]
    return Recommendations(
        objective=objective,
        cost_source=starts[0].price.source,
        co2_source=starts[0].carbon.source,
        issued=iso(now_s),
        recommendations=ranked,
    )


def _objective(starts: Sequence[_Starts]) -> Objective:
    """Return cost where prices are known or nothing is, else carbon."""
    return "carbon" if starts[0].carbon.known and not starts[0].price.known else "cost"


def _starts(predictor: Predictor, job: Resolved, answer: Answer, high_s: float, deadline_s: float) -> _Starts:
    first_s, run_s = job.start_s, answer.predicted_duration_seconds
    latest_s = deadline_s - high_s
    if latest_s < first_s:
        message = "the job may outlast its deadline (95 % quantile of its run time), even if it starts at once"
        job_flag = Flag(field="deadline_hours", value=iso(deadline_s), used=iso(first_s), message=message)
        answer.flags.append(job_flag)
    hours = np.arange(math.floor(first_s / HOUR_S) + 1, math.floor(max(latest_s, 0.0) / HOUR_S) + 1) * HOUR_S
    start_s = np.concatenate(([first_s], hours))
    kwh = answer.predicted_energy_j * answer.pue / JOULES_PER_KWH
    price = predictor.grid.price(job.issued_s, start_s, start_s + run_s)
    carbon = predictor.grid.carbon(job.issued_s, start_s, start_s + run_s)
    return _Starts(start_s, kwh * price.per_kwh, kwh * carbon.per_kwh, price, carbon)


def _recommendation(
    predictor: Predictor, answer: Answer, starts: _Starts, objective: Objective, least_percent: float
) -> Recommendation:
    value = starts.cost if objective == "cost" else starts.co2_kg
    # Of starts that are as good as each other, the earliest.
    order = np.lexsort((starts.start_s, np.round(value / (_TIE * (1.0 + float(np.abs(value).max()))))))
    best, reason = _chosen(value, int(order[0]), objective, least_percent)
    efficiency = answer.predicted_energy_wh / answer.predicted_duration_seconds
    priority = 1.0 / (1.0 + efficiency / 100.0)
    return Recommendation(
        rank=1,
        job_id=answer.job_id,
        action="defer" if best else "start now",
        start_time=iso(float(starts.start_s[best])),
        delay_s=float(starts.start_s[best] - starts.start_s[0]),
        saving=_saving(predictor, starts, best),
        reason=reason,
        predicted_energy_wh=answer.predicted_energy_wh,
        predicted_duration_seconds=answer.predicted_duration_seconds,
        efficiency_score=efficiency,
        priority_score=priority,
        recommendation="high" if priority > 0.7 else "medium" if priority > 0.4 else "low",
        options=[_option(starts, int(row), rank, answer) for rank, row in enumerate(order[:MOST_OPTIONS], start=1)],
        prediction=answer,
    )


def _chosen(value: Floats, best: int, objective: Objective, least_percent: float) -> tuple[int, str]:
    """Return the row of the start to take, and why."""
    saved = float(value[0] - value[best])
    if best == 0 or saved <= 0.0:
        return 0, f"no later start within the deadline has a lower {objective}"
    share = 100.0 * saved / abs(float(value[0])) if value[0] else math.inf
    if share < least_percent:
        return 0, f"the best later start saves {share:.2g} % of the {objective}, less than {least_percent:g} %"
    return best, f"a later start saves {share:.3g} % of the {objective}"


def _saving(predictor: Predictor, starts: _Starts, best: int) -> Saving:
    return Saving(
        energy_wh=0.0,
        energy_reason=_NO_ENERGY_SAVED,
        cost=float(starts.cost[0] - starts.cost[best]),
        currency=predictor.grid.currency_of(starts.price),
        co2_g=float(starts.co2_kg[0] - starts.co2_kg[best]) * GRAMS_PER_KG,
    )


def _option(starts: _Starts, row: int, rank: int, answer: Answer) -> Option:
    return Option(
        rank=rank,
        start_time=iso(float(starts.start_s[row])),
        delay_s=float(starts.start_s[row] - starts.start_s[0]),
        cost=float(starts.cost[row]),
        co2_g=float(starts.co2_kg[row]) * GRAMS_PER_KG,
        facility_energy_wh=answer.facility_energy_wh,
    )
