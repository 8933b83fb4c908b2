"""What can be learned: a task gives environments, costs, teachers, and says how its policies are saved.

A task is looked up by name; the module that makes it is imported when it is first asked for.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ValidationError

from wattq.errors import LearningError
from wattq.schedulers.rl.network import Network, NetworkShape

if TYPE_CHECKING:
    from wattq.schedulers.rl.model_file import Learned
    from wattq.schedulers.rl.training.config import TrainConfig

__all__ = ["TASKS", "Cost", "Task", "VectorEnv", "find_task", "first_choices", "flat_shape", "parse_options"]

Floats = NDArray[np.float64]

CostPair = tuple[Floats, Floats]
"""Cost and weight of the last step, one each per environment; the mean cost is sum of costs / sum of weights."""


class VectorEnv(Protocol):
    """What the training asks of environments, beside what Stable-Baselines3 asks of a ``VecEnv``."""

    num_envs: int
    observation_space: Any
    action_space: Any

    def action_masks(self) -> NDArray[np.bool_]:
        """Return the legal actions of all environments, shape (num_envs, actions); asked for by masked algorithms."""
        ...

    def reset(self) -> NDArray[np.float32]:
        """Return the first observations."""
        ...

    def step(self, actions: NDArray[np.int64]) -> tuple[NDArray[np.float32], Floats, NDArray[np.bool_], list[Any]]:
        """Return observations, rewards, ends and infos of one step of all environments."""
        ...

    def state(self) -> Mapping[str, NDArray[Any]]:
        """Return all that changes as arrays, random numbers included, so that `restore` goes on from here exactly."""
        ...

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from what `state` returned."""
        ...

    def close(self) -> None:
        """Give memory back."""
        ...


@dataclass(frozen=True)
class Cost:
    """A cost that can be limited.

    Attributes:
        doc: what it is, with unit.
        of: cost and weight of the environments' last step.
    """

    doc: str
    of: Callable[[Any], CostPair]


def flat_shape(env: Any) -> NetworkShape:
    """Return the shape of environments whose observations and actions are not made of slots."""
    choices = getattr(env.action_space, "nvec", None)
    actions = int(env.action_space.n if choices is None else np.sum(choices))
    return NetworkShape(globals_=int(env.observation_space.shape[0]), others=actions)


def first_choices(env: Any) -> tuple[int, ...]:
    """Return the first choice of each segment of the environments' actions."""
    return (0,) * len(getattr(env.action_space, "nvec", (0,)))


class _NoOptions(BaseModel, extra="forbid"):
    """A task without options."""


@dataclass(frozen=True)
class Task:
    """Something to learn.

    Attributes:
        name: of the task.
        doc: what is learned, in one line.
        make_vec: environments from their number, a seed and the options.
        options: model of the options.
        shape: numbers of the environments' observations and actions; `flat_shape` where they are not made of slots.
        costs: costs that can be limited, by name.
        teachers: actions of a rule for all environments in their present states, by the rule's name.
        masked: whether actions can be illegal; `VectorEnv.action_masks` says which are legal.
        fallback: from environments to the action in place of an illegal one that an algorithm without masks chose, one
            number for each segment of an action; the first legal choice where this one is illegal, too.
        clock_h: dates of the environments on their own time axes, h, for discounts per hour; None where steps are all
            alike.
        defaults: settings of the training that differ for this task.
        learned: a policy ready to be saved, from network, environments and card; None where there is none to save.
        trainer: trains in place of PPO, from settings, folder and a function that shows progress; None for PPO.
        resumable_trainer: the same, with a function more that tells whether to stop; it writes the settings to the
            folder when it begins, and goes on from a checkpoint that it finds there.
        data: what the training reads, for the card, from options and environments: names, digests, weeks.
    """

    name: str
    doc: str
    make_vec: Callable[[int, int, Any], Any]
    options: type[BaseModel] = _NoOptions
    shape: Callable[[Any], NetworkShape] = flat_shape
    costs: Mapping[str, Cost] = field(default_factory=dict)
    teachers: Mapping[str, Callable[[Any], NDArray[np.int64]]] = field(default_factory=dict)
    masked: bool = True
    fallback: Callable[[Any], tuple[int, ...]] = first_choices
    clock_h: Callable[[Any], Floats] | None = None
    defaults: Mapping[str, Any] = field(default_factory=dict)
    learned: Callable[[Network, Any, Mapping[str, Any]], Learned] | None = None
    trainer: Callable[[TrainConfig, Path, Callable[[int, int, str], None]], Mapping[str, Any]] | None = None
    resumable_trainer: (
        Callable[[TrainConfig, Path, Callable[[int, int, str], None], Callable[[], bool]], Mapping[str, Any]] | None
    ) = None
    data: Callable[[Any, Any], Mapping[str, Any]] | None = None


TASKS: dict[str, str | Task] = {
    "backfill": "wattq.schedulers.rl.training.backfill_task:TASK",
    "node-power": "wattq.schedulers.rl.training.node_power_task:TASK",
    "node-power-search": "wattq.schedulers.rl.training.node_power_search:TASK",
    "sc20": "wattq.schedulers.rl.sc20.task:TASK",
}
"""Tasks by name, or the place (``module:name``) of one."""


def find_task(name: str) -> Task:
    """Return a task.

    Raises:
        LearningError: when there is none of this name; the message names the nearest.
    """
    found = TASKS.get(name)
    if found is None:
        close = difflib.get_close_matches(name, TASKS, n=1, cutoff=0.5)
        hint = f"did you mean '{close[0]}'?" if close else f"there are {', '.join(TASKS)}"
        raise LearningError(f"task '{name[:60]}': no task has this name; {hint}")
    if isinstance(found, Task):
        return found
    module, _, attribute = found.partition(":")
    task: Task = getattr(importlib.import_module(module), attribute)
    return task


def parse_options(task: Task, options: Mapping[str, Any]) -> BaseModel:
    """Return the options of a task, checked.

    Raises:
        LearningError: when one is unknown or breaks a rule; the message names key, value and rule.
    """
    try:
        return task.options.model_validate(dict(options))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in ("options", *first["loc"]))
        if first["type"] == "extra_forbidden":
            raise LearningError(
                f"task {task.name}, key '{key}': unknown; {_nearest(task, str(first['loc'][-1]))}"
            ) from None
        value = first.get("input")
        shown = f"{value!r} " if isinstance(value, (str, int, float, bool)) else ""
        rule = str(first["msg"]).removeprefix("Input ").removeprefix("Value error, ")
        raise LearningError(f"task {task.name}, key '{key}': {shown}{rule}") from None


def _nearest(task: Task, key: str) -> str:
    names = list(task.options.model_fields)
    close = difflib.get_close_matches(key, names, n=1, cutoff=0.5)
    return f"did you mean '{close[0]}'?" if close else f"the options are {', '.join(names) or 'none'}"
