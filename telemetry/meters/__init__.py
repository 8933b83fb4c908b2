"""Meters: power, energy and load of this node's devices, from its sensors.

Names are imported when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wattq.telemetry.meters.base import Meter, MeterError, Reading, Source, total_energy_j, total_power_w
    from wattq.telemetry.meters.rapl import RaplMeter

__all__ = [
    "Meter",
    "MeterError",
    "RaplMeter",
    "Reading",
    "Source",
    "total_energy_j",
    "total_power_w",
]

_MODULES = {
    "base": ("Meter", "MeterError", "Reading", "Source", "total_energy_j", "total_power_w"),
    "rapl": ("RaplMeter",),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Import a public name from its module the first time it is asked for."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
