"""From the records of a trial to its objectives and constraints."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from wattq.errors import TuningError
from wattq.experiments.study.records import WeekRecord
from wattq.experiments.tuning.arena import Arena, Groups
from wattq.experiments.tuning.keys import Constraint, Objective
from wattq.experiments.tuning.measures import Measure, find_measure

__all__ = ["Direction", "Score", "constraint_keys", "directions", "name_of", "score", "week_value"]

Direction = Literal["minimize", "maximize"]

_ROUNDING = 1e-9
_NEVER = 1e9
"""Violation of a bound by a quotient whose divisor is 0."""


@dataclass(frozen=True)
class Score:
    """What came of a policy on some weeks.

    Attributes:
        objectives: one value each: the mean over logs and grids.
        constraints: by name, the largest excess over the bound on any log and grid: of the quotient to EASY, or of the
            value as a share of the bound; 0 or less where the bound is kept.
        values: ``log / grid`` -> metric -> value, and for each metric that is compared with EASY ``metric/easy``, the
            quotient.
    """

    objectives: tuple[float, ...]
    constraints: Mapping[str, float]
    values: Mapping[str, Mapping[str, float]]

    @property
    def feasible(self) -> bool:
        """Whether every bound is kept."""
        return all(value <= 0 for value in self.constraints.values())


def directions(objectives: Sequence[Objective]) -> list[Direction]:
    """Return ``minimize`` or ``maximize`` for each objective.

    Raises:
        TuningError: a metric has no better direction, and the file names none.
    """
    found: list[Direction] = []
    for objective in objectives:
        better = find_measure(objective.metric).better
        if objective.direction is None and not better:
            raise TuningError(
                f"objective '{objective.metric}': neither more nor less of it is better by itself; give 'direction'"
            )
        found.append(objective.direction or ("minimize" if better == "lower" else "maximize"))
    return found


def name_of(objective: Objective) -> str:
    """Return what tables call an objective."""
    return f"{objective.metric}/easy" if objective.of == "easy" else objective.metric


def constraint_keys(constraints: Sequence[Constraint]) -> list[str]:
    """Return what trials call the constraints."""
    return [constraint.words for constraint in constraints]


def score(arena: Arena, played: Sequence[Sequence[WeekRecord]]) -> Score:
    """Return objectives and constraints over the first weeks, as many as were played.

    Raises:
        TuningError: a week does not have what an objective or a constraint names, such as CO2e where the run went
            beyond the series.
    """
    mine, easy = arena.groups(played), arena.easy_groups(len(played))
    objectives = tuple(_mean(_each(mine, easy, objective)) for objective in arena.tuning.objectives)
    bounds = arena.tuning.all_constraints
    constraints = {bound.words: max(_excess(bound, value) for value in _each(mine, easy, bound)) for bound in bounds}
    return Score(objectives, constraints, _values(arena, mine, easy))


def week_value(records: Sequence[WeekRecord], easy: Sequence[WeekRecord], objective: Objective) -> float | None:
    """Return an objective in one week, the mean over grids; None where a quotient to EASY's 0 is asked for."""
    values = []
    for record, base in zip(records, easy, strict=True):
        found = _value(find_measure(objective.metric), [record], [base], objective.of)
        if found is None or not math.isfinite(found):
            return None
        values.append(found)
    return _mean(values) if values else None


def _each(mine: Groups, easy: Groups, what: Objective | Constraint) -> list[float]:
    """Return a metric, or its quotient to EASY's, on each log and grid."""
    measure = find_measure(what.metric)
    found = []
    for place, weeks in mine.items():
        value = _value(measure, weeks, easy[place], what.of)
        if value is None:
            where = " / ".join(filter(None, place))
            raise TuningError(f"metric '{what.metric}' on {where}: is not known; {_why_unknown(weeks)}")
        found.append(value)
    return found


def _why_unknown(weeks: Sequence[WeekRecord]) -> str:
    reasons = [reason for week in weeks for reason in week.missing.values()]
    if reasons:
        return reasons[0]
    if not any(week.jobs.counted.any() for week in weeks):
        return "every job was rejected"
    return "nothing in the file gives it: name 'signals', or count 'energy'"


def _value(measure: Measure, weeks: Sequence[WeekRecord], easy: Sequence[WeekRecord], of: str) -> float | None:
    mine = measure.join(weeks, easy)
    if mine is None or not math.isfinite(mine.value):
        return None
    if of == "value":
        return mine.value
    base = measure.join(easy, easy)
    if base is None:
        return None
    if base.value == 0:
        return 1.0 if mine.value == 0 else math.inf
    return mine.value / base.value


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _excess(bound: Constraint, value: float) -> float:
    """Return by how much a value is beyond its bound, as a share of the bound (of 1 where that is 0)."""
    beyond = value - bound.bound if bound.most is not None else bound.bound - value
    if not math.isfinite(beyond):
        return _NEVER if beyond > 0 else -_NEVER
    share = beyond / (abs(bound.bound) or 1.0)
    return share if abs(share) > _ROUNDING else 0.0


def _values(arena: Arena, mine: Groups, easy: Groups) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for place, weeks in mine.items():
        row = found.setdefault(" / ".join(filter(None, place)), {})
        for measure in arena.measures:
            for name, of in ((measure.name, "value"), (f"{measure.name}/easy", "easy")):
                value = _value(measure, weeks, easy[place], of)
                if value is not None and math.isfinite(value):
                    row[name] = value
    return found
