"""The hourly node-power task: nodes of a machine go on and off against prices, jobs wait, work counts."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wattq.schedulers.rl.node_power.config import NodePowerConfig, Weights
    from wattq.schedulers.rl.node_power.env import NodePowerEnv

__all__ = ["NodePowerConfig", "NodePowerEnv", "Weights"]

_MODULES = {"NodePowerConfig": "config", "NodePowerEnv": "env", "Weights": "config"}


def __getattr__(name: str) -> Any:
    """Import a public name on first use."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
