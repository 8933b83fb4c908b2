"""The figures of one cell, by the names of `METRICS` and, for sums with a grid, of a study's quantities."""

from __future__ import annotations

import math
from collections.abc import Mapping

from wattq.experiments.accounting import Account, Tariff, account_history, account_week, reconstruct
from wattq.experiments.metrics import spread
from wattq.experiments.results import RunResults
from wattq.experiments.study.energy import cost_name
from wattq.experiments.study.measuring import job_outcomes, nominal_work_host_h, service_values
from wattq.experiments.study.weeks import WeekPart
from wattq.platforms.model import Platform

__all__ = ["plain_values", "week_values"]


def plain_values(
    run: RunResults, platform: Platform, metrics: Mapping[str, float], rates: Tariff | None
) -> dict[str, float]:
    """Return the metrics of a whole run, and its energy, CO2e and cost at the grid's connection.

    Args:
        run: the results.
        platform: the machine.
        metrics: what `wattq.experiments.compute_metrics` found.
        rates: what energy is weighed with; None where it was not counted.
    """
    values = {name: float(value) for name, value in metrics.items()}
    if rates is not None:
        values |= _amounts(account_history(reconstruct(run, platform), rates))
    return _finite(values)


def week_values(
    run: RunResults, part: WeekPart, platform: Platform, rates: Tariff | None, tau_s: float
) -> dict[str, float]:
    """Return what the jobs of a week got, and the energy, CO2e and cost of the week, as a study counts them.

    Args:
        run: results of the week with its warm-up and cool-down.
        part: the week.
        platform: the machine.
        rates: what energy is weighed with; None where it was not counted.
        tau_s: bound of the bounded slowdown, s.
    """
    jobs = job_outcomes(run, part, nominal_work_host_h(part.workload, platform), tau_s)
    values = service_values(run, part, jobs)
    values |= spread(jobs.wait_s, "wait", "_s") | spread(jobs.bounded_slowdown, "bounded_slowdown")
    values["utilisation"] = values["busy_host_h"] / values["host_h"]
    if rates is not None:
        history = reconstruct(run, platform)
        horizon_s = max(history.end_s, part.end_s)
        values |= _amounts(account_week(history, rates, part.window_s, horizon_s=horizon_s))
    return _finite(values)


def _amounts(found: Account) -> dict[str, float]:
    total = found.total
    values = {"it_energy_kwh": total.energy_kwh, "energy_kwh": total.facility_kwh}
    if total.carbon_kg is not None:
        values["co2e_kg"] = total.carbon_kg
    if total.cost is not None:
        values[cost_name(found.currency)] = total.cost
    return values


def _finite(values: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in values.items() if math.isfinite(value)}
