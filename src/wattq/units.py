"""Conversions between the units that wattq reads, computes in and prints.

Inside, everything is SI: seconds, watts, joules, flop/s. Conversions happen at the edges, by these names.
"""

from __future__ import annotations

__all__ = ["HOUR_S", "JOULES_PER_KWH", "JOULES_PER_MWH", "WEEK_S", "joules_to_kwh", "joules_to_mwh"]

HOUR_S = 3600.0
WEEK_S = 7 * 24 * HOUR_S
JOULES_PER_KWH = 3.6e6
JOULES_PER_MWH = 3.6e9


def joules_to_kwh(energy_j: float) -> float:
    """Return an energy in kWh; 1 kWh is 3.6e6 J."""
    return energy_j / JOULES_PER_KWH


def joules_to_mwh(energy_j: float) -> float:
    """Return an energy in MWh; 1 MWh is 3.6e9 J."""
    return energy_j / JOULES_PER_MWH
