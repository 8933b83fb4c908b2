"""A first estimate of what a job uses, costs and emits: `wattq.platforms.estimate`, by its public name."""

from __future__ import annotations

from wattq.platforms.estimate import CARBON_KG_PER_KWH, PRICE_PER_KWH, estimate

__all__ = ["CARBON_KG_PER_KWH", "PRICE_PER_KWH", "estimate"]
