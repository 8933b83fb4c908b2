"""What may be changed about a job, a machine or a policy so that the job starts earlier: one lever per kind."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from wattq.experiments.explain.game import Game, Played
from wattq.experiments.explain.scene import Scene
from wattq.experiments.explain.wording import clock, count, number
from wattq.experiments.explain.world import with_more_hosts
from wattq.simulator import layout as c
from wattq.simulator.interface import CompiledPolicy
from wattq.workloads.model import Workload

__all__ = ["SCALINGS", "Lever", "LeverOut", "job_levers", "machine_levers", "other_ways"]

SCALINGS = ("linear", "none")
"""How a job's run time and walltime follow the number of its hosts: ``linear``, work stays the same, or not at all."""

_NO_WALLTIME_S = 365 * 86400.0
_ADAPTABLE = ("delay", "parallel_homogeneous", "parallel_homogeneous_total")


@dataclass(frozen=True)
class Lever:
    """A kind of change, by amounts in whole units.

    Attributes:
        kind: its name.
        most: largest amount, in units; 1 for a change that is made or not.
        play: how the run goes with an amount.
        say: an amount in words, to follow "with".
        value: what is changed to, by amount; its unit is in ``unit``.
        was: what it is changed from, in the same unit.
        unit: unit of values, empty for a change that is made or not.
        steady: whether a larger amount cannot be worse than a smaller one, but for scheduling anomalies.
    """

    kind: str
    most: int
    play: Callable[[int], Played]
    say: Callable[[int], str]
    value: Callable[[int], float]
    was: float
    unit: str
    steady: bool = True


@dataclass(frozen=True)
class LeverOut:
    """A kind of change that is not tried, and why."""

    kind: str
    why: str


def job_levers(scene: Scene, scaling: str = "linear") -> Iterator[Lever | LeverOut]:
    """Yield the changes of the job's own request: a shorter walltime, fewer hosts."""
    yield _walltime(scene)
    yield _fewer_hosts(scene, scaling)


def _walltime(scene: Scene) -> Lever | LeverOut:
    if not math.isfinite(scene.run_s):
        return LeverOut("walltime", "the job did not run, so how much it could do without is not known")
    if scene.baseline.state[scene.job] == c.WALLTIME:
        return LeverOut("walltime", "the job ran until its walltime ended; a shorter one would have cut more of it off")
    was_s = scene.walltime_s if scene.walltime_s > 0 else _NO_WALLTIME_S
    # A job whose run time equals its walltime may be killed, so at least a part of a second is left.
    most = math.ceil(was_s - scene.run_s) - 1
    if most < 1:
        return LeverOut("walltime", "the job asked for no longer than it ran")
    asked = clock(scene.walltime_s) if scene.walltime_s > 0 else "none"

    def change(amount: int) -> Callable[[Game], None]:
        def request(game: Game) -> None:
            wall_s = was_s - amount
            row = game.ledger.jobs[scene.job]
            row["walltime_s"] = wall_s
            row["estimate_s"] = min(row["estimate_s"], wall_s)
            game.kernel.jobs[scene.job]["walltime_s"] = wall_s

        return request

    return Lever(
        "walltime",
        most,
        lambda amount: scene.branch(change(amount)),
        lambda amount: f"a walltime of {clock(was_s - amount)} (asked for {asked})",
        lambda amount: was_s - amount,
        scene.walltime_s,
        "s",
    )


def _fewer_hosts(scene: Scene, scaling: str) -> Lever | LeverOut:
    workload, row = _place(scene)
    kind = workload.profiles[int(workload.profile[row])].type
    if scene.hosts < 2:
        return LeverOut("hosts", "the job asks for one host")
    if kind not in _ADAPTABLE:
        return LeverOut("hosts", f"its profile is of type {kind}, which is made for its number of hosts")

    def change(amount: int) -> Callable[[Game], None]:
        return lambda game: _resize(game, scene.job, scene.hosts - amount, scaling)

    longer = ", running longer" if scaling == "linear" else ", running as long"
    return Lever(
        "hosts",
        scene.hosts - 1,
        lambda amount: scene.branch(change(amount)),
        lambda amount: f"{count(scene.hosts - amount, 'host')} (asked for {number(scene.hosts)}){longer}",
        lambda amount: float(scene.hosts - amount),
        float(scene.hosts),
        "hosts",
        steady=scaling == "none",
    )


def _resize(game: Game, job: int, hosts: int, scaling: str) -> None:
    """Give a job that was just submitted another number of hosts."""
    seen, true = game.ledger.jobs[job], game.kernel.jobs[job]
    shrink = hosts / float(seen["hosts"])
    nodes = np.append(game.kernel.nodes, game.kernel.nodes[true["node"] : true["node"] + 1])
    longer = 1.0 / shrink if scaling == "linear" else 1.0
    # Work that is stated for the job as a whole takes longer on fewer hosts by itself.
    nodes[-1]["amount"] *= longer * shrink if nodes[-1]["kind"] == c.N_TOTAL else longer
    seen["hosts"] = true["hosts"] = hosts
    if seen["walltime_s"] > 0:
        seen["walltime_s"] *= longer
        true["walltime_s"] *= longer
    seen["estimate_s"] *= longer
    true["node"] = len(nodes) - 1
    game.kernel = game.kernel.replaced(nodes=nodes)


def _place(scene: Scene) -> tuple[Workload, int]:
    """Return the workload of the job and its row in it."""
    row = scene.job
    for workload in scene.world.workloads:
        if row < workload.n_jobs:
            return workload, row
        row -= workload.n_jobs
    raise IndexError(scene.job)


def machine_levers(scene: Scene) -> Iterator[Lever | LeverOut]:
    """Yield the changes of the machine from the job's submission on: more hosts; more power, where it is capped."""
    n = scene.world.platform.n_compute
    yield Lever(
        "machine",
        max(scene.hosts, n),
        lambda amount: scene.again(world=with_more_hosts(scene.world, amount, scene.submit_s)),
        lambda amount: f"{count(amount, 'more host')} (the machine has {number(n)})",
        lambda amount: float(n + amount),
        float(n),
        "hosts",
        steady=False,
    )
    from wattq.experiments.explain.levers_green import green_levers

    yield from green_levers(scene)


def other_ways(scene: Scene) -> Iterator[Lever | LeverOut]:
    """Yield the changes that are made or not, from date 0 on: exact run times, no sleep, textbook EASY."""

    def exact() -> Played:
        game = Game(scene.world, scene.run.make_policy(by_walltimes=True))
        real_s = scene.baseline.end_s - scene.baseline.start_s
        estimate_s = game.ledger.jobs["estimate_s"]
        known = np.isfinite(real_s)
        estimate_s[: len(real_s)][known] = np.minimum(real_s[known], estimate_s[: len(real_s)][known])
        return game.finish()

    yield _way("estimates", exact, "run times known exactly")
    if scene.run.predicts:
        yield _way(
            "predictor",
            lambda: scene.again(policy=scene.run.make_policy(by_walltimes=True)),
            "walltimes in place of predictions",
        )
    policy = scene.run.make_policy()
    if "timeout" in _parameters(scene) and scene.run.params.get("timeout") != "never":
        yield _way("sleep", lambda: scene.again(policy=scene.run.make_policy(timeout="never")), "no host ever asleep")
    if not (isinstance(policy, CompiledPolicy) and policy.name == "easy"):
        yield _way("policy", lambda: scene.again(policy=_easy()), "the policy easy")


def _easy() -> CompiledPolicy:
    from wattq.schedulers import make_policy

    made = make_policy("easy")
    assert isinstance(made, CompiledPolicy)
    return made


def _parameters(scene: Scene) -> set[str]:
    """Return the names of the parameters that the policy of the run takes."""
    from wattq.schedulers import POLICIES, policy_spec

    name = scene.run.policy
    if ":" in name or name.endswith(".py"):
        return set()
    return {parameter.name for parameter in policy_spec(name)[1].parameters} if POLICIES else set()


def _way(kind: str, run: Callable[[], Played], words: str) -> Lever:
    return Lever(kind, 1, lambda amount: run(), lambda amount: words, lambda amount: math.nan, math.nan, "")
