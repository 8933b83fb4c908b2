"""Which settings of a model a search may choose, and from which range."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from wattq.surrogates import MODELS

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

SPACES: Mapping[str, Space] = MappingProxyType({})
"""Ranges by model."""


def space_of(model: str) -> Space:
    """Return the ranges of a model; none where it has no settings to search."""
    return SPACES.get(model, ())


def default_settings(model: str) -> dict[str, Any]:
    """Return the settings that a model has unless told otherwise, as far as they can be searched."""
    known = inspect.signature(MODELS[model]).parameters
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
