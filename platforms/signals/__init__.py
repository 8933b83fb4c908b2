"""Grid signals of a machine's site: carbon intensity, price, PUE and temperature over time, and their forecasts.

Names are imported when they are first used, so that a signal is read without loading the forecasts, and so on.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wattq.platforms.signals.series import Signal

__all__ = [
    "Signal",
]

_MODULES = {
    "series": ("Signal",),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Import a public name from its module the first time it is asked for."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
