"""A first estimate of what a job uses, costs and emits, from three numbers."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

from wattq.errors import InvalidInputError
from wattq.units import HOUR_S, JOULES_PER_KWH, joules_to_kwh

__all__ = ["CARBON_KG_PER_KWH", "PRICE_PER_KWH", "Amounts", "estimate"]

PRICE_PER_KWH = 0.12
"""Default price, $/kWh."""
CARBON_KG_PER_KWH = 0.5
"""Default carbon intensity, kg/kWh."""


@dataclass(frozen=True)
class Amounts:
    """Energy, carbon and cost of something; None for what no signal was given for.

    Attributes:
        energy_j: energy of the machine, J.
        facility_j: energy of the facility, J: that of the machine times the PUE of each instant.
        carbon_g: CO2e of the facility's energy, g.
        cost: cost of the facility's energy, in the account's currency.
    """

    energy_j: float
    facility_j: float
    carbon_g: float | None = None
    cost: float | None = None

    @property
    def energy_kwh(self) -> float:
        """Energy of the machine, kWh."""
        return joules_to_kwh(self.energy_j)

    @property
    def facility_kwh(self) -> float:
        """Energy of the facility, kWh."""
        return joules_to_kwh(self.facility_j)

    @property
    def carbon_kg(self) -> float | None:
        """CO2e, kg."""
        return None if self.carbon_g is None else self.carbon_g / 1000.0


def estimate(
    power_w: float,
    hours: float,
    hosts: int = 1,
    *,
    price_per_kwh: float = PRICE_PER_KWH,
    carbon_kg_per_kwh: float = CARBON_KG_PER_KWH,
    pue: float = 1.0,
) -> Amounts:
    """Return energy, carbon and cost of a job that draws constant power.

    energy = hosts x power x time; facility = energy x PUE; carbon and cost = facility energy x intensity and price.

    Args:
        power_w: mean power of one host while it runs the job, W.
        hours: run time, h.
        hosts: number of hosts.
        price_per_kwh: price, currency/kWh; may be negative.
        carbon_kg_per_kwh: carbon intensity, kg/kWh.
        pue: facility over machine power.

    Raises:
        InvalidInputError: a number that is not finite, below 0 (but the price), or a PUE below 1.
    """
    rules = {"power": power_w, "hours": hours, "hosts": hosts, "carbon intensity": carbon_kg_per_kwh, "PUE": pue - 1.0}
    for name, value in rules.items():
        if not (isfinite(value) and value >= 0):
            least = 1 if name == "PUE" else 0
            raise InvalidInputError(f"{name}: is not a number of at least {least}; give one")
    if not isfinite(price_per_kwh):
        raise InvalidInputError(f"price {price_per_kwh!r}: is not a finite number; give one")
    energy_j = hosts * power_w * hours * HOUR_S
    facility_j = energy_j * pue
    kwh = facility_j / JOULES_PER_KWH
    return Amounts(energy_j, facility_j, kwh * carbon_kg_per_kwh * 1000.0, kwh * price_per_kwh)
