"""Training of policies: tasks, settings, PPO with masks, limits on costs, teachers, stages, checkpoints.

Names are imported when they are first used, so that the command line starts without torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wattq.schedulers.rl.training.config import TrainConfig, read_config
    from wattq.schedulers.rl.training.request import make_config
    from wattq.schedulers.rl.training.start import Trained, resume, train
    from wattq.schedulers.rl.training.tasks import TASKS, Cost, Task, VectorEnv, find_task

__all__ = [
    "TASKS",
    "Cost",
    "Task",
    "TrainConfig",
    "Trained",
    "VectorEnv",
    "find_task",
    "make_config",
    "read_config",
    "resume",
    "train",
]

_MODULES = {
    "TASKS": "tasks",
    "Cost": "tasks",
    "Task": "tasks",
    "TrainConfig": "config",
    "Trained": "start",
    "VectorEnv": "tasks",
    "find_task": "tasks",
    "make_config": "request",
    "read_config": "config",
    "resume": "start",
    "train": "start",
}


def __getattr__(name: str) -> Any:
    """Import a public name on first use."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
