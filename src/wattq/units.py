"""Conversions between the units that wattq reads, computes in and prints.

Inside, everything is SI: seconds, watts, joules, flop/s. Conversions happen at the edges, by these names.
"""

from __future__ import annotations

__all__ = [
    "DAY_S",
    "GRAMS_PER_KG",
    "GRAMS_PER_TONNE",
    "HOUR_S",
    "JOULES_PER_KWH",
    "JOULES_PER_MWH",
    "JOULES_PER_WH",
    "WEEK_S",
    "grams_to_kg",
    "grams_to_tonnes",
    "joules_to_kwh",
    "joules_to_mwh",
    "joules_to_wh",
    "kwh_to_joules",
    "mwh_to_joules",
    "wh_to_joules",
]

HOUR_S = 3600.0
DAY_S = 24 * HOUR_S
WEEK_S = 7 * DAY_S
JOULES_PER_WH = 3.6e3
JOULES_PER_KWH = 3.6e6
JOULES_PER_MWH = 3.6e9
GRAMS_PER_KG = 1e3
GRAMS_PER_TONNE = 1e6


def joules_to_wh(energy_j: float) -> float:
    """Return an energy in Wh; 1 Wh is 3600 J."""
    return energy_j / JOULES_PER_WH


def joules_to_kwh(energy_j: float) -> float:
    """Return an energy in kWh; 1 kWh is 3.6e6 J."""
    return energy_j / JOULES_PER_KWH


def joules_to_mwh(energy_j: float) -> float:
    """Return an energy in MWh; 1 MWh is 3.6e9 J."""
    return energy_j / JOULES_PER_MWH


def wh_to_joules(energy_wh: float) -> float:
    """Return an energy in joules; 1 Wh is 3600 J."""
    return energy_wh * JOULES_PER_WH


def kwh_to_joules(energy_kwh: float) -> float:
    """Return an energy in joules; 1 kWh is 3.6e6 J."""
    return energy_kwh * JOULES_PER_KWH


def mwh_to_joules(energy_mwh: float) -> float:
    """Return an energy in joules; 1 MWh is 3.6e9 J."""
    return energy_mwh * JOULES_PER_MWH


def grams_to_kg(mass_g: float) -> float:
    """Return a mass, of CO2e mostly, in kg; 1 kg is 1000 g."""
    return mass_g / GRAMS_PER_KG


def grams_to_tonnes(mass_g: float) -> float:
    """Return a mass, of CO2e mostly, in tonnes; 1 t is 1e6 g."""
    return mass_g / GRAMS_PER_TONNE
