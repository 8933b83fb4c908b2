"""The memory of a compiled policy, with room for more jobs than it was made for.

A policy's memory is a row of parts, some as long as there are jobs. With more jobs each part is longer and begins
elsewhere, so that the parts are copied one by one. What they hold does not depend on where they lie: numbers of jobs,
slots and rows, counted from the begin of their part.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattq.schedulers import kinds as k
from wattq.schedulers.energy_bf.layout import N_ROWS, energy_parts
from wattq.schedulers.green.state import CLAIM_ROWS, OWN_F, OWN_I
from wattq.schedulers.waitlist import FIRST, TAIL
from wattq.simulator.interface import CompiledPolicy
from wattq.simulator.layout import Ledger

__all__ = ["Memory", "new_memory", "rank_again", "with_more_jobs"]

Memory = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.uint64]]

# Kinds whose waiting list lies at the begin of their memory and breaks ties by the rank of the id.
_ENERGY = (k.ENERGY_BF, k.IDLE_SLEEPER, k.SUBPART_SLEEPER, k.INERTIAL)
_TIES_BY_ID = (k.FILLER, k.EASY_BF, k.CONSERVATIVE, *_ENERGY)


def _waitlist(n_jobs: int) -> tuple[list[int], list[int]]:
    """Return the parts of a `waitlist.Waitlist`: header, job, tie, hosts; score, estimate."""
    return [4, n_jobs, n_jobs, n_jobs], [n_jobs, n_jobs]


def _timetable(n_jobs: int, rows: int) -> tuple[list[int], list[int]]:
    """Return the parts of a `timetable.Timetable`: header, row of each job, next, free; begins, from, to."""
    return [5, n_jobs, rows, rows], [rows, n_jobs, n_jobs]


def _parts(kind: int, n_jobs: int, n_hosts: int, rows: int) -> tuple[list[int], list[int]]:
    """Return the lengths of the parts that the integers and the floats of a policy's memory are made of."""
    list_i, list_f = _waitlist(n_jobs)
    table_i, table_f = _timetable(n_jobs, rows)
    hosts = max(rows - CLAIM_ROWS, 0)
    if kind == k.LEARNED:
        # The environment's compiled code comes with this policy alone.
        from wattq.schedulers.rl.backfill.compiled import learned_parts

        return learned_parts(n_jobs, n_hosts)
    if kind in _ENERGY:
        table_i, table_f = _timetable(n_jobs, rows - N_ROWS)
        own_i, own_f = energy_parts(n_hosts)
        return [*list_i, *table_i, *own_i], [*list_f, *table_f, *own_f]
    return {
        k.FCFS: (list_i, list_f),
        k.FILLER: (list_i, list_f),
        k.EASY: ([2, *list_i, *list_i], [1, *list_f, *list_f]),
        k.EASY_FAST: ([1], [1]),
        k.EASY_BF: ([*list_i, *table_i], [*list_f, *table_f]),
        k.CONSERVATIVE: ([*list_i, *table_i], [*list_f, *table_f]),
        k.FAIR_SHARE: ([1, *[n_jobs] * 5, 2, *list_i, *list_i], [3, n_jobs, n_jobs, 1, *list_f, *list_f]),
        k.GREEN: (
            [OWN_I, hosts, hosts, hosts, n_jobs, *list_i, *list_i],
            [OWN_F, hosts, n_jobs, *list_f, *list_f],
        ),
    }[kind]


def _moved(old: NDArray[Any], old_parts: list[int], new: NDArray[Any], new_parts: list[int]) -> None:
    """Copy each part to the begin of its new place."""
    at = to = 0
    for was, becomes in zip(old_parts, new_parts, strict=True):
        new[to : to + was] = old[at : at + was]
        at += was
        to += becomes
    if at != len(old) or to != len(new):
        raise AssertionError("the parts do not make up the memory of this policy")


def new_memory(policy: CompiledPolicy, v: Ledger) -> Memory:
    """Return zeroed memory for as many jobs as the ledger has room for."""
    head = v.head[0]
    return policy.new_memory(len(v.jobs), int(head["n_hosts"]), int(head["n_words"]))


def with_more_jobs(policy: CompiledPolicy, memory: Memory, n_jobs: int, v: Ledger) -> Memory:
    """Return the memory of a policy, made for ``n_jobs`` jobs, with room for as many as the ledger now has room for."""
    mi, mf, mw = memory
    new_i, new_f, new_w = new_memory(policy, v)
    n_hosts = int(v.head[0]["n_hosts"])
    old_i, old_f = _parts(policy.kind, n_jobs, n_hosts, len(mw))
    parts_i, parts_f = _parts(policy.kind, len(v.jobs), n_hosts, len(new_w))
    _moved(mi, old_i, new_i, parts_i)
    _moved(mf, old_f, new_f, parts_f)
    new_w[: len(mw)] = mw
    return new_i, new_f, new_w


def rank_again(policy: CompiledPolicy, memory: Memory, n_jobs: int, v: Ledger) -> None:
    """Take over new ranks of the ids into a memory made for ``n_jobs`` jobs, where the policy keeps ranks."""
    if policy.kind not in _TIES_BY_ID:
        return
    mi = memory[0]
    first, tail = int(mi[FIRST]), int(mi[TAIL])
    jobs = mi[4 + first : 4 + tail]
    mi[4 + n_jobs + first : 4 + n_jobs + tail] = v.jobs["id_rank"][jobs]
