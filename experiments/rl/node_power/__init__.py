"""Study of the hourly node-power task: evaluation against rules and lower bounds, savings, pictures and sweeps.

Names are imported when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wattq.experiments.rl.node_power.candidates import BASELINES, load_policy
    from wattq.experiments.rl.node_power.evaluation import Plan, evaluate
    from wattq.experiments.rl.node_power.figures import cumulative_savings, dashboard, episode_summary
    from wattq.experiments.rl.node_power.grids import weight_simplex
    from wattq.experiments.rl.node_power.oracles import (
        HourlyWork,
        Machine,
        Oracle,
        contiguous_oracle,
        liquid_oracle,
    )
    from wattq.experiments.rl.node_power.savings import Bill, Savings, saved
    from wattq.experiments.rl.node_power.summary import summarise, summary_text
    from wattq.experiments.rl.node_power.sweeps import WeightSweep, sweep_rates, sweep_seeds, sweep_weights

_MODULES = {
    "candidates": ("BASELINES", "load_policy"),
    "evaluation": ("Plan", "evaluate"),
    "figures": ("cumulative_savings", "dashboard", "episode_summary"),
    "grids": ("weight_simplex",),
    "oracles": ("HourlyWork", "Machine", "Oracle", "contiguous_oracle", "liquid_oracle"),
    "savings": ("Bill", "Savings", "saved"),
    "summary": ("summarise", "summary_text"),
    "sweeps": ("WeightSweep", "sweep_rates", "sweep_seeds", "sweep_weights"),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "BASELINES",
    "Bill",
    "HourlyWork",
    "Machine",
    "Oracle",
    "Plan",
    "Savings",
    "WeightSweep",
    "contiguous_oracle",
    "cumulative_savings",
    "dashboard",
    "episode_summary",
    "evaluate",
    "liquid_oracle",
    "load_policy",
    "saved",
    "summarise",
    "summary_text",
    "sweep_rates",
    "sweep_seeds",
    "sweep_weights",
    "weight_simplex",
]


def __getattr__(name: str) -> Any:
    """Import a public name from its module the first time it is asked for."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
