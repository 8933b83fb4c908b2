"""The numbers by which compiled code tells the built-in policies apart."""

from __future__ import annotations

__all__ = [
    "CONSERVATIVE",
    "EASY",
    "EASY_BF",
    "EASY_FAST",
    "ENERGY_BF",
    "FAIR_SHARE",
    "FCFS",
    "FILLER",
    "GREEN",
    "IDLE_SLEEPER",
    "INERTIAL",
    "LEARNED",
    "SUBPART_SLEEPER",
]

FCFS, FILLER, EASY, EASY_FAST, EASY_BF, CONSERVATIVE, FAIR_SHARE, GREEN = range(8)
# Numbers of the energy families begin at 20, apart from those of others.
ENERGY_BF, IDLE_SLEEPER, SUBPART_SLEEPER, INERTIAL = 20, 21, 22, 23
LEARNED = 30
