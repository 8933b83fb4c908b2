"""How far what was found on the tuning weeks holds on the test weeks: quotients to EASY on both, and their distance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from wattq.experiments.study.bootstrap import SEED, Estimate, Sampled, ratio
from wattq.experiments.study.records import WeekRecord
from wattq.experiments.tuning.arena import EASY, Arena
from wattq.experiments.tuning.measures import Measure, find_measure

__all__ = ["Against", "Gap", "against_defaults", "gaps_of"]

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


@dataclass(frozen=True)
class Against:
    """An objective of a tuned policy on the test weeks, as a quotient to the same policy with its defaults.

    Attributes:
        workload, grid, policy, metric: of what.
        defaults: label of the policy with its defaults.
        quotient: with its paired interval.
    """

    workload: str
    grid: str
    policy: str
    metric: str
    defaults: str
    quotient: Estimate


def against_defaults(arena: Arena, records: Sequence[WeekRecord], pairs: Mapping[str, str]) -> list[Against]:
    """Return how tuned policies compare with their defaults on the same weeks.

    Args:
        arena: what trials were judged on.
        records: of the weeks.
        pairs: label of a tuned policy -> label of the same one with its defaults.
    """
    places = _by_place(records)
    metrics = dict.fromkeys(objective.metric for objective in arena.tuning.objectives)
    found = []
    for (workload, grid, policy), weeks in places.items():
        base = (workload, grid, pairs.get(policy, ""))
        if base not in places:
            continue
        easy = places[workload, grid, EASY.title]
        for metric in metrics:
            mine, theirs = (find_measure(metric).join(rows, easy) for rows in (weeks, places[base]))
            quotient = None if mine is None or theirs is None else ratio(mine, theirs)
            if quotient is not None:
                found.append(Against(workload, grid, policy, metric, base[2], quotient.estimate))
    return found


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
