"""Levels of factors, and their product."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from wattq.errors import CampaignError
from wattq.experiments.campaign.model import Factor
from wattq.experiments.experiment_model import Scalar

__all__ = ["Level", "combinations", "levels_of", "simplex_weights"]

MOST_CELLS = 1_000_000


@dataclass(frozen=True)
class Level:
    """One level of a factor.

    Attributes:
        columns: what tables say.
        sets: keys (dotted paths) and values.
    """

    columns: Mapping[str, Scalar]
    sets: tuple[tuple[str, Any], ...]


def levels_of(name: str, factor: Factor) -> list[Level]:
    """Return the levels of a factor in the order of the file.

    Raises:
        CampaignError: two levels have one name, or there are no such weights.
    """
    if factor.simplex is not None:
        return [_weighted(name, factor, weights) for weights in simplex_weights(name, factor)]
    if factor.cases is not None:
        return [Level({name: label}, tuple(sets.items())) for label, sets in factor.cases.items()]
    values = factor.values or []
    labels: Sequence[Scalar] = factor.labels or [_shown(value) for value in values]
    twice = next((label for index, label in enumerate(labels) if _among(label, labels[:index])), None)
    if twice is not None:
        raise CampaignError(f"factor '{name}': the value {twice!r} is given twice; keep one, or give 'labels'")
    keys = [factor.key] if isinstance(factor.key, str) else factor.key or [name]
    return [
        Level({name: label}, tuple((key, value) for key in keys)) for label, value in zip(labels, values, strict=True)
    ]


def _among(label: Scalar, labels: Sequence[Scalar]) -> bool:
    # True equals 1 in Python, but not in a file
    return any(type(label) is type(other) and label == other for other in labels)


def _shown(value: Any) -> Scalar:
    if isinstance(value, bool | int | float | str):
        return value
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _weighted(name: str, factor: Factor, weights: dict[str, float]) -> Level:
    keys = [factor.key] if isinstance(factor.key, str) else factor.key or [name]
    sets = tuple((f"{key}.{part}", weight) for key in keys for part, weight in weights.items())
    return Level({f"{name}.{part}": weight for part, weight in weights.items()}, sets)


def simplex_weights(name: str, factor: Factor) -> list[dict[str, float]]:
    """Return all weights that are multiples of the step (but for the fixed ones), at least 0, and sum to 1.

    There are C(n + k - 1, k - 1) of them for k free weights that share n steps.

    Args:
        name: of the factor, for messages.
        factor: with ``simplex``, ``step`` and ``fixed``.

    Raises:
        CampaignError: a weight is named twice or is none of the simplex, is outside of 0 to 1, or the free ones cannot
            share what is left in whole steps.
    """
    names = factor.simplex or []
    place = f"factor '{name}'"
    if len(set(names)) != len(names):
        raise CampaignError(f"{place}: 'simplex' names one weight twice; keep one")
    unknown = next((part for part in factor.fixed if part not in names), None)
    if unknown is not None:
        raise CampaignError(f"{place}: 'fixed' names '{unknown}'; the simplex has {', '.join(names)}")
    wrong = next((part for part, weight in factor.fixed.items() if not 0 <= weight <= 1), None)
    if wrong is not None:
        raise CampaignError(f"{place}: 'fixed' has {wrong} = {factor.fixed[wrong]}; a weight is from 0 to 1")
    free = [part for part in names if part not in factor.fixed]
    # decimal fractions as they were written: 0.1 is a tenth
    rest = 1 - sum((Fraction(str(weight)) for weight in factor.fixed.values()), Fraction(0))
    step = Fraction(str(factor.step))
    if rest < 0 or (not free and rest != 0) or (rest / step).denominator != 1:
        raise CampaignError(
            f"{place}: {float(rest):g} is left for {', '.join(free) or 'no weight'}, which is no multiple of the step "
            f"{factor.step:g}; weights sum to 1"
        )
    count = math.comb(int(rest / step) + len(free) - 1, len(free) - 1) if free else 1
    if count > MOST_CELLS:
        raise CampaignError(f"{place}: {count:,} combinations of weights; at most {MOST_CELLS:,} are run")
    found = []
    for steps in _shares(int(rest / step), len(free)):
        shared = dict(zip(free, (float(count * step) for count in steps), strict=True))
        found.append({part: float(factor.fixed.get(part, shared.get(part, 0.0))) for part in names})
    return found


def _shares(total: int, parts: int) -> Iterator[tuple[int, ...]]:
    """Yield all tuples of whole numbers from 0 that sum to the total, the first part largest first."""
    if parts == 0:
        yield ()
    elif parts == 1:
        yield (total,)
    else:
        for first in range(total, -1, -1):
            for others in _shares(total - first, parts - 1):
                yield (first, *others)


def combinations(factors: Mapping[str, Factor]) -> Iterator[Level]:
    """Yield the product of all factors as levels; one without columns where there is no factor.

    Raises:
        CampaignError: as `levels_of`, two factors have one column, or there are more than a million combinations.
    """
    every = [levels_of(name, factor) for name, factor in factors.items()]
    names = [column for levels in every for column in levels[0].columns]
    twice = next((column for column in names if names.count(column) > 1), None)
    if twice is not None:
        raise CampaignError(f"factor '{twice}': two factors have a column of this name; rename one")
    count = 1
    for levels in every:
        count *= len(levels)
    if count > MOST_CELLS:
        raise CampaignError(f"the factors make {count:,} combinations; at most {MOST_CELLS:,} are run")
    for chosen in itertools.product(*every):
        columns = {name: value for level in chosen for name, value in level.columns.items()}
        yield Level(columns, tuple(pair for level in chosen for pair in level.sets))
