"""What a study keeps of one week under one policy on one grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from wattq.experiments.study.measuring import JobOutcomes

__all__ = ["WeekRecord"]


@dataclass(frozen=True)
class WeekRecord:
    """One week under one policy on one grid.

    Attributes:
        workload: label of the log.
        week: number of the week in the log.
        policy: label of the policy.
        grid: name of the grid; empty for a study without signals.
        monday: the week's first day in the log, None without a date.
        placed: its first day on the grid's calendar, None without one.
        season_d: days between the two in the year.
        values: sums over the week by name; names end in units.
        jobs: what became of the week's jobs.
        terms: quantity -> term of its difference from EASY -> value; empty without.
        fixed: whether energy could not have differed from EASY's.
        missing: why values are missing, by name.
        bounds: what no schedule of the week's work can go below, by name.
    """

    workload: str
    week: int
    policy: str
    grid: str
    monday: date | None
    placed: date | None
    season_d: float
    values: Mapping[str, float]
    jobs: JobOutcomes
    terms: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    fixed: bool = False
    missing: Mapping[str, str] = field(default_factory=dict)
    bounds: Mapping[str, float] = field(default_factory=dict)
