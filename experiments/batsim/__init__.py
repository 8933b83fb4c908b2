"""Batsim as another program: robin files, and running Batsim and a scheduler under watch.

Names are imported when they are first used. The function `supervise` is in the module of its name.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wattq.experiments.batsim.robin_file import RobinFile, parse_robin, read_robin, robin_text
    from wattq.experiments.batsim.supervise import Outcome

_MODULES = {
    "robin_file": ("RobinFile", "parse_robin", "read_robin", "robin_text"),
    "supervise": ("Outcome",),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}

__all__ = ["Outcome", "RobinFile", "parse_robin", "read_robin", "robin_text"]


def __getattr__(name: str) -> Any:
    """Import a public name from its module the first time it is asked for."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
