"""A simulation that is played message by message, can be copied at any of them, and played on in another way."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattq.errors import SimulationAbortError
from wattq.experiments.explain.world import World
from wattq.simulator import layout as c
from wattq.simulator.aborts import abort_message
from wattq.simulator.build import build
from wattq.simulator.interface import Actions, CompiledPolicy, Policy, View
from wattq.simulator.kernel import advance
from wattq.simulator.ledger import absorb
from wattq.simulator.prediction import consult, note, predict, predictor_of, watched
from wattq.simulator.room import enlarge
from wattq.simulator.rounds import decide_in_python, policy_gave_up

__all__ = ["Game", "Played", "play"]


@dataclass(frozen=True)
class Played:
    """How a simulation went, by job number.

    Attributes:
        start_s: start dates, NaN for jobs that did not start.
        end_s: end dates, NaN for jobs that did not end.
        state: states of `simulator.layout`.
    """

    start_s: NDArray[np.float64]
    end_s: NDArray[np.float64]
    state: NDArray[np.int64]


class Game:
    """A simulation under way.

    Attributes:
        world: what it began with.
        policy: the policy; its parameters may be exchanged between messages (`with_par`).
        kernel: the engine's arrays.
        ledger: the scheduler's arrays.
        memory: the compiled policy's memory (integers, floats, bit words); empty arrays for one in plain Python.
        predictor: what the policy asks for expected run times; None: walltimes.
    """

    def __init__(self, world: World, policy: CompiledPolicy | Policy) -> None:
        self.world = world
        self.policy = policy
        self.kernel, self.ledger, _ = build(
            world.platform, world.workloads, energy=world.energy, externals=world.externals
        )
        self.predictor = predictor_of(policy)
        if self.predictor is not None:
            self.ledger = watched(self.ledger)
        head = self.ledger.head[0]
        sizes = (int(head["n_jobs"]), int(head["n_hosts"]), int(head["n_words"]))
        self.memory: tuple[NDArray[Any], ...] = policy.new_memory(*sizes) if isinstance(policy, CompiledPolicy) else ()
        self.par = policy.par if isinstance(policy, CompiledPolicy) else np.zeros(0)
        self._over = False

    @property
    def now_s(self) -> float:
        """Date of the message, s."""
        return float(self.ledger.head[0]["now_s"])

    def message(self) -> bool:
        """Play up to the next message and read it; return whether there is one."""
        while not self._over:
            code = advance(self.kernel, self.ledger)
            if code == c.DECIDE:
                absorb(self.ledger)
                return True
            self._go_on(code)
        return False

    def answer(self) -> None:
        """Let the policy decide, after its predictor was told the news."""
        predict(self.predictor, self.ledger)
        if isinstance(self.policy, CompiledPolicy):
            self.policy.decide(self.policy.kind, self.ledger, self.par, *self.memory)
            self._check()
        else:
            decide_in_python(self.policy, View(self.ledger), Actions(self.ledger))
        note(self.predictor, self.ledger)

    def finish(self) -> Played:
        """Play to the end."""
        if isinstance(self.policy, CompiledPolicy):
            while not self._over:
                code = self.policy.run(self.policy.kind, self.kernel, self.ledger, self.par, *self.memory)
                self._check()
                if code == c.PREDICT and self.predictor is not None:
                    consult(self.predictor, self.ledger)
                else:
                    self._go_on(code)
        while self.message():
            self.answer()
        return self._played()

    def copy(self) -> Game:
        """Return a simulation of its own that stands where this one stands.

        The policy must be a compiled one: all that it knows is in its memory and its predictor.
        """
        twin = object.__new__(Game)
        twin.world, twin.policy, twin.par, twin._over = self.world, self.policy, self.par, self._over
        twin.predictor = copy.deepcopy(self.predictor)
        # Kernel and ledger share arrays, and their copies have to as well.
        done: dict[int, NDArray[Any]] = {}
        for bundle in (self.kernel, self.ledger):
            for name in bundle.FIELDS:
                done.setdefault(id(getattr(bundle, name)), getattr(bundle, name).copy())
        twin.kernel = c.Kernel(**{name: done[id(getattr(self.kernel, name))] for name in c.Kernel.FIELDS})
        twin.ledger = c.Ledger(**{name: done[id(getattr(self.ledger, name))] for name in c.Ledger.FIELDS})
        twin.memory = tuple(part.copy() for part in self.memory)
        return twin

    def _check(self) -> None:
        head = self.ledger.head[0]
        if head["error"]:
            policy_gave_up(getattr(self.policy, "name", ""), float(head["now_s"]), int(head["error"]))

    def _go_on(self, code: int) -> None:
        """Do what the engine asked for when it stopped without a message."""
        if code == c.GROW:
            self.kernel, self.ledger = enlarge(self.kernel, self.ledger)
        elif code == c.PREDICT and self.predictor is not None:
            consult(self.predictor, self.ledger)
        elif code == c.ABORTED:
            raise SimulationAbortError(abort_message(self.kernel, self.world.platform, list(self.world.workloads)))
        else:
            self._over = True

    def _played(self) -> Played:
        jobs = self.kernel.jobs[: self.world.n_jobs]
        state = jobs["state"].astype(np.int64)
        started = (state >= c.RUNNING) & (state != c.REJECTED)
        ended = (state >= c.SUCCESS) & (state != c.REJECTED)
        return Played(np.where(started, jobs["start_s"], np.nan), np.where(ended, jobs["end_s"], np.nan), state)


def play(
    world: World, policy: CompiledPolicy | Policy, job: int, change: Callable[[Game], None] | None = None
) -> Played:
    """Play a simulation from its beginning; change it, if asked to, when a job is submitted.

    Args:
        world: what it begins with.
        policy: a policy that has not played yet.
        job: number of the job.
        change: called once, when the message that submits the job was read and before the policy decides.
    """
    game = Game(world, policy)
    while change is not None and game.message():
        if game.ledger.jobs[job]["state"] != c.NOT_SUBMITTED:
            change(game)
            change = None
        game.answer()
    return game.finish()
