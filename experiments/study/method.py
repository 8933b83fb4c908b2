"""What a study's numbers rest on, in sentences: weeks, warm-up, calendar, series, intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from wattq.experiments.study.bootstrap import LEAST_WEEKS, RESAMPLES, SEED
from wattq.experiments.study.grids import Grid
from wattq.experiments.study.keys import WeeksSpec
from wattq.experiments.study.lower_bounds import LATER_S
from wattq.experiments.study.plan import Source
from wattq.platforms.signals import Signal

if TYPE_CHECKING:
    from wattq.experiments.study.run import Study

__all__ = ["method", "warnings"]

_FEW_WEEKS = 10


def method(study: Study) -> list[str]:
    """Return the sentences that a reader needs to judge the numbers."""
    lines = [line for source in study.sources for line in _of_log(study, source)]
    lines += [line for grid in study.grids.values() for line in _of_grid(grid)]
    if any(grid.signals for grid in study.grids.values()):
        lines.append(_calendar(study))
    lines.append(
        "Energy, CO2e and cost of a week are those of the jobs submitted in it, wherever they run, and of the "
        "machine's overhead (idle, asleep, switching) during it; waits, slowdowns and work are of the jobs submitted "
        "in it. A job that never started counts with the lower bound that its run proves."
    )
    lines.append(
        f"Intervals are 95 % percentile bootstrap intervals over weeks: {RESAMPLES:,} resamples, seed {SEED}, the "
        f"same for a policy and for EASY, so that quotients are paired; fewer than {LEAST_WEEKS} weeks have none. They "
        "speak of these weeks of these logs, not of other machines."
    )
    lines.append(
        "Savings are void where a policy did not serve some job that EASY served; the tables say how much work that is."
    )
    if study.experiment.bounds:
        lines.append(
            "Lower bounds are liquid: the work of the week's jobs that EASY served flows in any pieces to any hosts "
            "and power states, alone on the machine; hosts without work sleep at no cost of switching. For CO2e and "
            f"cost each job starts at most {LATER_S / 3600:g} h later than under EASY; for energy there is no limit."
        )
    return lines


def _of_log(study: Study, source: Source) -> list[str]:
    spec, label = study.experiment.weeks_of(source.spec), source.spec.name
    records = [record for record in study.records if record.workload == label]
    weeks = list(dict.fromkeys((record.week, record.monday) for record in records))
    names = ", ".join(f"{week} ({monday})" if monday else str(week) for week, monday in weeks)
    lines = [
        f"{label} on {source.platform.name} ({source.platform.n_compute:,} hosts): {len(weeks)} {study.part} weeks, "
        f"numbers {names}. {_around(spec)}"
    ]
    if source.spec.walltime_factor != 1.0:
        lines.append(
            f"{label}: every walltime is multiplied by {source.spec.walltime_factor:g} under every policy, EASY "
            "included, so that slower power states kill no job."
        )
    return lines


def _around(spec: WeeksSpec) -> str:
    return (
        f"Jobs submitted {spec.warmup_s / 86400:g} days before a week (warm-up) and {spec.cooldown_s / 86400:g} days "
        "after it (cool-down) run too and are not measured; then the machine drains until every job has ended."
    )


def _of_grid(grid: Grid) -> list[str]:
    lines = [f"{grid.name}: {_described(signal)}." for signal in grid.signals]
    if grid.pue != 1.0:
        lines.append(f"{grid.name}: PUE {grid.pue:g}, constant.")
    return lines + ([f"{grid.name}: {grid.note}"] if grid.note else [])


def _described(signal: Signal) -> str:
    words = [word for word in (signal.kind, signal.scope) if word]
    made = "synthetic " if signal.synthetic else ""
    what = f"{made}{signal.quantity} ({', '.join([*words, signal.unit])})"
    parts = [f"{what} of {signal.region or 'an unnamed region'}, {signal.span}", signal.source, *signal.notes]
    return "; ".join(part.rstrip(".") for part in parts if part)


def _calendar(study: Study) -> str:
    if study.experiment.calendar == "recorded":
        return "Every week keeps its own dates."
    apart = [abs(record.season_d) for record in study.records]
    return (
        "Every week is set on the grid's calendar at the Monday, 0:00 local time, whose day of the year is nearest "
        "among those for which the series cover warm-up, week, cool-down and drain: weekday and hour are kept (but for "
        f"changes of clocks within a run), the day of the year to {max(apart, default=0.0):.0f} days at worst and "
        f"{sum(apart) / max(len(apart), 1):.0f} on average."
    )


def warnings(study: Study) -> list[str]:
    """Return what a reader has to see before the numbers."""
    found = [f"{name}: generated workload, no real trace." for name in _synthetic_logs(study.sources)]
    found += [
        f"{grid.name}: the {signal.quantity} series is synthetic."
        for grid in study.grids.values()
        for signal in grid.signals
        if signal.synthetic
    ]
    found += _few_weeks(study) + _assumed(study)
    if any(group.baseline is None for group in study.groups):
        found.append("No run of textbook EASY (policy 'easy') is among these: nothing is compared.")
    if study.part == "tuning":
        found.append("These are tuning weeks: knobs are chosen on them, and results are not reported on them.")
    return list(dict.fromkeys(found))


def _few_weeks(study: Study) -> list[str]:
    few = {group.workload: len(group.weeks) for group in study.groups if len(group.weeks) < _FEW_WEEKS}
    return [f"{label}: {weeks} weeks only; intervals over so few are too narrow." for label, weeks in few.items()]


def _assumed(study: Study) -> list[str]:
    machines: dict[str, list[str]] = {}
    for source in study.sources:
        for note in source.platform.notes:
            if "assum" in note.lower():
                machines.setdefault(note, []).append(source.platform.name)
    return [f"{', '.join(dict.fromkeys(names))}: {note}" for note, names in machines.items()]


def _synthetic_logs(sources: Sequence[Source]) -> list[str]:
    return [source.spec.name for source in sources if source.workload.synthetic]
