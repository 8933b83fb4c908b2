"""Limits on mean costs, kept by Lagrange multipliers.

A constraint asks that the mean cost ``sum c / sum w`` stay at most d. Each step's reward loses
``multiplier x (c - d w)``, and after each rollout the multiplier grows by ``rate x (mean - d)``, within 0 and its
largest value (projected gradient ascent on the Lagrangian; Altman, Constrained Markov Decision Processes, 1999). With
weight 1 the cost is one per step; with the number of jobs that started as weight, it is one per job: a limit on the
95 % quantile of waiting is "at most 5 % of the jobs wait longer", cost 1 for each job that did, weight 1 for each job.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from wattq.errors import LearningError
from wattq.schedulers.rl.training.config import Constraint
from wattq.schedulers.rl.training.tasks import CostPair, Task

__all__ = ["Penalty"]

Floats = NDArray[np.float64]


class Penalty:
    """Multipliers of constraints.

    Attributes:
        constraints: the limits.
        multiplier: the present multipliers, one per constraint.
        mean: mean costs of the last whole rollout; NaN before, and where the weights were 0.
    """

    def __init__(self, constraints: Sequence[Constraint], task: Task) -> None:
        """Start with the multipliers that the constraints name.

        Raises:
            LearningError: when the task has no such cost.
        """
        for each in constraints:
            if each.cost not in task.costs:
                known = ", ".join(task.costs) or "none"
                raise LearningError(
                    f"key 'constraints': cost '{each.cost}': task {task.name} has no such cost; it has {known}"
                )
        self.constraints = tuple(constraints)
        self._costs = [task.costs[each.cost].of for each in constraints]
        self.multiplier = np.array([each.start for each in constraints])
        self.mean = np.full(len(constraints), np.nan)
        self._sums = np.zeros((len(constraints), 2))

    def apply(self, env: object, rewards: Floats) -> Floats:
        """Return rewards less the penalties of the environments' last step, which is counted."""
        for k, (limit, cost) in enumerate(zip(self.constraints, self._costs, strict=True)):
            costs, weights = pair = cost(env)
            rewards = rewards - self.multiplier[k] * excess(pair, limit.limit)
            self._sums[k] += costs.sum(), weights.sum()
        return rewards

    def update(self) -> None:
        """Move the multipliers by what was counted since the last update."""
        for k, limit in enumerate(self.constraints):
            cost, weight = self._sums[k]
            self.mean[k] = cost / weight if weight > 0 else np.nan
            if weight > 0:
                step = limit.rate * (self.mean[k] - limit.limit)
                self.multiplier[k] = min(max(self.multiplier[k] + step, 0.0), limit.most)
        self._sums[:] = 0.0

    def figures(self) -> dict[str, float]:
        """Return the means and multipliers for the log."""
        found: dict[str, float] = {}
        for k, limit in enumerate(self.constraints):
            found[f"constraint/{limit.cost}"] = float(self.mean[k])
            found[f"constraint/{limit.cost}_multiplier"] = float(self.multiplier[k])
        return found

    def state(self) -> dict[str, Floats]:
        """Return what a checkpoint holds; it is taken right after `update`."""
        return {"multiplier": self.multiplier.copy(), "mean": self.mean.copy()}

    def restore(self, state: dict[str, Floats]) -> None:
        """Go on from what `state` returned."""
        self.multiplier[:], self.mean[:] = state["multiplier"], state["mean"]


def excess(pair: CostPair, limit: float) -> Floats:
    """Return cost less what the limit allows, one per environment."""
    costs, weights = pair
    return costs - limit * weights
