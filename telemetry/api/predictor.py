"""From a request to its answer: expectations, cost and CO2e, flags."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from wattq.platforms import NodePower
from wattq.platforms.estimate import Amounts, estimate
from wattq.settings import Settings
from wattq.telemetry.api.answers import Interval, Prediction
from wattq.telemetry.api.bundles import Bundles
from wattq.telemetry.api.expect import Expected, expect
from wattq.telemetry.api.past import Past
from wattq.telemetry.api.rates import Grid, Rate
from wattq.telemetry.api.requests import JobRequest
from wattq.telemetry.api.resolve import Resolved, resolve
from wattq.telemetry.api.spread import Spread
from wattq.telemetry.meters import node_power_of
from wattq.units import GRAMS_PER_KG, HOUR_S, joules_to_kwh, joules_to_wh

__all__ = ["Forecasted", "Predictor", "iso"]

_SIGMAS = 2.0 * 1.6448536269514722
"""Width of the middle 90 % of a normal distribution, in standard deviations."""


@dataclass(frozen=True)
class Forecasted:
    """Jobs with what is expected of them, for answers and recommendations."""

    jobs: Sequence[Resolved]
    expected: Expected


@dataclass(frozen=True)
class Predictor:
    """All that predictions are made of; replaced as a whole when a part of it changes.

    Attributes:
        settings: of the service.
        bundles: models.
        grid: prices and carbon intensities.
        past: what users did before.
        node: power of a node.
        spread: how far that was off, where the store tells it.
    """

    settings: Settings
    bundles: Bundles
    grid: Grid
    past: Past
    node: NodePower
    spread: Spread | None = None

    @classmethod
    def of(cls, settings: Settings, bundles: Bundles, grid: Grid, past: Past | None = None) -> Predictor:
        """Return a predictor with the node of the settings.

        Raises:
            PlatformError: when the settings describe no node.
        """
        return cls(settings, bundles, grid, past or Past(), node_power_of(settings.node))

    def forecast(self, requests: Sequence[JobRequest], now_s: float) -> Forecasted:
        """Return what is expected of jobs.

        Raises:
            NoModelError, UnpredictableError: as `wattq.telemetry.api.expect.expect`.
        """
        learned = self.bundles.energy is not None
        jobs = [resolve(request, self.settings, now_s, learned_power=learned) for request in requests]
        return Forecasted(jobs, expect(jobs, self.bundles, self.past, self.node))

    def predict(self, requests: Sequence[JobRequest], now_s: float) -> list[Prediction]:
        """Return the answers to requests made at a date (Unix s), in their order.

        Raises:
            NoModelError, UnpredictableError: as `wattq.telemetry.api.expect.expect`.
        """
        return self.answers(self.forecast(requests, now_s))

    def answers(self, found: Forecasted) -> list[Prediction]:
        """Return what is expected of jobs as answers."""
        return [self._answer(job, found.expected, row) for row, job in enumerate(found.jobs)]

    def _answer(self, job: Resolved, expected: Expected, row: int) -> Prediction:
        run_s = float(expected.run_s[row])
        window = np.array([job.start_s]), np.array([job.start_s + run_s])
        price, carbon = self.grid.price(job.issued_s, *window), self.grid.carbon(job.issued_s, *window)
        energy_j = float(expected.energy_j[row])
        used = self.amounts(energy_j, run_s, float(price.per_kwh[0]), float(carbon.per_kwh[0]))
        currency = self.grid.currency_of(price)
        return Prediction(
            job_id=job.request.job_id,
            predicted_energy_j=energy_j,
            predicted_energy_wh=joules_to_wh(energy_j),
            predicted_energy_kwh=joules_to_kwh(energy_j),
            confidence_interval=_energy_interval(expected, row, self.spread),
            predicted_power_watts=energy_j / run_s,
            predicted_duration_seconds=run_s,
            duration_interval=_time_interval(expected, row),
            hosts=job.nodes,
            node_share=job.share,
            **_amounts(used, currency, price, carbon),
            pue=self.grid.pue,
            window_start=iso(job.start_s),
            window_end=iso(job.start_s + run_s),
            prediction_timestamp=iso(job.now_s),
            prediction_method=_method(expected, row),
            model_version=self.bundles.version,
            workload_pattern=job.pattern,
            flags=job.flags,
            notes=job.notes,
        )

    def amounts(self, energy_j: float, run_s: float, price_per_kwh: float, carbon_kg_per_kwh: float) -> Amounts:
        """Return what an energy used over a time costs and emits."""
        used = estimate(energy_j / run_s, run_s / HOUR_S, price_per_kwh=price_per_kwh, pue=self.grid.pue)
        # Marginal intensities may be negative, which the estimate of a job refuses.
        return replace(used, carbon_g=used.facility_kwh * carbon_kg_per_kwh * GRAMS_PER_KG)


def _amounts(used: Amounts, currency: str, price: Rate, carbon: Rate) -> dict[str, Any]:
    cost = used.cost or 0.0
    return {
        "facility_energy_wh": joules_to_wh(used.facility_j),
        "estimated_cost": cost,
        "currency": currency,
        "estimated_cost_usd": cost if currency == "USD" else None,
        "cost_source": price.source,
        "estimated_co2_kg": used.carbon_kg or 0.0,
        "co2_source": carbon.source,
    }


def _method(expected: Expected, row: int) -> str:
    time = "runtime-model" if expected.learned_time[row] else "given-duration"
    return f"{time}+{'energy-model' if expected.learned_power[row] else 'node-power'}"


def _energy_interval(expected: Expected, row: int, spread: Spread | None) -> Interval:
    time, power = bool(expected.learned_time[row]), bool(expected.learned_power[row])
    if not (time or power):
        return _formula_interval(joules_to_wh(float(expected.energy_j[row])), spread)
    sources = {(True, True): "models of run time and of power", (True, False): "model of run time alone"}
    low, high = joules_to_wh(float(expected.low_j[row])), joules_to_wh(float(expected.high_j[row]))
    source = sources.get((time, power), "model of power alone")
    return Interval(lower=low, upper=high, std=(high - low) / _SIGMAS, unit="Wh", source=source)


def _formula_interval(energy_wh: float, spread: Spread | None) -> Interval:
    """Return the interval of a formula: how far it was off before, where that is known."""
    if spread is None:
        source = "not known: the run time was given, and the power of a node is a formula without a spread"
        return Interval(lower=None, upper=None, std=None, unit="Wh", source=source)
    low, high = energy_wh * spread.low, energy_wh * spread.high
    source = f"{spread.jobs} jobs that were predicted so, and then measured"
    return Interval(lower=low, upper=high, std=(high - low) / _SIGMAS, unit="Wh", source=source)


def _time_interval(expected: Expected, row: int) -> Interval:
    if not expected.learned_time[row]:
        return Interval(lower=None, upper=None, std=None, unit="s", source="not known: the run time was given")
    low, high = float(expected.run_low_s[row]), float(expected.run_high_s[row])
    return Interval(lower=low, upper=high, std=(high - low) / _SIGMAS, unit="s", source="model of run time")


def iso(unix_s: float) -> str:
    """Return a date as ISO 8601 in UTC, to the millisecond."""
    date = datetime.datetime.fromtimestamp(unix_s, datetime.UTC)
    return date.isoformat(timespec="milliseconds").replace("+00:00", "Z")
