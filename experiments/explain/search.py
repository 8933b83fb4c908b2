"""The smallest change of each kind that starts a job earlier, found by playing on with it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from wattq.errors import PolicyError, SimulationAbortError
from wattq.experiments.explain.game import Played
from wattq.experiments.explain.levers import Lever, LeverOut
from wattq.experiments.explain.scene import Scene
from wattq.simulator import layout as c

__all__ = ["Finding", "Others", "find_all", "smallest"]

_EPS_S = 1e-3
_ONE_BY_ONE = 32

Tell = Callable[[int, int, str], None]
"""Told what is done of what there is to do, and what is next."""


@dataclass(frozen=True)
class Others:
    """What a change does to the other jobs, those that had not started when the job was submitted.

    Attributes:
        jobs: how many.
        later, earlier: how many start later, and how many earlier, by a second or more.
        mean_wait_s: change of their mean wait, s; of those that start in both cases.
        longest_s: longest delay of one, s.
    """

    jobs: int
    later: int
    earlier: int
    mean_wait_s: float
    longest_s: float


@dataclass(frozen=True)
class Finding:
    """What came out for one kind of change.

    Attributes:
        kind: the kind.
        words: the change in words; why none was found.
        found: whether there is one.
        amount: its amount in the lever's units.
        value, was, unit: what is changed to, from, and their unit.
        exact: whether every smaller amount was tried, or the next smaller one was and amounts are tried in halves.
        tried: simulations.
        start_s, end_s: start and end of the job then.
        past_changed: jobs that had started before the job was submitted, and start at another date then.
        others: what it does to them; None when nothing was found.
    """

    kind: str
    words: str
    found: bool = False
    amount: int = 0
    value: float = math.nan
    was: float = math.nan
    unit: str = ""
    exact: bool = False
    tried: int = 0
    start_s: float = math.nan
    end_s: float = math.nan
    past_changed: int = 0
    others: Others | None = None


class _Trials:
    """Plays a lever's amounts, each once, and no more than a number of them."""

    def __init__(self, scene: Scene, lever: Lever, goal_s: float, most: int, tell: Callable[[], None]) -> None:
        self.scene, self.lever, self.goal_s, self.most, self.tell = scene, lever, goal_s, most, tell
        self.done: dict[int, bool] = {}
        self.best: tuple[int, Played] | None = None
        self.refused = ""

    @property
    def spent(self) -> bool:
        """Whether no more amounts are to be tried."""
        return len(self.done) >= self.most or bool(self.refused)

    def __call__(self, amount: int) -> bool:
        """Return whether the job starts early enough with an amount, and ends as it should."""
        if amount not in self.done:
            self.tell()
            played = self._play(amount)
            self.done[amount] = played is not None and self._is_good(played)
            if played is not None and self.done[amount] and (self.best is None or amount < self.best[0]):
                self.best = (amount, played)
        return self.done[amount]

    def _play(self, amount: int) -> Played | None:
        """Return how it goes, None where the policy refuses to work that way (idle hosts draw more than the cap)."""
        try:
            return self.lever.play(amount)
        except (PolicyError, SimulationAbortError) as error:
            self.refused = f"{self.lever.say(amount)}: {error}"
            return None

    def _is_good(self, played: Played) -> bool:
        job = self.scene.job
        cut = played.state[job] == c.WALLTIME and self.scene.baseline.state[job] != c.WALLTIME
        return bool(played.start_s[job] <= self.goal_s + _EPS_S and not cut)


def smallest(scene: Scene, lever: Lever, goal_s: float, most: int, tell: Callable[[], None]) -> Finding:
    """Find the smallest amount of a lever that starts the job by a date.

    Small amounts are tried one by one; larger ones by doubling until one is enough, and then by halving between it and
    the last one that was not.

    Args:
        scene: the job's wait.
        lever: kind of change.
        goal_s: date by which the job is to start, s.
        most: simulations at most.
        tell: called before each simulation.
    """
    tries = _Trials(scene, lever, goal_s, most, tell)
    if lever.steady and lever.most > _ONE_BY_ONE and not tries(lever.most):
        return _nothing(lever, tries)
    low, high = _bracket(tries, lever)
    while high - low > 1 and tries.best is not None and not tries.spent:
        middle = (low + high) // 2
        low, high = (low, middle) if tries(middle) else (middle, high)
    if tries.best is None:
        return _nothing(lever, tries)
    return _found(scene, lever, tries)


def _bracket(tries: _Trials, lever: Lever) -> tuple[int, int]:
    """Return an amount that is not enough and one that is (or that is the largest)."""
    low, high = 0, max(lever.most >> 12, 1)
    if lever.most <= _ONE_BY_ONE or lever.unit == "hosts":
        for amount in range(1, min(lever.most, _ONE_BY_ONE) + 1):
            if tries.spent or tries(amount):
                return amount - 1, amount
        low, high = min(lever.most, _ONE_BY_ONE), min(2 * _ONE_BY_ONE, lever.most)
    while not tries.spent and not tries(high) and high < lever.most:
        low, high = high, min(2 * high, lever.most)
    return low, high


def _nothing(lever: Lever, tries: _Trials) -> Finding:
    words = lever.say(lever.most)
    if tries.refused:
        return Finding(lever.kind, tries.refused, was=lever.was, unit=lever.unit, tried=len(tries.done))
    if lever.most > 1:
        words = f"not even {words}" if lever.steady else f"none up to {words}"
    return Finding(
        lever.kind, f"{words}: no" if lever.most == 1 else words, was=lever.was, unit=lever.unit, tried=len(tries.done)
    )


def _found(scene: Scene, lever: Lever, tries: _Trials) -> Finding:
    assert tries.best is not None
    amount, played = tries.best
    return Finding(
        lever.kind,
        lever.say(amount),
        True,
        amount,
        lever.value(amount),
        lever.was,
        lever.unit,
        amount == 1 or tries.done.get(amount - 1) is False,
        len(tries.done),
        float(played.start_s[scene.job]),
        float(played.end_s[scene.job]),
        _past_changed(scene, played),
        _others(scene, played),
    )


def _past_changed(scene: Scene, played: Played) -> int:
    """Return how many jobs that had started before the job's submission start at another date."""
    before = scene.baseline.start_s < scene.submit_s
    moved = ~(np.abs(played.start_s - scene.baseline.start_s) <= _EPS_S)
    return int((before & moved).sum())


def _others(scene: Scene, played: Played) -> Others:
    was_s, is_s = scene.baseline.start_s, played.start_s
    concerned = ~(was_s < scene.submit_s)
    concerned[scene.job] = False
    later_s = is_s - was_s
    later_s[np.isnan(is_s) & ~np.isnan(was_s)] = np.inf
    later_s[~np.isnan(is_s) & np.isnan(was_s)] = -np.inf
    later_s = np.where(np.isnan(later_s), 0.0, later_s)[concerned]
    both = np.isfinite(later_s)
    return Others(
        int(concerned.sum()),
        int((later_s >= 1.0).sum()),
        int((later_s <= -1.0).sum()),
        float(later_s[both].mean()) if both.any() else 0.0,
        float(max(later_s.max(initial=0.0), 0.0)),
    )


def find_all(
    scene: Scene, levers: Iterable[Lever | LeverOut], goal_s: float, most: int, tell: Tell | None
) -> list[Finding]:
    """Find the smallest change of each kind; see `smallest`."""
    listed = list(levers)
    found = []
    for k, lever in enumerate(listed):
        if isinstance(lever, LeverOut):
            found.append(Finding(lever.kind, lever.why))
            continue

        def told(k: int = k, kind: str = lever.kind) -> None:
            if tell is not None:
                tell(k, len(listed), kind)

        found.append(smallest(scene, lever, goal_s, most, told))
    if tell is not None:
        tell(len(listed), len(listed), "")
    return found
