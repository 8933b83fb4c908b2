"""How far what was found on the tuning weeks holds on the test weeks: quotients to EASY on both, and their distance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from wattq.experiments.study.bootstrap import SEED, Estimate, Sampled, ratio
from wattq.experiments.study.records import WeekRecord
from wattq.experiments.tuning.arena import EASY, Arena
from wattq.experiments.tuning.measures import Measure

__all__ = ["Gap", "gaps_of"]

_Weeks = dict[tuple[str, str, str], list[WeekRecord]]


@dataclass(frozen=True)
class Gap:
    """One metric of one policy on one log and grid, as a quotient to EASY's on the same weeks.

    Attributes:
        workload, grid, policy, metric: of what.
        label: heading of the metric.
        tuning: on the tuning weeks, with its paired interval.
        test: on the test weeks, likewise.
        gap: test - tuning; the weeks are different ones, so that the two intervals are put together as independent.
    """

    workload: str
    grid: str
    policy: str
    metric: str
    label: str
    tuning: Estimate
    test: Estimate
    gap: Estimate


def gaps_of(arena: Arena, tuning: Sequence[WeekRecord], test: Sequence[WeekRecord]) -> list[Gap]:
    """Return the gaps of every policy but EASY, for the metrics of the file that have a quotient."""
    before, after = _by_place(tuning), _by_place(test)
    found = []
    for place, weeks in before.items():
        if place not in after or place[2] == EASY.title:
            continue
        base = (place[0], place[1], EASY.title)
        for measure in arena.measures:
            first = _quotient(measure, weeks, before[base])
            second = _quotient(measure, after[place], after[base])
            if first is not None and second is not None:
                found.append(
                    Gap(*place[:2], place[2], measure.name, measure.label, first.estimate, second.estimate,
                        _difference(second, first).estimate)
                )  # fmt: skip
    return found


def _by_place(records: Sequence[WeekRecord]) -> _Weeks:
    found: _Weeks = {}
    for record in records:
        found.setdefault((record.workload, record.grid, record.policy), []).append(record)
    return found


def _quotient(measure: Measure, weeks: Sequence[WeekRecord], easy: Sequence[WeekRecord]) -> Sampled | None:
    mine, base = measure.join(weeks, easy), measure.join(easy, easy)
    return None if mine is None or base is None else ratio(mine, base)


def _difference(first: Sampled, second: Sampled) -> Sampled:
    """Return the difference of two samples of different weeks; their draws are told apart by shuffling one of them."""
    value = first.value - second.value
    if len(first.draws) == 0 or len(first.draws) != len(second.draws):
        return Sampled(value, np.empty(0))
    order = np.random.default_rng(SEED + 1).permutation(len(second.draws))
    return Sampled(value, first.draws - second.draws[order])
