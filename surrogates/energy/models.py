"""The models of power by name, the simplest first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from wattq.errors import SurrogateError
from wattq.surrogates.energy.boosting import PowerBoosting
from wattq.surrogates.energy.model import EnergyModel
from wattq.surrogates.energy.physical import ApplicationMean, NominalPower
from wattq.surrogates.energy.regression import PowerRegression

__all__ = ["ENERGY_MODELS", "make_energy_model"]

ENERGY_MODELS: Mapping[str, Any] = {
    NominalPower.name: NominalPower,
    ApplicationMean.name: ApplicationMean,
    PowerRegression.name: PowerRegression,
    PowerBoosting.name: PowerBoosting,
}
"""Name -> class; made without arguments."""


def make_energy_model(name: str) -> EnergyModel:
    """Return a model that has learned nothing yet.

    Raises:
        SurrogateError: when there is none of this name.
    """
    if name not in ENERGY_MODELS:
        raise SurrogateError(f"energy model '{name[:40]}': there are {', '.join(ENERGY_MODELS)}")
    return cast("EnergyModel", ENERGY_MODELS[name]())
