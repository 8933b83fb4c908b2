"""Which settings of a model a search may choose, and from which range."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import wattq.surrogates.models as registry

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

__all__ = ["SPACES", "Range", "Space", "default_settings", "distributions", "space_of"]


@dataclass(frozen=True)
class Range:
    """Numbers that a setting may take.

    Attributes:
        name: the setting, an argument of the model.
        low, high: ends.
        log: whether a factor counts rather than a difference.
    """

    name: str
    low: float
    high: float
    log: bool = False

    @property
    def whole(self) -> bool:
        """Whether only whole numbers are tried."""
        return isinstance(self.low, int)


Space = tuple[Range, ...]

_BOOSTED = (
    Range("n_trees", 40, 400, log=True),
    Range("leaves", 4, 64, log=True),
    Range("rate", 0.03, 0.3, log=True),
    Range("least", 3, 50, log=True),
)

SPACES: Mapping[str, Space] = MappingProxyType(
    {
        "forest": (
            Range("n_trees", 10, 60, log=True),
            Range("tries", 10, 150, log=True),
            Range("least", 2, 30, log=True),
            Range("share", 0.3, 1.0),
            Range("long_weight", 0.0, 10.0),
        ),
        "boosting": (*_BOOSTED, Range("under_weight", 0.5, 2.0, log=True)),
        "quantile-boosting": _BOOSTED,
        "blend": (
            Range("n_trees", 10, 60, log=True),
            Range("tries", 10, 150, log=True),
            Range("n_boosted", 50, 400, log=True),
            Range("price", 0.0, 0.5),
            Range("points_weight", 0.2, 3.0, log=True),
        ),
    }
)
"""Ranges by model."""


def space_of(model: str) -> Space:
    """Return the ranges of a model; none where it has no settings to search."""
    return SPACES.get(model, ())


def default_settings(model: str) -> dict[str, Any]:
    """Return the settings that a model has unless told otherwise, as far as they can be searched."""
    known = inspect.signature(registry.MODELS[model]).parameters
    return {part.name: known[part.name].default for part in space_of(model)}


def distributions(space: Space) -> dict[str, BaseDistribution]:
    """Return the ranges as Optuna knows them."""
    from optuna.distributions import FloatDistribution, IntDistribution

    found: dict[str, BaseDistribution] = {}
    for part in space:
        if part.whole:
            found[part.name] = IntDistribution(int(part.low), int(part.high), log=part.log)
        else:
            found[part.name] = FloatDistribution(part.low, part.high, log=part.log)
    return found
