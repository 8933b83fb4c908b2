"""Which jobs to hold, to move and to let go now, by the queue, the log and the forecast; nothing is done here."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from wattq.schedulers.slurm.audit import Entry
from wattq.schedulers.slurm.consent import Consent, consent_of
from wattq.schedulers.slurm.deferral import Choice, Deferral
from wattq.schedulers.slurm.grid import Grid
from wattq.schedulers.slurm.jobs import Job, Snapshot
from wattq.schedulers.slurm.shifting import Shift, shift_saving

__all__ = ["Decision", "Load", "Rules", "decide_holds"]

_SOON_S = 2.0


@dataclass(frozen=True)
class Rules:
    """The rules of holding.

    Attributes:
        signal: ``carbon`` or ``price``: what jobs wait for.
        qos: longest wait by quality of service, s.
        max_wait_s: longest wait of any job from its submission, s.
        step_s: steps at which begin times are chosen, s; a hold is moved only by a step or more.
        empty_gain: by how much better the time must be where the machine would stand empty, a share.
        share: held work at most, as a share of all work in the queue and on the machine.
    """

    signal: str = "carbon"
    qos: Mapping[str, float] | None = None
    max_wait_s: float = 86400.0
    step_s: float = 3600.0
    empty_gain: float = 0.1
    share: float = 0.5


@dataclass(frozen=True)
class Load:
    """What is expected of a job.

    Attributes:
        could_start_s: its start if nobody were held, Unix s.
        hosts: nodes or cores.
        run_s: how long it may run, s.
        watts: what it adds to the power of the machine, W.
        area: host-seconds of it, all tasks of an array together.
    """

    could_start_s: float
    hosts: int
    run_s: float
    watts: float
    area: float


@dataclass(frozen=True)
class Decision:
    """What to do with a job.

    Attributes:
        kind: ``hold``, ``move``, ``release``, ``keep``, ``lapsed`` (its begin time has come), or ``skip``.
        job: the job.
        why: the reason, in words.
        until_s: begin time of `hold`, `move` and `keep`, Unix s; of `release` the one that its user gave it, if any.
        latest_s: latest start that it agreed to, Unix s.
        load: what is expected of it; None for those that are not looked at.
        choice: what the rule says.
        shift: expected saving.
    """

    kind: str
    job: Job
    why: str
    until_s: float | None = None
    latest_s: float | None = None
    load: Load | None = None
    choice: Choice | None = None
    shift: Shift | None = None


class _Round:
    """One round of decisions."""

    def __init__(
        self,
        snapshot: Snapshot,
        book: Mapping[str, Entry],
        loads: Mapping[int, Load],
        rule: Deferral | None,
        grid: Grid | None,
        rules: Rules,
        killed: str,
    ) -> None:
        self.now_s = snapshot.now_s
        self.book, self.loads, self.rule, self.grid, self.rules, self.killed = book, loads, rule, grid, rules, killed
        self.jobs = [job for job in snapshot.jobs if job.waits]
        self.running = [job for job in snapshot.jobs if job.runs]

    def look(self, job: Job) -> Decision:
        """Return what is to be done with a waiting job, before the bounds on all of them."""
        entry = self.book.get(job.key)
        ours = entry is not None and not entry.let_go and entry.matches(job.eligible_s)
        if ours and job.eligible_s is not None and job.eligible_s <= self.now_s:
            return Decision("lapsed", job, "its begin time has come")
        if self.killed:
            return self._let_go(job, entry, self.killed) if ours and entry else Decision("skip", job, self.killed)
        why_not = self._untouchable(job, ours, entry)
        if why_not:
            return Decision("skip", job, why_not)
        consent = consent_of(job, self.rules.qos or {}, self.rules.max_wait_s)
        # Who is held already is not let go moments before the time has come.
        found = self._weigh(job, consent, 0.0 if ours else _SOON_S)
        if found.kind == "hold" and ours:
            return self._again(job, found)
        if found.kind == "skip" and ours and self._unknown(found, job):
            return Decision("keep", job, found.why, job.eligible_s, found.latest_s, found.load)
        if found.kind == "skip" and ours and entry is not None:
            return self._let_go(job, entry, found.why)
        return found

    def _let_go(self, job: Job, entry: Entry, why: str) -> Decision:
        """Return the release of a job, to the begin time that its user gave it where that is still to come."""
        return Decision("release", job, why, entry.begin_s if entry.begin_s > self.now_s else None)

    def _unknown(self, found: Decision, job: Job) -> bool:
        """Return whether a job that is held stays so for want of knowledge: its begin time lets it go in any case."""
        ignorant = found.load is None or self.rule is None or self.grid is None
        in_time = found.latest_s is not None and job.eligible_s is not None and job.eligible_s <= found.latest_s
        return ignorant and in_time and not math.isinf(job.limit_s)

    def _untouchable(self, job: Job, ours: bool, entry: Entry | None) -> str:
        """Return why a job is left alone, empty when it is not."""
        if job.held:
            return "held by its user or an administrator"
        if job.eligible_s is None:
            return "not eligible yet: it waits for other jobs or for a limit"
        if ours:
            return ""
        if entry is not None and (entry.acted or entry.let_go):
            return "it was held before; who was let go is not held again"
        if job.het:
            return "part of a heterogeneous job"
        return f"it waits for reservation {job.reservation}" if job.reservation else ""

    def _weigh(self, job: Job, consent: Consent, soon_s: float) -> Decision:
        """Return whether a better time is worth waiting for."""
        latest_s = consent.latest_s
        if latest_s is None:
            return Decision("skip", job, consent.why)
        load = self.loads.get(job.number)
        if latest_s <= self.now_s + soon_s:
            return Decision("skip", job, "its latest start has come", latest_s=latest_s, load=load)
        if math.isinf(job.limit_s):
            return Decision("skip", job, "it has no time limit", latest_s=latest_s, load=load)
        if load is None:
            return Decision("skip", job, "it is not part of the model (see advise)", latest_s=latest_s)
        if self.rule is None or self.grid is None:
            return Decision("skip", job, "no forecast", latest_s=latest_s, load=load)
        could_s = max(load.could_start_s, self.now_s)
        choice = self.rule.choose(could_s, latest_s, load.hosts, load.run_s)
        if choice.held and math.floor(choice.start_s) <= max(could_s, self.now_s + soon_s):
            return Decision("skip", job, "the better time comes in a moment", latest_s=latest_s, load=load)
        return self._best(job, latest_s, load, choice, could_s, self.grid, consent.why)

    def _best(
        self, job: Job, latest_s: float, load: Load, choice: Choice, could_s: float, grid: Grid, said: str
    ) -> Decision:
        until_s = math.floor(choice.start_s)
        if not choice.held:
            why = f"no time up to its latest start is better enough than {self.rules.signal} {choice.now_value:.4g}"
            return Decision("skip", job, why, latest_s=latest_s, load=load, choice=choice)
        shift = shift_saving(grid.carbon, grid.price, load.watts, grid.pue, load.run_s, could_s, until_s)
        if (shift.carbon_g if self.rules.signal == "carbon" else shift.cost) <= 0.0:
            why = "waiting saves nothing over its whole time limit"
            return Decision("skip", job, why, latest_s=latest_s, load=load, choice=choice, shift=shift)
        why = f"{self.rules.signal} {choice.then_value:.4g} instead of {choice.now_value:.4g} expected ({said})"
        return Decision("hold", job, why, float(until_s), latest_s, load, choice, shift)

    def _again(self, job: Job, found: Decision) -> Decision:
        """Return whether a job that is held goes on as it is, or is moved."""
        held_s, until_s = job.eligible_s or 0.0, found.until_s or 0.0
        late = found.latest_s is not None and held_s > found.latest_s
        same = abs(held_s - until_s) < self.rules.step_s and not late
        kind, at_s = ("keep", held_s) if same else ("move", until_s)
        return Decision(kind, job, found.why, at_s, found.latest_s, found.load, found.choice, found.shift)

    def bounded(self, found: list[Decision]) -> list[Decision]:
        """Return the decisions with new holds only as far as the bounds on all of them allow."""
        total = sum(load.area for load in self.loads.values())
        room = self.rules.share * total - sum(_area(one) for one in found if one.kind in ("keep", "move"))
        kept = {one.job.key for one in found if one.kind in ("keep", "move", "hold")}
        done: dict[str, Decision] = {}
        # Those that save most come first, whatever their place in the queue.
        for one in sorted((one for one in found if one.kind == "hold"), key=self._worth, reverse=True):
            why = self._why_not(one, room, kept)
            if why:
                kept.discard(one.job.key)
            else:
                room -= _area(one)
            done[one.job.key] = one if not why else Decision(
                "skip", one.job, why, latest_s=one.latest_s, load=one.load, choice=one.choice, shift=one.shift
            )  # fmt: skip
        return [done.get(one.job.key, one) for one in found]

    def _worth(self, one: Decision) -> float:
        if one.shift is None:
            return 0.0
        return one.shift.carbon_g if self.rules.signal == "carbon" else one.shift.cost

    def _why_not(self, one: Decision, room: float, kept: set[str]) -> str:
        if _area(one) > room:
            return f"held work would be more than {self.rules.share:.0%} of all work"
        if one.choice is None or self.running or any(self._could_run(job) for job in self.jobs if job.key not in kept):
            return ""
        now, then = one.choice.now_value, one.choice.then_value
        if now - then < self.rules.empty_gain * abs(now):
            return f"the machine would stand empty for less than {self.rules.empty_gain:.0%}"
        return ""

    def _could_run(self, job: Job) -> bool:
        return not job.held and job.eligible_s is not None and job.eligible_s <= self.now_s + _SOON_S


def _area(one: Decision) -> float:
    return one.load.area if one.load is not None else 0.0


def decide_holds(
    snapshot: Snapshot,
    book: Mapping[str, Entry],
    loads: Mapping[int, Load],
    rule: Deferral | None,
    grid: Grid | None,
    rules: Rules,
    killed: str = "",
) -> list[Decision]:
    """Return what is to be done with each waiting job.

    Args:
        snapshot: the Slurm now.
        book: what the log tells, by key of the job.
        loads: what is expected of the jobs that the model knows, by number; running ones with their areas.
        rule: when jobs should start; None where there is no forecast.
        grid: what is known of the grid; None where nothing is.
        rules: the rules.
        killed: why all that is held has to be let go; empty when nothing says so.
    """
    turn = _Round(snapshot, book, loads, rule, grid, rules, killed)
    return turn.bounded([turn.look(job) for job in turn.jobs])
