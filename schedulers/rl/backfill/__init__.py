"""`wattq/Backfill-v0`: which waiting job starts next, in which power state, or none for now.

`BackfillEnv` is the Gymnasium environment and `BackfillVecEnv` many of them for Stable-Baselines3; both need the extra
``rl``. `Fleet` is what they share, and needs nothing but the core.

Below them lie compiled functions that see nothing but the ledger, so that they serve environment, engine and plugin
alike. A round of decisions is::

    absorb(v)
    while True:
        n = observe(v, cfg, mi, mf, mw, x, mask)  # `observe.observe`: fills mask, and x where n > 1
        action = ...                              # the only legal one if n is 1, else a policy's choice
        if not act(v, cfg, mi, mf, mw, action):   # `act.act`: False when the round is over
            break

`config.make_cfg` makes the row of numbers cfg, `memory.backfill_memory` sizes mi, mf and mw, `table.n_features` and
`config.n_actions` x and mask; `teacher.teach` chooses an action as a rule does.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from wattq.errors import MissingDependencyError

if TYPE_CHECKING:
    from wattq.schedulers.rl.backfill.config import Options
    from wattq.schedulers.rl.backfill.env import BackfillEnv
    from wattq.schedulers.rl.backfill.example import example_scenario
    from wattq.schedulers.rl.backfill.fleet import PARTS, Fleet
    from wattq.schedulers.rl.backfill.results import episode_results
    from wattq.schedulers.rl.backfill.scenario import Scenario, Weights
    from wattq.schedulers.rl.backfill.table import OBSERVATION, Feature, feature_names
    from wattq.schedulers.rl.backfill.teacher import TEACHERS
    from wattq.schedulers.rl.backfill.vector import BackfillVecEnv

__all__ = [
    "OBSERVATION",
    "PARTS",
    "TEACHERS",
    "BackfillEnv",
    "BackfillVecEnv",
    "Feature",
    "Fleet",
    "Options",
    "Scenario",
    "Weights",
    "episode_results",
    "example_scenario",
    "feature_names",
]

_MODULES = {
    "config": ("Options",),
    "env": ("BackfillEnv",),
    "example": ("example_scenario",),
    "fleet": ("PARTS", "Fleet"),
    "results": ("episode_results",),
    "scenario": ("Scenario", "Weights"),
    "table": ("OBSERVATION", "Feature", "feature_names"),
    "teacher": ("TEACHERS",),
    "vector": ("BackfillVecEnv",),
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
