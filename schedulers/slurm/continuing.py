"""A policy that goes on from a machine at work: the running jobs are there before it decides anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattq.errors import PolicyError
from wattq.schedulers import kinds
from wattq.simulator.interface import Actions, CompiledPolicy, Policy, View
from wattq.simulator.prediction import PredictorSource
from wattq.simulator.rounds import policy_gave_up

__all__ = ["Continuing", "fixed_estimates"]


class Continuing:
    """Wraps any policy: jobs of the first message are started at once, and later messages are the policy's.

    The policy is the registered one itself, compiled or in plain Python. It meets the jobs that run as running, with
    their expected ends, as it does in the middle of any simulation. Three policies keep books of their own on what runs
    (`fair-share`, `qos`, `sites`); they are shown the first message, and start these jobs themselves.

    Args:
        policy: made anew for this simulation.
        n_running: number of jobs that run at date 0; they come first.
        submit_s: float64 per job, when it was submitted on the simulation's axis; before date 0 for jobs that wait.
        predictor: makes what says how long jobs will run; None leaves it to the policy's own, or to walltimes.

    Attributes:
        name: name of the policy.
        params: its parameters.
        predictor: as given, or the policy's own.
    """

    def __init__(
        self,
        policy: CompiledPolicy | Policy,
        n_running: int,
        submit_s: NDArray[np.float64],
        predictor: PredictorSource | None = None,
    ) -> None:
        self._policy = policy
        self._left = n_running
        self._submit_s = submit_s
        self._memory: tuple[NDArray[Any], ...] = ()
        self.predictor = predictor or getattr(policy, "predictor", None)
        self.name = str(getattr(policy, "name", type(policy).__name__))
        self.params: Mapping[str, object] = dict(getattr(policy, "params", {}))

    def decide(self, view: View, actions: Actions) -> None:
        """Start what runs already, or let the policy decide."""
        new = view.submitted
        ledger = view._v
        ledger.jobs["submit_s"][new] = self._submit_s[new]
        if self._left > 0:
            self._begin(new, view, actions)
        else:
            self._answer(view, actions)

    def _begin(self, new: Sequence[int], view: View, actions: Actions) -> None:
        """Start the jobs that run already."""
        if self._keeps_books:
            self._answer(view, actions)
        waiting = set(view.queue.tolist())
        for job in new:
            if job in waiting:
                actions.start(job)
        self._left -= len(new)

    @property
    def _keeps_books(self) -> bool:
        if isinstance(self._policy, CompiledPolicy):
            return self._policy.kind == kinds.FAIR_SHARE
        return self.name in ("qos", "sites")

    def _answer(self, view: View, actions: Actions) -> None:
        if not isinstance(self._policy, CompiledPolicy):
            self._policy.decide(view, actions)
            return
        ledger = view._v
        head = ledger.head[0]
        if not self._memory:
            self._memory = self._policy.new_memory(int(head["n_jobs"]), int(head["n_hosts"]), int(head["n_words"]))
        self._policy.decide(self._policy.kind, ledger, self._policy.par, *self._memory)
        if head["error"]:
            policy_gave_up(self.name, float(head["now_s"]), int(head["error"]))


class _Fixed:
    """Says how long jobs run by a list; see `wattq.simulator.prediction.Predictor`."""

    def __init__(self, run_s: Sequence[float]) -> None:
        self._run_s = run_s

    def submitted(self, job: int, facts: np.void, now_s: float) -> float:
        """Return the run time of the list, s."""
        return self._run_s[job]

    def started(self, job: int, now_s: float) -> None:
        """Take note of nothing."""

    def rejected(self, job: int, now_s: float) -> None:
        """Take note of nothing."""

    def ended(self, job: int, now_s: float, run_s: float) -> None:
        """Take note of nothing."""

    def outlived(self, job: int, elapsed_s: float) -> float:
        """Return no number, which stands for the walltime."""
        return float("nan")


def fixed_estimates(run_s: Sequence[float]) -> Callable[[], _Fixed]:
    """Return a source of predictors that know the run times of all jobs, s.

    Raises:
        PolicyError: there is no job.
    """
    if not len(run_s):
        raise PolicyError("no job to simulate; the queue and the machine are empty")
    return lambda: _Fixed(run_s)
