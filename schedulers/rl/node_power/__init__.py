"""`wattq/NodePower-v0`: nodes of a machine go on and off hour by hour, against prices, while jobs wait.

`NodePowerEnv` is the Gymnasium environment and `NodePowerVecEnv` many of them for Stable-Baselines3; both need the
extra ``rl``. `World` is what they share, and needs nothing but the core: rules (`make_rule`) play in it, and `record`
writes down an `Episode`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from wattq.errors import MissingDependencyError

if TYPE_CHECKING:
    from wattq.schedulers.rl.node_power.arrivals import Arrivals, default_model, generated, replayed, sampled
    from wattq.schedulers.rl.node_power.config import PARTS, NodePowerConfig, Weights
    from wattq.schedulers.rl.node_power.env import NodePowerEnv
    from wattq.schedulers.rl.node_power.episode import Episode, read_episode, record, write_episode, write_hours
    from wattq.schedulers.rl.node_power.prices import Prices, named_prices, prices_of
    from wattq.schedulers.rl.node_power.rules import RULES, make_rule
    from wattq.schedulers.rl.node_power.vector import NodePowerVecEnv
    from wattq.schedulers.rl.node_power.world import World

__all__ = [
    "PARTS",
    "RULES",
    "Arrivals",
    "Episode",
    "NodePowerConfig",
    "NodePowerEnv",
    "NodePowerVecEnv",
    "Prices",
    "Weights",
    "World",
    "default_model",
    "generated",
    "make_rule",
    "named_prices",
    "prices_of",
    "read_episode",
    "record",
    "replayed",
    "sampled",
    "write_episode",
    "write_hours",
]

_MODULES = {
    "arrivals": ("Arrivals", "default_model", "generated", "replayed", "sampled"),
    "config": ("PARTS", "NodePowerConfig", "Weights"),
    "env": ("NodePowerEnv",),
    "episode": ("Episode", "read_episode", "record", "write_episode", "write_hours"),
    "prices": ("Prices", "named_prices", "prices_of"),
    "rules": ("RULES", "make_rule"),
    "vector": ("NodePowerVecEnv",),
    "world": ("World",),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Import a public name on first use."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    except ModuleNotFoundError as error:
        if error.name not in ("gymnasium", "stable_baselines3"):
            raise
        raise MissingDependencyError(f"{name} needs {error.name}: pip install 'wattq[rl]'") from error
