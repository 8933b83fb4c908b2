"""Learning to schedule: Gymnasium environments over the compiled engine, training, and policies that were learned.

Names are imported when they are first used; what runs a learned policy needs neither torch nor gymnasium.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wattq.schedulers.rl.model_file import Learned, load_learned, save_learned
    from wattq.schedulers.rl.network import Network, NetworkShape

__all__ = ["Learned", "Network", "NetworkShape", "load_learned", "save_learned"]

_MODULES = {
    "Learned": "model_file",
    "Network": "network",
    "NetworkShape": "network",
    "load_learned": "model_file",
    "save_learned": "model_file",
}


def __getattr__(name: str) -> Any:
    """Import a public name on first use."""
    if name not in _MODULES:
        raise AttributeError(f"module 'wattq.schedulers.rl' has no attribute '{name}'")
    return getattr(import_module(f"wattq.schedulers.rl.{_MODULES[name]}"), name)
