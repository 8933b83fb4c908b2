"""Slurm's hooks: energy of each job from prolog to epilog, power caps, and nodes switched off and on.

Names are imported when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wattq.telemetry.slurm.attribution import Holding, JobEnergy, energy_of_jobs
    from wattq.telemetry.slurm.deploy import write_hook_files
    from wattq.telemetry.slurm.entry import main
    from wattq.telemetry.slurm.facts import JobFacts, facts_from_environment, facts_from_scontrol
    from wattq.telemetry.slurm.gpu_cap import GpuCaps, cap_of_comment
    from wattq.telemetry.slurm.hostlist import node_names
    from wattq.telemetry.slurm.marks import Device, Mark
    from wattq.telemetry.slurm.node_switch import switch_nodes
    from wattq.telemetry.slurm.pattern import classify

__all__ = [
    "Device",
    "GpuCaps",
    "Holding",
    "JobEnergy",
    "JobFacts",
    "Mark",
    "cap_of_comment",
    "classify",
    "energy_of_jobs",
    "facts_from_environment",
    "facts_from_scontrol",
    "main",
    "node_names",
    "switch_nodes",
    "write_hook_files",
]

_MODULES = {
    "attribution": ("Holding", "JobEnergy", "energy_of_jobs"),
    "pattern": ("classify",),
    "deploy": ("write_hook_files",),
    "entry": ("main",),
    "facts": ("JobFacts", "facts_from_environment", "facts_from_scontrol"),
    "gpu_cap": ("GpuCaps", "cap_of_comment"),
    "hostlist": ("node_names",),
    "marks": ("Device", "Mark"),
    "node_switch": ("switch_nodes",),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Import a public name from its module the first time it is asked for."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
