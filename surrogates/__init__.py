"""Predictions of run time and energy: features of jobs, models, bundles, and estimates for a scheduler at work.

Names are imported when they are first used, so that the command line starts without numpy and numba.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wattq.surrogates.bundle import Bundle, load_bundle, read_manifest, save_bundle
    from wattq.surrogates.features import FeatureTable, build_features
    from wattq.surrogates.history.describe import FEATURES
    from wattq.surrogates.history.feature import Feature
    from wattq.surrogates.history.live import LiveHistory
    from wattq.surrogates.jobs import Jobs, Outcomes, jobs_of, read_jobs
    from wattq.surrogates.model import LEVELS, Prediction, RuntimeModel

__all__ = [
    "FEATURES",
    "LEVELS",
    "Bundle",
    "Feature",
    "FeatureTable",
    "Jobs",
    "LiveHistory",
    "Outcomes",
    "Prediction",
    "RuntimeModel",
    "build_features",
    "jobs_of",
    "load_bundle",
    "read_jobs",
    "read_manifest",
    "save_bundle",
]

_MODULES = {
    "bundle": ("Bundle", "load_bundle", "read_manifest", "save_bundle"),
    "features": ("FeatureTable", "build_features"),
    "history.describe": ("FEATURES",),
    "history.feature": ("Feature",),
    "history.live": ("LiveHistory",),
    "jobs": ("Jobs", "Outcomes", "jobs_of", "read_jobs"),
    "model": ("LEVELS", "Prediction", "RuntimeModel"),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Import a public name from its module the first time it is asked for."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
