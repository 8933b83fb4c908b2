"""The machine: hosts, power states, SimGrid XML in and out, presets and the platform linter.

Names are imported when they are first used, so that reading a platform loads neither presets nor the linter.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wattq.platforms.effective import effective_platform
    from wattq.platforms.findings import Finding
    from wattq.platforms.lint import lint_platform
    from wattq.platforms.load import load_platform
    from wattq.platforms.make import ComputeState, SleepState, make_platform
    from wattq.platforms.model import ControlMessages, MasterHost, Platform, PstateKind
    from wattq.platforms.presets import PRESETS
    from wattq.platforms.xml_reader import read_platform
    from wattq.platforms.xml_writer import platform_xml, write_platform

__all__ = [
    "PRESETS",
    "ComputeState",
    "ControlMessages",
    "Finding",
    "MasterHost",
    "Platform",
    "PstateKind",
    "SleepState",
    "effective_platform",
    "lint_platform",
    "load_platform",
    "make_platform",
    "platform_xml",
    "read_platform",
    "write_platform",
]

_MODULES = {
    "effective": ("effective_platform",),
    "findings": ("Finding",),
    "lint": ("lint_platform",),
    "load": ("load_platform",),
    "make": ("ComputeState", "SleepState", "make_platform"),
    "model": ("ControlMessages", "MasterHost", "Platform", "PstateKind"),
    "presets": ("PRESETS",),
    "xml_reader": ("read_platform",),
    "xml_writer": ("platform_xml", "write_platform"),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Import a public name from its module the first time it is asked for."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
