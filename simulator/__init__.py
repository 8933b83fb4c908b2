"""What happens: the event kernel, energy integration, Batsim output files, and the contract with policies.

Names are imported when they are first used, so that listing policies does not load the compiler.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wattq.simulator.engine import simulate
    from wattq.simulator.interface import Actions, CompiledPolicy, Policy, View
    from wattq.simulator.prediction import Predictor
    from wattq.simulator.run import Run

__all__ = ["Actions", "CompiledPolicy", "Policy", "Predictor", "Run", "View", "simulate"]

_MODULES = {
    "Actions": "interface",
    "CompiledPolicy": "interface",
    "Policy": "interface",
    "Predictor": "prediction",
    "Run": "run",
    "View": "interface",
    "simulate": "engine",
}


def __getattr__(name: str) -> Any:
    """Import a public name on first use."""
    if name not in _MODULES:
        raise AttributeError(f"module 'wattq.simulator' has no attribute '{name}'")
    return getattr(import_module(f"wattq.simulator.{_MODULES[name]}"), name)
