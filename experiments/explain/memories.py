"""What compiled policies remember, read from outside: their queue, the reservation of its head, their plan.

The places follow the policies' own modules; the tests hold them together.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattq.schedulers import kinds
from wattq.schedulers.green.state import CLAIM_ROWS, OWN_F, OWN_I, State
from wattq.schedulers.waitlist import FIRST, HOLE, TAIL, Waitlist

__all__ = ["green_state", "planned_start_s", "reservation", "waiting_in_order"]

_LIST_HEADER = 4
_TABLE_HEADER = 5
_EASY_I, _EASY_F = 2, 1


def _list(mi: NDArray[np.int64], mf: NDArray[np.float64], at_i: int, at_f: int, cap: int) -> Waitlist:
    """Return the list that lies at these offsets, as `waitlist.open_list` does."""
    i = at_i + _LIST_HEADER
    return Waitlist(
        mi[at_i:i],
        mi[i : i + cap],
        mi[i + cap : i + 2 * cap],
        mi[i + 2 * cap : i + 3 * cap],
        mf[at_f : at_f + cap],
        mf[at_f + cap : at_f + 2 * cap],
    )


def _easy_part(kind: int, memory: tuple[NDArray[Any], ...]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the memory of `easy`, also where it is a part of that of `fair-share`."""
    mi, mf, _ = memory
    if kind == kinds.EASY:
        return mi, mf
    n = (len(mi) - 11) // 11
    return mi[1 + 5 * n :], mf[2 + 2 * n :]


def _queue(kind: int, memory: tuple[NDArray[Any], ...]) -> Waitlist | None:
    mi, mf, mw = memory
    if kind in (kinds.FCFS, kinds.FILLER):
        return _list(mi, mf, 0, 0, len(mf) // 2)
    if kind in (kinds.EASY, kinds.FAIR_SHARE):
        own_i, own_f = _easy_part(kind, memory)
        return _list(own_i, own_f, _EASY_I, _EASY_F, (len(own_f) - _EASY_F) // 4)
    if kind in (kinds.CONSERVATIVE, kinds.EASY_BF):
        return _list(mi, mf, 0, 0, (len(mf) - len(mw)) // 4)
    if kind == kinds.GREEN:
        return green_state(memory).queue
    return None


def waiting_in_order(kind: int, memory: tuple[NDArray[Any], ...]) -> NDArray[np.int64] | None:
    """Return the waiting jobs in the order of the policy's queue, None for a policy that keeps none of this kind."""
    queue = _queue(kind, memory)
    if queue is None:
        return None
    slots = slice(int(queue.head[FIRST]), int(queue.head[TAIL]))
    return np.asarray(queue.job[slots][queue.hosts[slots] != HOLE], dtype=np.int64)


def reservation(kind: int, memory: tuple[NDArray[Any], ...]) -> tuple[int, float, int] | None:
    """Return the head of the queue, its shadow time and its extra nodes, as the policy noted them; None without."""
    if kind == kinds.EASY_FAST:
        return (int(memory[0][0]) - 1, float(memory[1][0]), 0) if memory[0][0] > 0 else None
    if kind not in (kinds.EASY, kinds.FAIR_SHARE):
        return None
    mi, mf = _easy_part(kind, memory)
    return (int(mi[0]) - 1, float(mf[0]), int(mi[1])) if mi[0] > 0 else None


def planned_start_s(memory: tuple[NDArray[Any], ...]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return begin and end of each job's reservation in the plan of `conservative` or `easy-bf`, NaN without one."""
    mi, mf, mw = memory
    rows = len(mw)
    n = (len(mf) - rows) // 4
    at_i, at_f = _LIST_HEADER + 3 * n + _TABLE_HEADER, 2 * n + rows
    held = mi[at_i : at_i + n] > 0
    return np.where(held, mf[at_f : at_f + n], np.nan), np.where(held, mf[at_f + n : at_f + 2 * n], np.nan)


def green_state(memory: tuple[NDArray[Any], ...]) -> State:
    """Return the memory of the energy-aware policies as its parts, as `green.state.open_state` does."""
    mi, mf, mw = memory
    hosts = mw.shape[0] - CLAIM_ROWS
    jobs = (len(mf) - OWN_F - hosts) // 5
    i = OWN_I + 3 * hosts + jobs
    f = OWN_F + hosts + jobs
    return State(
        mi[:OWN_I],
        mf[:OWN_F],
        mi[OWN_I : OWN_I + hosts],
        mi[OWN_I + hosts : OWN_I + 2 * hosts],
        mi[OWN_I + 2 * hosts : OWN_I + 3 * hosts],
        mf[OWN_F : OWN_F + hosts],
        mi[OWN_I + 3 * hosts : i],
        mf[OWN_F + hosts : f],
        mw,
        _list(mi, mf, i, f, jobs),
        _list(mi, mf, i + (len(mi) - i) // 2, f + 2 * jobs, jobs),
    )
