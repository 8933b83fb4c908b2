"""Energy for work: by day, user, partition and kind of job, and how much of it was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from wattq.surrogates.energy.balance import NodeBalance
from wattq.telemetry.reports.grid import GridTerms
from wattq.telemetry.reports.jobs import SOURCES, JobTable, lost_states
from wattq.telemetry.reports.schema import Coverage, Daily, EfficiencyPart, Group, NodeUse
from wattq.units import DAY_S, HOUR_S, JOULES_PER_KWH, JOULES_PER_WH

__all__ = ["Reported", "choose_jobs", "efficiency_part"]

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
_NOT_NAMED = "(not known)"


@dataclass(frozen=True)
class Reported:
    """The runs that a report is of.

    Attributes:
        jobs: ended runs, without those whose energy is synthetic beside real ones.
        coverage: what is known of their energy.
    """

    jobs: JobTable
    coverage: Coverage


def choose_jobs(found: JobTable) -> Reported:
    """Return the runs that are reported: ended, and real ones alone where there are any with energy."""
    ended = np.isfinite(found.end_s) & (found.end_s >= found.start_s)
    synthetic = found.source == "synthetic"
    real = ended & found.has_energy & ~synthetic
    mixed = bool(real.any())
    kept = ended & ~synthetic if mixed else ended
    jobs = found.take(kept)
    energy, known = jobs.energy_j, jobs.has_energy
    total = float(energy[known].sum())
    by_source = {name: float(energy[jobs.source == name].sum()) for name in SOURCES}
    measured = jobs.source == "measured"
    covered = jobs.coverage[measured & np.isfinite(jobs.coverage)]
    meters = sorted({name or _NOT_NAMED for name in jobs.meter[measured].tolist()})
    coverage = Coverage(
        jobs=found.n_jobs,
        running=int((~ended).sum()),
        with_energy=int(known.sum()),
        left_out_synthetic=int((ended & synthetic).sum()) if mixed else 0,
        synthetic_only=bool(known.any()) and not mixed,
        energy_j=total,
        by_source={name: joules for name, joules in by_source.items() if (jobs.source == name).any()},
        by_meter={
            name: float(energy[measured & (jobs.meter == ("" if name == _NOT_NAMED else name))].sum())
            for name in meters
        },
        measured_share=by_source["measured"] / total if total > 0 else None,
        mean_coverage=float(covered.mean()) if covered.size else None,
    )
    return Reported(jobs, coverage)


def efficiency_part(
    jobs: JobTable, terms: GridTerms, balances: Sequence[NodeBalance], period: tuple[float, float]
) -> EfficiencyPart:
    """Return energy for work of runs.

    Args:
        jobs: ended runs.
        terms: price and intensity.
        balances: measured energy of nodes.
        period: Unix s.
    """
    cost = terms.cost(jobs.start_s, jobs.end_s, jobs.energy_j)
    co2e = terms.co2e_kg(jobs.start_s, jobs.end_s, jobs.energy_j)
    days = np.array([_day(start) for start in jobs.start_s.tolist()], dtype=np.str_)
    keys = {"day": days, "user": jobs.user, "partition": jobs.partition, "job_type": jobs.kind}
    every = np.ones(jobs.n_jobs, dtype=bool)
    return EfficiencyPart(
        total=_group("all", jobs, every, cost, co2e),
        by={name: _groups(column, jobs, cost, co2e, in_order=name == "day") for name, column in keys.items()},
        daily=_daily(jobs, days, period),
        grid=terms.described(),
        nodes=[_node(each) for each in sorted(balances, key=lambda each: -each.idle_j)],
    )


def _day(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")


def _groups(column: NDArray[np.str_], jobs: JobTable, cost: Floats, co2e: Floats, *, in_order: bool) -> list[Group]:
    names = sorted(set(column.tolist()))
    groups = [_group(name or _NOT_NAMED, jobs, column == name, cost, co2e) for name in names]
    return groups if in_order else sorted(groups, key=lambda each: (-each.energy_j, each.name))


def _group(name: str, jobs: JobTable, rows: Mask, cost: Floats, co2e: Floats) -> Group:
    known = rows & jobs.has_energy
    energy = float(jobs.energy_j[known].sum())
    done = known & jobs.completed
    usage, hours = jobs.cpu_usage, jobs.cpu_hours
    used = rows & np.isfinite(usage) & np.isfinite(hours)
    worked = used & known
    return Group(
        name=name,
        jobs=int(rows.sum()),
        completed=int((rows & jobs.completed).sum()),
        with_energy=int(known.sum()),
        energy_j=energy,
        measured_share=_share(jobs, known, "measured", energy),
        modelled_share=_share(jobs, known, "modelled", energy),
        lost_j=float(jobs.energy_j[known & lost_states(jobs)].sum()),
        wh_per_job=_wh_per(jobs, done, np.ones(jobs.n_jobs)),
        wh_per_cpu_hour=_wh_per(jobs, done, hours),
        wh_per_gb_hour=_wh_per(jobs, done, jobs.gb_hours),
        used_cpu_hours_per_kwh=_ratio(
            float((hours * usage)[worked].sum()) / 100.0, float(jobs.energy_j[worked].sum()) / JOULES_PER_KWH
        ),
        mean_cpu_usage=_ratio(float((hours * usage)[used].sum()), float(hours[used].sum())),
        cost=_sum_or_none(cost, known & np.isfinite(cost)),
        cost_share=_ratio(float(jobs.energy_j[known & np.isfinite(cost)].sum()), energy),
        co2e_kg=_sum_or_none(co2e, known & np.isfinite(co2e)),
        co2e_share=_ratio(float(jobs.energy_j[known & np.isfinite(co2e)].sum()), energy),
    )


def _share(jobs: JobTable, rows: Mask, source: str, energy: float) -> float | None:
    return _ratio(float(jobs.energy_j[rows & (jobs.source == source)].sum()), energy)


def _wh_per(jobs: JobTable, rows: Mask, amount: Floats) -> float | None:
    """Return energy for an amount of work, over the runs whose amount is known."""
    good = rows & np.isfinite(amount)
    return _ratio(float(jobs.energy_j[good].sum()) / JOULES_PER_WH, float(amount[good].sum()))


def _ratio(above: float, below: float) -> float | None:
    return above / below if below > 0.0 else None


def _sum_or_none(values: Floats, rows: Mask) -> float | None:
    return float(values[rows].sum()) if rows.any() else None


def _daily(jobs: JobTable, days: NDArray[np.str_], period: tuple[float, float]) -> list[Daily]:
    """Return every day of the period, also those without runs, as long as that is at most ten years."""
    first, last = np.floor(period[0] / DAY_S), np.ceil(period[1] / DAY_S)
    names = [_day(day * DAY_S) for day in np.arange(first, min(last, first + 3660.0)).tolist()]
    sums = {name: dict.fromkeys(SOURCES, 0.0) for name in names}
    for row in np.flatnonzero(jobs.has_energy).tolist():
        if days[row] in sums:
            sums[days[row]][str(jobs.source[row])] += float(jobs.energy_j[row])
    return [
        Daily(day=name, **{f"{source}_j": joules for source, joules in each.items()}) for name, each in sums.items()
    ]


def _node(balance: NodeBalance) -> NodeUse:
    return NodeUse(
        node=balance.node,
        energy_j=balance.energy_j,
        jobs_j=balance.jobs_j,
        idle_j=max(balance.idle_j, 0.0),
        coverage=min(balance.coverage, 1.0),
        hours=(balance.end_s - balance.start_s) / HOUR_S,
    )
