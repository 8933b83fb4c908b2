"""The machine: hosts, power states, SimGrid XML in and out, presets and the platform linter.

Names are imported when they are first used, so that reading a platform loads neither presets nor the linter.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wattq.platforms.calibrate import calibrate_power, read_samples
    from wattq.platforms.effective import effective_platform
    from wattq.platforms.findings import Finding
    from wattq.platforms.frequency import FrequencyModel
    from wattq.platforms.join import join_platforms
    from wattq.platforms.joules import EnergyRow, energy_table
    from wattq.platforms.lint import lint_platform
    from wattq.platforms.load import load_platform
    from wattq.platforms.make import ComputeState, SleepState, make_platform
    from wattq.platforms.measured import cap_states, measured_curves, runtime_ratio, sensitivity
    from wattq.platforms.model import ControlMessages, MasterHost, Platform, PstateKind
    from wattq.platforms.node import NodePower
    from wattq.platforms.presets import PRESETS
    from wattq.platforms.states_file import read_states
    from wattq.platforms.xml_reader import read_platform
    from wattq.platforms.xml_writer import platform_xml, write_platform

__all__ = [
    "PRESETS",
    "ComputeState",
    "ControlMessages",
    "EnergyRow",
    "Finding",
    "FrequencyModel",
    "MasterHost",
    "NodePower",
    "Platform",
    "PstateKind",
    "SleepState",
    "calibrate_power",
    "cap_states",
    "effective_platform",
    "energy_table",
    "join_platforms",
    "lint_platform",
    "load_platform",
    "make_platform",
    "measured_curves",
    "platform_xml",
    "read_platform",
    "read_samples",
    "read_states",
    "runtime_ratio",
    "sensitivity",
    "write_platform",
]

_MODULES = {
    "calibrate": ("calibrate_power", "read_samples"),
    "effective": ("effective_platform",),
    "findings": ("Finding",),
    "frequency": ("FrequencyModel",),
    "joules": ("EnergyRow", "energy_table"),
    "join": ("join_platforms",),
    "lint": ("lint_platform",),
    "load": ("load_platform",),
    "make": ("ComputeState", "SleepState", "make_platform"),
    "measured": ("cap_states", "measured_curves", "runtime_ratio", "sensitivity"),
    "model": ("ControlMessages", "MasterHost", "Platform", "PstateKind"),
    "node": ("NodePower",),
    "presets": ("PRESETS",),
    "states_file": ("read_states",),
    "xml_reader": ("read_platform",),
    "xml_writer": ("platform_xml", "write_platform"),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Import a public name from its module the first time it is asked for."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
