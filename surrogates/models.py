"""All models of run times by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from wattq.surrogates.baselines import LastTwo, Requested, Similar, UserQuantiles
from wattq.surrogates.blend import Blend
from wattq.surrogates.boosting import Boosting, QuantileBoosting
from wattq.surrogates.forest import Forest
from wattq.surrogates.gnn import Gnn
from wattq.surrogates.model import RuntimeModel

__all__ = ["MODELS"]

MODELS: Mapping[str, type[RuntimeModel]] = MappingProxyType(
    {
        model.name: model
        for model in (Requested, LastTwo, UserQuantiles, Similar, Forest, Boosting, QuantileBoosting, Blend, Gnn)
    }
)
"""Models by name; each is a class that is called to make a new, untrained model."""
