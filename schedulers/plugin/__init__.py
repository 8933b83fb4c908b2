"""wattq's policies as schedulers of Batsim: under pybatsim (``pybatsim wattq-easy``) and on their own.

Names are imported when they are first used: pybatsim loads the entry points of all packages one after another, so that
importing this package must cost nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wattq.schedulers.plugin.bridge import Bridge
    from wattq.schedulers.plugin.options import Options, read_options

__all__ = ["Bridge", "Options", "read_options"]

_MODULES = {"Bridge": "bridge", "Options": "options", "read_options": "options"}


def __getattr__(name: str) -> Any:
    """Import a public name on first use."""
    if name not in _MODULES:
        raise AttributeError(f"module 'wattq.schedulers.plugin' has no attribute '{name}'")
    return getattr(import_module(f"wattq.schedulers.plugin.{_MODULES[name]}"), name)
