"""The machine: hosts, power states, SimGrid XML in and out, presets and the platform linter."""

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
    "lint_platform",
    "load_platform",
    "make_platform",
    "platform_xml",
    "read_platform",
    "write_platform",
]
