"""Predictions of run time and energy: features of jobs, models, intervals, bundles, estimates for a scheduler at work.

Names are imported when they are first used, so that the command line starts without numpy and numba.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wattq.surrogates.bundle import Bundle, load_bundle, read_manifest, save_bundle
    from wattq.surrogates.bundle_manifest import BundleMeta, Manifest, TrainingData
    from wattq.surrogates.conformal import Conformal
    from wattq.surrogates.features import FeatureTable, build_features
    from wattq.surrogates.history.describe import FEATURES
    from wattq.surrogates.history.feature import Feature
    from wattq.surrogates.history.live import LiveHistory
    from wattq.surrogates.jobs import Jobs, Outcomes, jobs_of, read_jobs
    from wattq.surrogates.losses import Loss, pinball
    from wattq.surrogates.model import LEVELS, Prediction, RuntimeModel
    from wattq.surrogates.models import MODELS
    from wattq.surrogates.reserve import reservations
    from wattq.surrogates.rolling import Rolling, new_session
    from wattq.surrogates.session import FOR_BACKFILLING, EstimateRule, Session
    from wattq.surrogates.training import train_runtime

__all__ = [
    "FEATURES",
    "FOR_BACKFILLING",
    "LEVELS",
    "MODELS",
    "Bundle",
    "BundleMeta",
    "Conformal",
    "EstimateRule",
    "Feature",
    "FeatureTable",
    "Jobs",
    "LiveHistory",
    "Loss",
    "Manifest",
    "Outcomes",
    "Prediction",
    "Rolling",
    "RuntimeModel",
    "Session",
    "TrainingData",
    "build_features",
    "jobs_of",
    "load_bundle",
    "new_session",
    "pinball",
    "read_jobs",
    "read_manifest",
    "reservations",
    "save_bundle",
    "train_runtime",
]

_MODULES = {
    "bundle": ("Bundle", "load_bundle", "read_manifest", "save_bundle"),
    "bundle_manifest": ("BundleMeta", "Manifest", "TrainingData"),
    "conformal": ("Conformal",),
    "features": ("FeatureTable", "build_features"),
    "history.describe": ("FEATURES",),
    "history.feature": ("Feature",),
    "history.live": ("LiveHistory",),
    "jobs": ("Jobs", "Outcomes", "jobs_of", "read_jobs"),
    "losses": ("Loss", "pinball"),
    "model": ("LEVELS", "Prediction", "RuntimeModel"),
    "models": ("MODELS",),
    "reserve": ("reservations",),
    "rolling": ("Rolling", "new_session"),
    "session": ("FOR_BACKFILLING", "EstimateRule", "Session"),
    "training": ("train_runtime",),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Import a public name from its module the first time it is asked for."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
