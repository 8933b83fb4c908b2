"""The numbers of a study: names that end in units, headings, and how weeks are put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from wattq.experiments.study.bootstrap import Sampled, mean_of_jobs, percentile_of_jobs, ratio, total
from wattq.experiments.study.records import WeekRecord

__all__ = ["COSTS", "QUANTITIES", "Quantity", "quantity"]

Join = Callable[[Sequence[WeekRecord]], Sampled | None]


@dataclass(frozen=True)
class Quantity:
    """One number over the weeks of a log.

    Attributes:
        name: key in files; ends in the unit where it has one.
        label: heading.
        unit: unit, empty for a pure number.
        definition: what is counted, and over what.
        join: makes it from one record per week; None where a week does not have it.
        ratio: whether it is divided by EASY's; ``void`` for what only means something for equal work.
    """

    name: str
    label: str
    unit: str
    definition: str
    join: Join
    ratio: Literal["", "plain", "void"] = ""


def _sum(name: str) -> Join:
    def join(weeks: Sequence[WeekRecord]) -> Sampled | None:
        if any(name not in week.values for week in weeks):
            return None
        return total([week.values[name] for week in weeks])

    return join


def _share(over: str, under: str) -> Join:
    def join(weeks: Sequence[WeekRecord]) -> Sampled | None:
        return ratio(
            total([week.values[over] for week in weeks]),
            total([week.values[under] for week in weeks]),
        )

    return join


def _waits(weeks: Sequence[WeekRecord], percent: float | None) -> Sampled:
    waits = [week.jobs.wait_s[week.jobs.counted] for week in weeks]
    return mean_of_jobs(waits) if percent is None else percentile_of_jobs(waits, percent)


def _slowdown(weeks: Sequence[WeekRecord]) -> Sampled:
    return mean_of_jobs([week.jobs.bounded_slowdown[week.jobs.counted] for week in weeks])


_ENERGY = (
    "Jobs submitted in the weeks, wherever they run, and the machine's overhead (idle, asleep, switching) during them"
)
_JOBS = "Over all jobs submitted in the weeks; one that never started counts with the lower bound that its run proves"
_WORK = "Hosts times run time at full speed"

COSTS: Mapping[str, str] = MappingProxyType({"EUR": "cost_eur", "GBP": "cost_gbp", "USD": "cost_usd"})
"""Currency -> name of the cost."""


def _cost(currency: str, name: str) -> Quantity:
    definition = f"{_ENERGY}, each second at its price."
    return Quantity(name, f"Cost ({currency})", currency, definition, _sum(name), "void")


_ALL = (
    Quantity("energy_kwh", "Energy (kWh)", "kWh", f"{_ENERGY}, PUE included.", _sum("energy_kwh"), "void"),
    Quantity("co2e_kg", "CO2e (kg)", "kg", f"{_ENERGY}, each second at its intensity.", _sum("co2e_kg"), "void"),
    *(_cost(currency, name) for currency, name in COSTS.items()),
    Quantity("wait_mean_s", "Wait, mean", "s", f"{_JOBS}.", lambda weeks: _waits(weeks, None), "plain"),
    Quantity("wait_p50_s", "Wait, median", "s", f"{_JOBS}.", lambda weeks: _waits(weeks, 50.0)),
    Quantity("wait_p95_s", "Wait, p95", "s", f"{_JOBS}.", lambda weeks: _waits(weeks, 95.0), "plain"),
    Quantity("wait_p99_s", "Wait, p99", "s", f"{_JOBS}.", lambda weeks: _waits(weeks, 99.0), "plain"),
    Quantity("bounded_slowdown_mean", "Bounded slowdown, mean", "", f"{_JOBS}.", _slowdown, "plain"),
    Quantity(
        "utilisation", "Utilisation", "", "Busy host hours of any job over host hours, during the weeks.",
        _share("busy_host_h", "host_h"),
    ),
    Quantity(
        "served_work_host_h", "Work served", "host-h", f"{_WORK}, of the weeks' jobs that completed successfully.",
        _sum("served_work_host_h"),
    ),
    Quantity(
        "unfinished_work_host_h", "Work unfinished", "host-h",
        f"{_WORK}, of the weeks' jobs that had not ended with the cool-down; they run on afterwards.",
        _sum("unfinished_work_host_h"),
    ),
    Quantity(
        "killed_work_host_h", "Work killed", "host-h",
        f"{_WORK}, of the weeks' jobs that started and did not succeed, at their walltime for instance.",
        _sum("killed_work_host_h"),
    ),
    Quantity("jobs", "Jobs", "jobs", "Jobs submitted in the weeks.", _sum("jobs")),
    Quantity("jobs_served", "Served", "jobs", "Those that completed successfully.", _sum("jobs_served")),
    Quantity("jobs_killed", "Killed", "jobs", "Those that started and did not succeed.", _sum("jobs_killed")),
    Quantity("jobs_rejected", "Rejected", "jobs", "Those that the policy refused.", _sum("jobs_rejected")),
    Quantity(
        "jobs_never_started", "Never started", "jobs", "Those that were neither started nor refused.",
        _sum("jobs_never_started"),
    ),
)  # fmt: skip

QUANTITIES: Mapping[str, Quantity] = MappingProxyType({entry.name: entry for entry in _ALL})
"""Every number of a study by name, in the order of the tables."""


def quantity(name: str) -> Quantity:
    """Return the quantity of that name."""
    return QUANTITIES[name]
