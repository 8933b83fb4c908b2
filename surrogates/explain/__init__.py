"""Why a model predicts what it predicts for a job, and which other request would change it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wattq.surrogates.explain.contributions import Contributions, sampled_contributions
    from wattq.surrogates.explain.counterfactual import Aim, Change, Lever, smallest_change
    from wattq.surrogates.explain.energy import EnergyQuestion, explain_energy
    from wattq.surrogates.explain.importance import Importance, permutation_importance
    from wattq.surrogates.explain.job import ExplainOptions, Explanation, explain_runtime
    from wattq.surrogates.explain.requests import Moment, Request
    from wattq.surrogates.explain.shapley import shap_contributions
    from wattq.surrogates.explain.text import explanation_json, explanation_lines

__all__ = [
    "Aim",
    "Change",
    "Contributions",
    "EnergyQuestion",
    "ExplainOptions",
    "Explanation",
    "Importance",
    "Lever",
    "Moment",
    "Request",
    "explain_energy",
    "explain_runtime",
    "explanation_json",
    "explanation_lines",
    "permutation_importance",
    "sampled_contributions",
    "shap_contributions",
    "smallest_change",
]

_MODULES = {
    "contributions": ("Contributions", "sampled_contributions"),
    "counterfactual": ("Aim", "Change", "Lever", "smallest_change"),
    "energy": ("EnergyQuestion", "explain_energy"),
    "importance": ("Importance", "permutation_importance"),
    "job": ("ExplainOptions", "Explanation", "explain_runtime"),
    "requests": ("Moment", "Request"),
    "shapley": ("shap_contributions",),
    "text": ("explanation_json", "explanation_lines"),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Import a public name from its module the first time it is asked for."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
