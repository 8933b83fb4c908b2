"""Searches for the knobs of policies: Optuna over tuning weeks, judged on test weeks that no choice has seen.

Names are imported when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wattq.experiments.tuning.findings import verdict
    from wattq.experiments.tuning.gap import Gap
    from wattq.experiments.tuning.keys import Constraint, Objective, TunedPolicy, Tuning
    from wattq.experiments.tuning.knobs import Knob
    from wattq.experiments.tuning.outcome import Outcome, TrialRow
    from wattq.experiments.tuning.output import write_tuning
    from wattq.experiments.tuning.printing import tuning_text
    from wattq.experiments.tuning.search import Settings, tune
    from wattq.experiments.tuning.training import Request
    from wattq.experiments.tuning.tuning_file import find_tuning, load_tuning, parse_tuning, shipped_tunings

_MODULES = {
    "gap": ("Gap",),
    "keys": ("Constraint", "Objective", "TunedPolicy", "Tuning"),
    "knobs": ("Knob",),
    "outcome": ("Outcome", "TrialRow"),
    "output": ("write_tuning",),
    "printing": ("tuning_text",),
    "training": ("Request",),
    "search": ("Settings", "tune"),
    "tuning_file": ("find_tuning", "load_tuning", "parse_tuning", "shipped_tunings"),
    "findings": ("verdict",),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "Constraint",
    "Gap",
    "Knob",
    "Objective",
    "Outcome",
    "Request",
    "Settings",
    "TrialRow",
    "TunedPolicy",
    "Tuning",
    "find_tuning",
    "load_tuning",
    "parse_tuning",
    "shipped_tunings",
    "tune",
    "tuning_text",
    "verdict",
    "write_tuning",
]


def __getattr__(name: str) -> Any:
    """Import a public name from its module the first time it is asked for."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
