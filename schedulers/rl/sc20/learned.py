"""Sequences scheduled by a learned policy: a small network gives each waiting job a logit, the highest is picked."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wattq.schedulers.rl.forward.layers import RELU, activate, add_products
from wattq.schedulers.rl.sc20.features import describe, new_notes, take_note
from wattq.schedulers.rl.sc20.jobs import JobTable
from wattq.schedulers.rl.sc20.picks import QUEUED, Sequence, new_sequence
from wattq.schedulers.rl.sc20.picks import serve as serve_pick
from wattq.simulator.jit import inlined, jitted

__all__ = ["Facts", "Policy", "facts_of", "play_learned", "slowdown"]

_BOUND_S = 10.0


class Facts(NamedTuple):
    """A sequence of jobs, and what the policy may know of each of them at its submission; arrays of length n_jobs.

    Attributes:
        submit_s, run_s, request_s, processors, nodes: of the jobs; run times are for the simulation alone.
        total: nodes of the machine.
        per_node: processors of a node.
        requested: log2 of the requested time, s, at least 10 s.
        rate: slowdown that a job gathers per second waited, by its requested time.
        size: log2(nodes) / log2(total).
        share: one number, 1 / total.
        keys: numbers of user and of jobs alike (user, requested time, processors), shape (n_jobs, 2); -1 where the
            log knows no users.
        n_keys: how many there are.
    """

    submit_s: NDArray[np.float64]
    run_s: NDArray[np.float64]
    request_s: NDArray[np.float64]
    processors: NDArray[np.int64]
    nodes: NDArray[np.int64]
    total: int
    per_node: float
    requested: NDArray[np.float64]
    rate: NDArray[np.float64]
    size: NDArray[np.float64]
    share: NDArray[np.float64]
    keys: NDArray[np.int64]
    n_keys: int


class Policy(NamedTuple):
    """Weights of the network with one hidden layer of rectified units, single precision.

    Attributes:
        weight0: shape (features, units).
        bias0: shape (units,).
        weight1: shape (units,).
    """

    weight0: NDArray[np.float32]
    bias0: NDArray[np.float32]
    weight1: NDArray[np.float32]


def facts_of(table: JobTable) -> Facts:
    """Return the facts of a sequence of jobs."""
    length_s = np.maximum(table.request_s, _BOUND_S)
    nodes, total = table.nodes, table.nodes_total
    keys, n_keys = _keys(table)
    return Facts(
        table.submit_s,
        table.run_s,
        table.request_s,
        table.processors,
        nodes,
        total,
        table.per_node,
        np.log2(length_s),
        1.0 / length_s,
        np.log2(nodes) / np.log2(max(total, 2)),
        np.array([1.0 / total]),
        keys,
        n_keys,
    )


def _keys(table: JobTable) -> tuple[NDArray[np.int64], int]:
    known = table.user >= 0
    rows = np.stack([table.user, table.request_s.astype(np.int64), table.processors], axis=1)
    _, users = np.unique(table.user, return_inverse=True)
    _, alike = np.unique(rows, axis=0, return_inverse=True)
    n_users = int(users.max()) + 1
    keys = np.stack([users.reshape(-1), alike.reshape(-1) + n_users], axis=1).astype(np.int64)
    keys[~known] = -1
    return keys, n_users + int(alike.max()) + 1


@inlined
def _best(v: Any, f: Any, m: Any, p: Any, y: Any) -> int:
    """Return the waiting job of the highest logit, the first one in the queue at ties."""
    queue, x, weight0, bias0, weight1 = v.queue, m.x, p.weight0, p.bias0, p.weight1
    describe(v, f, m)
    best, highest = queue[0], np.float32(-np.inf)
    for place in range(v.counts[QUEUED]):
        job = queue[place]
        for unit in range(len(y)):
            y[unit] = bias0[unit]
        add_products(weight0, x[place], y)
        activate(RELU, y, len(y))
        logit = np.float32(0.0)
        for unit in range(len(y)):
            logit += y[unit] * weight1[unit]
        if logit > highest:
            best, highest = job, logit
    return int(best)


@jitted
def _play(v: Any, f: Any, m: Any, p: Any, y: Any, backfill: int) -> float:
    more = True
    while more:
        take_note(v, f, m)
        job = v.queue[0]
        if v.counts[QUEUED] > 1:
            job = _best(v, f, m, p, y)
        more = serve_pick(v, job, backfill, f.per_node)
    total = 0.0
    for job in range(len(v.submit_s)):
        flow_s = v.start_s[job] - v.submit_s[job] + v.run_s[job]
        total += max(1.0, flow_s / max(v.run_s[job], _BOUND_S))
    return total / len(v.submit_s)


def _state(facts: Facts) -> Sequence:
    jobs = (facts.submit_s, facts.run_s, facts.request_s, facts.processors, facts.nodes)
    return new_sequence(*jobs, facts.total)


def play_learned(facts: Facts, policy: Policy, backfill: int) -> Sequence:
    """Return a sequence that the policy has scheduled on an empty machine.

    Args:
        facts: the jobs.
        policy: the network.
        backfill: one of `wattq.schedulers.rl.sc20.picks.BACKFILLS`.
    """
    state = _state(facts)
    _run(state, facts, policy, backfill)
    return state


def slowdown(facts: Facts, policy: Policy, backfill: int) -> float:
    """Return the mean of max(1, (wait + run) / max(run, 10 s)) of a sequence that the policy has scheduled."""
    return _run(_state(facts), facts, policy, backfill)


def _run(state: Sequence, facts: Facts, policy: Policy, backfill: int) -> float:
    notes = new_notes(len(facts.submit_s), facts.n_keys)
    units = np.zeros(len(policy.bias0), dtype=np.float32)
    return float(_play(state, facts, notes, policy, units, backfill))
