"""One simulation of a training week: what it drew on its grid, and what its jobs waited."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattq.errors import LearningError
from wattq.experiments.rl.evolve.weeks import TrainingWeek
from wattq.simulator import layout as c
from wattq.simulator.interface import CompiledPolicy
from wattq.simulator.layout import Kernel, Ledger
from wattq.simulator.room import enlarge

__all__ = ["Played", "play"]

_TAU_S = 10.0


@dataclass(frozen=True)
class Played:
    """What came of a simulation, from its first job to its last.

    Attributes:
        amount: energy of the whole simulation times the grid's series, hour by hour (kg or the currency).
        wait_s: waits of the week's jobs, s.
        bounded_slowdown: of the same jobs, with 10 s.
        served: number of jobs of the simulation that completed successfully.
    """

    amount: float
    wait_s: NDArray[np.float64]
    bounded_slowdown: NDArray[np.float64]
    served: int


def play(week: TrainingWeek, policy: CompiledPolicy) -> Played:
    """Simulate a week with a compiled policy.

    The sum covers warm-up, cool-down and what runs on afterwards, so that work which is moved out of the week counts.

    Raises:
        LearningError: the policy gave up, or left jobs that never ended.
    """
    kernel, ledger = _copy(week.kernel, week.ledger)
    head = ledger.head[0]
    memory = policy.new_memory(int(head["n_jobs"]), int(head["n_hosts"]), int(head["n_words"]))
    while (code := policy.run(policy.kind, kernel, ledger, policy.par, *memory)) == c.GROW:
        kernel, ledger = enlarge(kernel, ledger)
    if code != c.FINISHED:
        raise LearningError(f"week {week.part.week.number} on {week.grid}: the simulation of '{policy.name}' got stuck")
    jobs = kernel.jobs
    rows = kernel.out_energy[: int(kernel.head[0]["n_out_energy"])]
    drawn_j = np.diff(np.interp(week.edges_s, rows["time_s"], rows["energy_j"]))
    mine = week.part.of_week
    wait_s = (jobs["start_s"] - jobs["submit_s"])[mine]
    run_s = (jobs["end_s"] - jobs["start_s"])[mine]
    slowdown = np.maximum(1.0, (wait_s + run_s) / np.maximum(run_s, _TAU_S))
    return Played(float(drawn_j @ week.per_j), wait_s, slowdown, int((jobs["return_code"] == 0).sum()))


def _copy(kernel: Kernel, ledger: Ledger) -> tuple[Kernel, Ledger]:
    """Return copies; the two share the arrays that messages and decisions pass through."""
    new = Ledger(**{name: getattr(ledger, name).copy() for name in Ledger.FIELDS})
    arrays = {name: getattr(kernel, name).copy() for name in Kernel.FIELDS}
    shared = {"events": "events", "event_iv": "event_iv", "alloc": "iv"}
    shared |= {"decisions": "decisions", "kill_list": "kill_list"}
    return Kernel(**(arrays | {mine: getattr(new, theirs) for mine, theirs in shared.items()})), new
