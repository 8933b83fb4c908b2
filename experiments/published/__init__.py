"""Published tables reproduced: protocols as data, simulators that follow them, comparison to the printed digits.

Names are imported when they are first used, so that the command line starts without numpy and numba.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wattq.experiments.published.protocol import Protocol, load_protocol, parse_protocol, shipped_protocols
    from wattq.experiments.published.reproduction import Cell, Reproduction, reproduce
    from wattq.experiments.published.traces import TraceFinder

_MODULES = {
    "protocol": ("Protocol", "load_protocol", "parse_protocol", "shipped_protocols"),
    "reproduction": ("Cell", "Reproduction", "reproduce"),
    "traces": ("TraceFinder",),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "Cell",
    "Protocol",
    "Reproduction",
    "TraceFinder",
    "load_protocol",
    "parse_protocol",
    "reproduce",
    "shipped_protocols",
]


def __getattr__(name: str) -> Any:
    """Import a public name from its module the first time it is asked for."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
