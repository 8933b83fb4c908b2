"""What proposes trials, and what ends them early, by the names of a tuning file."""

from __future__ import annotations

import importlib.util
import warnings
from typing import TYPE_CHECKING

from wattq.errors import MissingDependencyError
from wattq.experiments.tuning.keys import Tuning
from wattq.experiments.tuning.storage import quiet

if TYPE_CHECKING:
    from optuna.pruners import BasePruner
    from optuna.samplers import BaseSampler

__all__ = ["make_pruner", "make_sampler", "pruner_name", "sampler_name"]

MOST_FOR_TPE = 200
"""Trials up to which TPE proposes for several objectives when the file leaves the choice."""

_EXTRA = {"gp": ("torch", "torch"), "cma-es": ("cmaes", "cmaes")}


def sampler_name(tuning: Tuning) -> str:
    """Return the sampler that a file names, or that suits it."""
    if tuning.sampler.name != "auto":
        return tuning.sampler.name
    return "nsga2" if len(tuning.objectives) > 1 and tuning.trials > MOST_FOR_TPE else "tpe"


def pruner_name(tuning: Tuning) -> str:
    """Return the pruner that a file names, or that suits it."""
    if tuning.pruner.name != "auto":
        return tuning.pruner.name
    return "none" if len(tuning.objectives) > 1 else "wilcoxon"


def make_sampler(tuning: Tuning, index: int) -> BaseSampler:
    """Return a sampler for one trial.

    Each trial has a sampler of its own, with a seed of its own: what it proposes depends on the finished trials, the
    file's seed and its index alone, not on when the process was begun. A search that was stopped gives what it would
    have given.

    Args:
        tuning: the file.
        index: number of trials that counted before this one.

    Raises:
        MissingDependencyError: a library that the sampler needs is not installed.
    """
    name, seed, startup = sampler_name(tuning), tuning.sampler.seed + index, tuning.sampler.startup
    if name in _EXTRA and importlib.util.find_spec(_EXTRA[name][0]) is None:
        raise MissingDependencyError(f"sampler '{name}': needs {_EXTRA[name][1]}; pip install {_EXTRA[name][1]}")
    from optuna import samplers

    with quiet():
        if name == "tpe":
            return samplers.TPESampler(seed=seed, n_startup_trials=startup, multivariate=True, group=True)
        if name == "nsga2":
            return samplers.NSGAIISampler(seed=seed)
        if name == "gp":
            return samplers.GPSampler(seed=seed, n_startup_trials=startup)
        if name == "cma-es":
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FutureWarning)
                return samplers.CmaEsSampler(seed=seed, warn_independent_sampling=False)
        return samplers.RandomSampler(seed=seed)


def make_pruner(tuning: Tuning) -> BasePruner:
    """Return the pruner."""
    from optuna import pruners

    name = pruner_name(tuning)
    with quiet():
        if name == "wilcoxon":
            return pruners.WilcoxonPruner(p_threshold=tuning.pruner.p, n_startup_steps=tuning.pruner.steps)
        if name == "median":
            return pruners.MedianPruner(n_warmup_steps=tuning.pruner.steps - 1, n_startup_trials=tuning.sampler.startup)
        return pruners.NopPruner()
