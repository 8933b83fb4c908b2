"""A job's wait played again: the run up to the job's start as it was, and ways to play on differently."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattq.errors import InvalidInputError
from wattq.experiments.explain.game import Game, Played, play
from wattq.experiments.explain.recorded import Recorded
from wattq.experiments.explain.timeline import Timeline, watch
from wattq.experiments.explain.world import World, submitted_until
from wattq.simulator import layout as c
from wattq.simulator.interface import CompiledPolicy, Policy

__all__ = ["Scene", "set_scene"]

DAY_S = 86400.0
_CSV_S = 1e-6  # dates in jobs.csv have six decimals


@dataclass(frozen=True)
class Scene:
    """A job's wait, played again.

    Attributes:
        run: the run.
        world: its world, without the jobs submitted long after the job's start.
        job: number of the job in this world.
        key: its full id.
        snapshot: the simulation at the message that submits the job, before the policy's answer; None where the policy
            is in plain Python, so that it cannot be copied.
        baseline: how the run goes unchanged.
        timeline: what held the job.
        checked: number of recorded starts that the replay was held against.
    """

    run: Recorded
    world: World
    job: int
    key: str
    snapshot: Game | None
    baseline: Played
    timeline: Timeline
    checked: int

    @property
    def submit_s(self) -> float:
        """Submission of the job, s."""
        return float(self.world.joined("submit_s")[self.job])

    @property
    def start_s(self) -> float:
        """Start of the job, s; NaN when it never started."""
        return float(self.baseline.start_s[self.job])

    @property
    def wait_s(self) -> float:
        """Wait of the job, s; NaN when it never started."""
        return self.start_s - self.submit_s

    @property
    def run_s(self) -> float:
        """Run time of the job, s; NaN when it never ended."""
        return float(self.baseline.end_s[self.job]) - self.start_s

    @property
    def hosts(self) -> int:
        """Hosts that the job asks for."""
        return int(self.world.joined("hosts")[self.job])

    @property
    def walltime_s(self) -> float:
        """Requested time of the job, s; -1 without one."""
        return float(self.world.joined("walltime_s")[self.job])

    def branch(self, change: Callable[[Game], None]) -> Played:
        """Play on from the job's submission with something changed; the past is the run's own."""
        if self.snapshot is None:
            return play(self.world, self.run.make_policy(), self.job, change)
        game = self.snapshot.copy()
        change(game)
        game.answer()
        return game.finish()

    def again(self, world: World | None = None, policy: CompiledPolicy | Policy | None = None) -> Played:
        """Play all again in another world or under another policy; the past may differ."""
        return play(world or self.world, policy or self.run.make_policy(), self.job)


def set_scene(run: Recorded, job: int, horizon_s: float = DAY_S) -> Scene:
    """Play a run again up to a job's start, watch what holds the job, and hold the result against the record.

    Args:
        run: the run.
        job: number of the job in it.
        horizon_s: jobs submitted later than so long after the job's start are left out, s.

    Raises:
        InvalidInputError: the replay does not give the recorded starts.
    """
    key = run.world.keys[job]
    last_s = float(run.world.joined("submit_s")[job]) if run.rejected[job] else float(run.start_s[job])
    world = run.world
    if np.isfinite(last_s):
        world = World(world.platform, submitted_until(world.workloads, last_s + horizon_s), world.energy, world.events)
    number = world.keys.index(key)
    game = Game(world, run.make_policy())
    while game.message() and game.ledger.jobs[number]["state"] == c.NOT_SUBMITTED:
        game.answer()
    if game.ledger.jobs[number]["state"] == c.NOT_SUBMITTED:
        raise InvalidInputError(f"{run.results.directory}: job {key} is never submitted; the run ends before")
    snapshot = game.copy() if isinstance(game.policy, CompiledPolicy) else None
    timeline = watch(game, number)
    played = game.finish()
    checked = _check(run, world, played, key)
    submit_s = float(world.joined("submit_s")[number])
    start_s = float(played.start_s[number])
    timeline.end(submit_s, start_s if np.isfinite(start_s) else max(game.now_s, submit_s))
    return Scene(run, world, number, key, snapshot, played, timeline, checked)


def _check(run: Recorded, world: World, played: Played, key: str) -> int:
    """Hold a replay against the record: all starts up to that of the job, and whether it was rejected.

    Returns:
        number of starts compared.
    """
    number_of = {name: number for number, name in enumerate(run.world.keys)}
    rows = np.array([number_of[name] for name in world.keys], dtype=np.int64)
    recorded_s, rejected = run.start_s[rows], run.rejected[rows]
    job = world.keys.index(key)
    last_s = recorded_s[job] if np.isfinite(recorded_s[job]) else np.inf
    if rejected[job]:
        last_s = float(world.joined("submit_s")[job])
    replayed_s = played.start_s
    due = (recorded_s <= last_s) | (replayed_s < last_s - 1e-3)
    same = np.abs(replayed_s - recorded_s) <= _CSV_S + 1e-12 * np.abs(np.nan_to_num(recorded_s))
    wrong = np.flatnonzero(due & ~same)
    if len(wrong) or (played.state[job] == c.REJECTED) != rejected[job]:
        _refuse(run, world, played, recorded_s, int(wrong[0]) if len(wrong) else job)
    return int(due.sum())


def _refuse(run: Recorded, world: World, played: Played, recorded_s: NDArray[np.float64], job: int) -> None:
    from wattq import __version__

    def date(value: float) -> str:
        return f"at {value:.6f} s" if np.isfinite(value) else "never"

    made = run.results.provenance.get("wattq", "?")
    version = f"another version of wattq ({made}, this is {__version__}), " if made != __version__ else ""
    raise InvalidInputError(
        f"{run.results.directory}: cannot be played again: job {world.keys[job]} started {date(recorded_s[job])} in "
        f"the run and starts {date(float(played.start_s[job]))} now; what may have changed: {version}the policy's "
        "file, its signal, the events (--events), how the log was cleaned (the options of wattq run)"
    )
