"""What is compared on the hourly task: learned policies, and the rules that they must beat."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wattq.errors import LearningError
from wattq.schedulers.rl.model_file import Learned, load_learned
from wattq.schedulers.rl.node_power.config import NodePowerConfig
from wattq.schedulers.rl.node_power.rules import Rule, make_rule, price_rule, random_rule
from wattq.schedulers.rl.node_power.serve import N_SERVE, SERVE_OBSERVATION
from wattq.schedulers.rl.node_power.serve_view import ServeView
from wattq.schedulers.rl.node_power.world import World
from wattq.schedulers.rl.training.node_power_task import cheap_hours

__all__ = ["BASELINES", "Threshold", "load_policy", "make_candidate"]

BASELINES: Mapping[str, str] = {
    "always-on": "every node stays on",
    "queue": "everything on if the queue is not empty, else everything off",
    "sized": "as many nodes as the queue needs",
    "timeout": "as sized, but only as many nodes go off as were idle for 2 h",
    "price": "sized in cheap hours of the next day, or once a job has waited long; tuned on weeks to learn from",
    "cheap-hours": "serve everything while the next 8 hours are cheap against the past week, else nothing",
    "nothing": "every node goes off and stays off",
    "one-node": "one node stays on",
    "random": "actions drawn evenly",
}
"""The rules that every evaluation compares with."""


@dataclass(frozen=True)
class Threshold:
    """Numbers of the price rule.

    Attributes:
        quantile: of the next day's prices, below which an hour is cheap.
        patience_h: age of the oldest job, h, from which every hour is cheap enough.
    """

    quantile: float = 0.5
    patience_h: int = 12


@dataclass
class _Served:
    """A rule that chooses how much to serve from what `ServeView` shows."""

    learned: Learned | None
    _views: dict[int, ServeView] = field(default_factory=dict)

    def __call__(self, world: World) -> NDArray[np.int64]:
        view = self._views.get(id(world))
        if view is None or view.world is not world:
            self._views.clear()
            view = self._views[id(world)] = ServeView(world)
        x = view.observe()
        chosen = cheap_hours(x) if self.learned is None else self.learned.network.choose_many(x)
        return view.actions(chosen)


def load_policy(path: Path | str, config: NodePowerConfig) -> Learned:
    """Return a learned policy of this task.

    Raises:
        LearningError: the file is no learned policy, is of another task or of another machine, or reads other numbers.
    """
    learned = load_learned(path)
    if learned.task != "node-power":
        raise LearningError(f"{path}: a policy of task {learned.task}; give one of `wattq rl train --task node-power`")
    given = {key: int(learned.machine.get(key, 0)) for key in ("hosts", "cores")}
    wanted = {"hosts": config.n_nodes, "cores": config.cores_per_node}
    if given != wanted:
        raise LearningError(
            f"{path}: learned on {given['hosts']} nodes of {given['cores']} cores; the task has {wanted['hosts']} of "
            f"{wanted['cores']}; train a policy for this machine"
        )
    if tuple(learned.observation) != SERVE_OBSERVATION or learned.network.shape.actions != N_SERVE:
        raise LearningError(f"{path}: reads or chooses other numbers than this version; train it again")
    return learned


def make_candidate(
    name: str, *, model: Learned | None = None, threshold: Threshold | None = None, seed: int = 0
) -> Rule:
    """Return what decides, by name: one of `BASELINES`, or anything else for the learned policy ``model``.

    Args:
        name: of the policy.
        model: the learned policy of this name.
        threshold: numbers of the price rule.
        seed: of the random rule.

    Raises:
        LearningError: when there is no policy of this name.
    """
    if model is not None:
        return _Served(model)
    if name == "price":
        numbers = threshold or Threshold()
        return price_rule(numbers.quantile, numbers.patience_h)
    if name == "random":
        return random_rule(seed)
    return _Served(None) if name == "cheap-hours" else make_rule(name)
