"""The scheduling task of RLScheduler (SC'20): its protocol compiled, and policies that are learned for it.

Names are imported when they are first used, so that the command line starts without numpy and numba.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wattq.schedulers.rl.sc20.evaluation import Scores, evaluate
    from wattq.schedulers.rl.sc20.jobs import JobTable, job_table, read_jobs
    from wattq.schedulers.rl.sc20.learned import Policy, facts_of, play_learned
    from wattq.schedulers.rl.sc20.model import load_policy, save_policy

_MODULES = {
    "evaluation": ("Scores", "evaluate"),
    "jobs": ("JobTable", "job_table", "read_jobs"),
    "learned": ("Policy", "facts_of", "play_learned"),
    "model": ("load_policy", "save_policy"),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "JobTable",
    "Policy",
    "Scores",
    "evaluate",
    "facts_of",
    "job_table",
    "load_policy",
    "play_learned",
    "read_jobs",
    "save_policy",
]


def __getattr__(name: str) -> Any:
    """Import a public name from its module the first time it is asked for."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
