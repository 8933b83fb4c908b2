"""Meters: power, energy and load of this node's devices, from its sensors.

Names are imported when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wattq.telemetry.meters.base import Meter, MeterError, Reading, total_energy_j, total_power_w
    from wattq.telemetry.meters.finding import METERS, FoundMeters, find_meters
    from wattq.telemetry.meters.hwmon import HwmonMeter
    from wattq.telemetry.meters.ipmi import IpmiMeter
    from wattq.telemetry.meters.model import ModelMeter, node_power_of
    from wattq.telemetry.meters.node import CpuShare, Flow, NodeMeter, NodeReading
    from wattq.telemetry.meters.nvml import NvmlMeter
    from wattq.telemetry.meters.rapl import RaplMeter
    from wattq.telemetry.meters.thermal import Clock, CpuTemperature, Fan, ThermalSensors, Throttling, Zone
    from wattq.telemetry.meters.whole import NodeWatts, PowerOfNode, whole_node

__all__ = [
    "METERS",
    "Clock",
    "CpuShare",
    "CpuTemperature",
    "Fan",
    "Flow",
    "FoundMeters",
    "HwmonMeter",
    "IpmiMeter",
    "Meter",
    "MeterError",
    "ModelMeter",
    "NodeMeter",
    "NodeReading",
    "NodeWatts",
    "NvmlMeter",
    "PowerOfNode",
    "RaplMeter",
    "Reading",
    "ThermalSensors",
    "Throttling",
    "Zone",
    "find_meters",
    "node_power_of",
    "total_energy_j",
    "total_power_w",
    "whole_node",
]

_MODULES = {
    "base": (
        "Meter",
        "MeterError",
        "Reading",
        "total_energy_j",
        "total_power_w",
    ),
    "finding": (
        "METERS",
        "FoundMeters",
        "find_meters",
    ),
    "hwmon": ("HwmonMeter",),
    "ipmi": ("IpmiMeter",),
    "model": (
        "ModelMeter",
        "node_power_of",
    ),
    "node": (
        "CpuShare",
        "Flow",
        "NodeMeter",
        "NodeReading",
    ),
    "nvml": ("NvmlMeter",),
    "rapl": ("RaplMeter",),
    "thermal": (
        "Clock",
        "CpuTemperature",
        "Fan",
        "ThermalSensors",
        "Throttling",
        "Zone",
    ),
    "whole": (
        "NodeWatts",
        "PowerOfNode",
        "whole_node",
    ),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Import a public name from its module the first time it is asked for."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
