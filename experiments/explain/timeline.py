"""What held a job, from its submission to its start: one stretch after the other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from wattq.experiments.explain.causes import Cause, look
from wattq.experiments.explain.game import Game
from wattq.simulator import layout as c

__all__ = ["Stretch", "Timeline", "watch"]

_MOST_HOLDERS = 5


@dataclass
class Stretch:
    """A time during which a job is held for the same reason.

    Attributes:
        cause: the reason at its begin.
        from_s: begin, s.
        to_s: end, s.
        low, high: smallest and largest value of each fact in this time.
        holders: running job -> host-seconds that it held meanwhile.
        expected_s: running job -> expected end, as last seen.
    """

    cause: Cause
    from_s: float
    to_s: float = float("nan")
    low: dict[str, float] = field(default_factory=dict)
    high: dict[str, float] = field(default_factory=dict)
    holders: dict[int, float] = field(default_factory=dict)
    expected_s: dict[int, float] = field(default_factory=dict)

    @property
    def duration_s(self) -> float:
        """Length, s."""
        return self.to_s - self.from_s

    @property
    def key(self) -> tuple[Any, ...]:
        """Causes with the same key belong to one stretch."""
        return _key(self.cause)

    def note(self, cause: Cause) -> None:
        """Take the numbers of another decision point in."""
        for name, value in cause.facts.items():
            self.low[name] = min(self.low.get(name, value), value)
            self.high[name] = max(self.high.get(name, value), value)

    def most_holding(self) -> list[int]:
        """Return the running jobs that held most hosts for longest."""
        return sorted(self.holders, key=lambda job: (-self.holders[job], job))[:_MOST_HOLDERS]


@dataclass
class Timeline:
    """What held a job.

    Attributes:
        stretches: in the order of time, without gaps.
        points: decision points looked at.
    """

    stretches: list[Stretch] = field(default_factory=list)
    points: int = 0

    def add(self, game: Game, cause: Cause) -> None:
        """Take a decision point in."""
        self.points += 1
        if not self.stretches or self.stretches[-1].key != _key(cause):
            self._close(game.now_s)
            self.stretches.append(Stretch(cause, game.now_s))
        self.stretches[-1].note(cause)

    def _close(self, date_s: float) -> None:
        if self.stretches:
            self.stretches[-1].to_s = date_s

    def end(self, submit_s: float, date_s: float) -> None:
        """Close it: the first stretch begins with the submission, the last one ends with the start."""
        if self.stretches:
            self.stretches[0].from_s = submit_s
            self._close(date_s)


def _key(cause: Cause) -> tuple[Any, ...]:
    return (cause.reason, cause.also, cause.head)


def watch(game: Game, job: int) -> Timeline:
    """Play on from the message that submits a job until it starts, is rejected, or nothing happens any more.

    Args:
        game: stands at this message, which was read and not answered.
        job: number of the job.
    """
    seen = Timeline()
    while True:
        game.answer()
        state = game.ledger.jobs[job]["state"]
        if state in (c.SUBMITTED, c.REJECTED):
            seen.add(game, look(game, job))
        if state != c.SUBMITTED:
            return seen
        at_s, running = game.now_s, _running(game)
        if not game.message():
            return seen
        _pass(seen, game, running, at_s)


def _running(game: Game) -> list[tuple[int, float, float]]:
    """Return the running jobs, their hosts and their expected ends."""
    v = game.ledger
    numbers = v.running[: v.head[0]["n_running"]]
    rows = v.jobs[numbers]
    return list(zip(numbers.tolist(), rows["hosts"].tolist(), rows["end_s"].tolist(), strict=True))


def _pass(seen: Timeline, game: Game, running: list[tuple[int, float, float]], from_s: float) -> None:
    """Count what the running jobs held between two messages, while the job waits for hosts."""
    stretch = seen.stretches[-1]
    if stretch.cause.reason not in ("hosts", "waking"):
        return
    for job, hosts, end_s in running:
        stretch.holders[job] = stretch.holders.get(job, 0.0) + hosts * (game.now_s - from_s)
        stretch.expected_s[job] = end_s
