"""Why a job is held at a decision point: what a policy that keeps hosts, queue and plan shows from outside.

Looked at after the policy decided. A job that was refused earlier in the round is refused for what still holds then:
within a round, hosts, extra nodes and power only become fewer.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from wattq.experiments.explain.game import Game
from wattq.experiments.explain.memories import planned_start_s, reservation, waiting_in_order
from wattq.schedulers import kinds
from wattq.simulator import layout as c
from wattq.simulator.interface import CompiledPolicy

__all__ = ["REASONS", "Cause", "count_states", "look", "order_of", "reserved_facts", "shadow"]

REASONS = {
    "rejected": "refused for good",
    "hosts": "too few free hosts",
    "waking": "hosts asleep or being switched",
    "cap": "power cap",
    "signal": "better hours expected",
    "reservation": "reservation of the head of the queue",
    "plan": "reservations of jobs before it",
    "order": "a job before it in the queue does not fit",
    "policy": "the policy's own rules",
}
"""Reason -> in words; the ones above come first where several hold a job at once."""


@dataclass(frozen=True)
class Cause:
    """Why a job is held at a decision point.

    Attributes:
        reason: one of `REASONS`.
        also: further reasons that hold it at the same time.
        head: job that it waits behind (head of the queue), -1 where that is not the reason.
        facts: numbers behind the reason, by name; names carry units.
    """

    reason: str
    also: tuple[str, ...] = ()
    head: int = -1
    facts: dict[str, float] = field(default_factory=dict)


def look(game: Game, job: int) -> Cause:
    """Return why a waiting (or rejected) job is held, after the policy decided."""
    v = game.ledger
    if v.jobs[job]["state"] == c.REJECTED:
        return Cause("rejected", facts=_sizes(game, job))
    if isinstance(game.policy, CompiledPolicy) and game.policy.kind == kinds.GREEN:
        from wattq.experiments.explain.causes_green import look_green

        return look_green(game, job)
    facts = _sizes(game, job)
    if facts["hosts"] > facts["free"] + facts["asleep"] + facts["switching"]:
        return Cause("hosts", facts=facts)
    if facts["hosts"] > facts["free"]:
        return Cause("waking", facts=facts)
    return _though_hosts_are_free(game, job, facts)


def count_states(game: Game) -> dict[str, float]:
    """Return how many hosts are free, asleep, being switched and away."""
    hosts = game.ledger.hosts[: game.ledger.head[0]["n_hosts"]]
    here = hosts["away"] == 0
    asleep = here & (hosts["state"] == c.SLEEPING)
    switching = here & np.isin(hosts["state"], (c.SWITCHING_ON, c.SWITCHING_OFF))
    return {
        "free": float(game.ledger.head[0]["n_free"]),
        "asleep": float(asleep.sum()),
        "switching": float(switching.sum()),
        "away": float((~here).sum()),
    }


def order_of(game: Game) -> NDArray[np.int64]:
    """Return the waiting jobs in the order of the policy's queue; of submission where it keeps none that is known."""
    if isinstance(game.policy, CompiledPolicy):
        known = waiting_in_order(game.policy.kind, game.memory)
        if known is not None:
            return known
    head = game.ledger.head[0]
    queue = game.ledger.queue[head["q_head"] : head["q_tail"]]
    return queue[queue >= 0].astype(np.int64)


def _sizes(game: Game, job: int) -> dict[str, float]:
    """Return the numbers that every reason states: hosts asked for, of the machine and by state; jobs before it."""
    waiting = order_of(game)
    place = np.flatnonzero(waiting == job)
    return {
        "hosts": float(game.ledger.jobs[job]["hosts"]),
        "machine": float(game.ledger.head[0]["n_hosts"]),
        "before": float(place[0]) if len(place) else np.nan,
        **count_states(game),
    }


def _though_hosts_are_free(game: Game, job: int, facts: dict[str, float]) -> Cause:
    """Return why a job is held that enough hosts are free for."""
    kind = game.policy.kind if isinstance(game.policy, CompiledPolicy) else -1
    waiting = order_of(game)
    first = int(waiting[0]) if len(waiting) else job
    if kind == kinds.CONSERVATIVE:
        return _planned(game, job, facts)
    if first == job or kind < 0 or kind == kinds.FILLER:
        return Cause("policy", facts=facts)
    if kind == kinds.FCFS:
        return Cause("order", head=first, facts=facts | {"head_hosts": float(game.ledger.jobs[first]["hosts"])})
    head, shadow_s, extra = reservation(kind, game.memory) or (first, *shadow(game, first))
    if kind == kinds.EASY_BF and planned_start_s(game.memory)[0][head] > 0.0:
        shadow_s = float(planned_start_s(game.memory)[0][head])
    return Cause("reservation", head=head, facts=facts | reserved_facts(game, job, head, shadow_s, extra))


def reserved_facts(game: Game, job: int, head: int, shadow_s: float, extra: float) -> dict[str, float]:
    """Return the numbers of a reservation that a job is held by.

    ``room_s`` is the longest walltime that would have let it pass, at this date.
    """
    jobs = game.ledger.jobs
    return {
        "head_hosts": float(jobs[head]["hosts"]),
        "shadow_s": shadow_s,
        "extra": float(extra),
        "room_s": shadow_s - game.now_s,
        "estimate_s": float(jobs[job]["estimate_s"]),
    }


def shadow(game: Game, head: int) -> tuple[float, int]:
    """Return shadow time and extra nodes of a job, from the running jobs by expected end; see `schedulers.easy`."""
    v = game.ledger
    need, hosts, shadow_s = int(v.jobs[head]["hosts"]), int(v.head[0]["n_free"]), np.inf
    now_s = game.now_s
    for running in v.running[: v.head[0]["n_running"]]:
        end_s = max(float(v.jobs[running]["end_s"]), now_s)
        if end_s > shadow_s:
            break
        hosts += int(v.jobs[running]["hosts"])
        if hosts >= need and shadow_s == np.inf:
            shadow_s = end_s
    return shadow_s, max(hosts - need, 0)


def _planned(game: Game, job: int, facts: dict[str, float]) -> Cause:
    """Return which reservations hold a job that has one itself."""
    begin_s, _ = planned_start_s(game.memory)
    estimate_s = float(game.ledger.jobs[job]["estimate_s"])
    earlier = np.flatnonzero(begin_s < game.now_s + estimate_s)
    earlier = earlier[earlier != job]
    first = int(earlier[np.argmin(begin_s[earlier])]) if len(earlier) else -1
    more = {"planned_s": float(begin_s[job]), "in_the_way": float(len(earlier)), "estimate_s": estimate_s}
    return Cause("plan", head=first, facts=facts | more)
