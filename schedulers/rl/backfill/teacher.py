"""Rules that play through the environment: to learn from, to warm up with, and to compare with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattq.schedulers.green.states import frugal_state
from wattq.schedulers.rl.backfill import slots as p
from wattq.schedulers.rl.backfill.legal import may_pass, sleep_action, wait_action
from wattq.simulator.jit import inlined, jitted
from wattq.simulator.layout import Ledger

__all__ = ["TEACHERS", "teach"]

FCFS, EASY, ECO, SLEEP, SLEEP_ECO = range(5)

TEACHERS = {"fcfs": FCFS, "easy": EASY, "eco": ECO, "sleep": SLEEP, "sleep-eco": SLEEP_ECO}
"""Name -> number: first come, first served; EASY; EASY in the power state of least energy; EASY that puts idle hosts
to sleep while nobody waits and wakes what the first job lacks; both."""

_BOUND = 10.0  # any slowdown that the choice of power states offers


@inlined
def _state_number(v: Ledger, cfg: NDArray[np.float64], job: int, frugal: bool) -> int:
    """Return the number of the power state to start a job in."""
    if not frugal:
        return 0
    best = frugal_state(v, 0, _BOUND, v.jobs[job].beta, False)
    for number in range(int(cfg[p.N_STATES])):
        if int(cfg[int(cfg[p.STATES_AT]) + number]) == best:
            return number
    return 0


@inlined
def _legal_start(cfg: NDArray[np.float64], mask: NDArray[np.bool_], slot: int, number: int) -> int:
    """Return the start of a slot's job in a power state, or in the next that is legal; -1 when none is."""
    states = int(cfg[p.N_STATES])
    for k in range(states):
        action = slot * states + (number + k) % states
        if mask[action]:
            return action
    return -1


@inlined
def _switch(v: Ledger, cfg: NDArray[np.float64], mi: NDArray[np.int64], mask: NDArray[np.bool_]) -> int:
    """Return the action that wakes hosts for the first job, or puts idle ones to sleep; -1 for neither."""
    first = sleep_action(cfg)
    if mi[p.N_SLOTS] > 0:
        coming = v.head[0].n_free + mi[p.SWITCHING]
        lacks = v.jobs[mi[p.SLOTS_AT]].hosts > coming
        return first + 1 if lacks and mask[first + 1] else -1
    return first if mask[first] else -1


@jitted
def teach(
    kind: int,
    v: Ledger,
    cfg: NDArray[np.float64],
    mi: NDArray[np.int64],
    mf: NDArray[np.float64],
    mask: NDArray[np.bool_],
) -> int:
    """Return the action that a rule takes.

    Args:
        kind: one of the numbers of `TEACHERS`.
        v: the ledger.
        cfg: the row of `make_cfg`.
        mi: integers of the memory, after `observe`.
        mf: floats, likewise.
        mask: legal actions, likewise.
    """
    frugal = kind in (ECO, SLEEP_ECO)
    for k in range(mi[p.N_SLOTS]):
        if k > 0 and kind == FCFS:
            break
        job = mi[p.SLOTS_AT + k]
        if v.jobs[job].hosts <= v.head[0].n_free and may_pass(v, k, mi, mf):
            action = _legal_start(cfg, mask, k, _state_number(v, cfg, job, frugal))
            if action >= 0:
                return action
    if cfg[p.MAY_SLEEP] != 0.0 and kind >= SLEEP:
        action = _switch(v, cfg, mi, mask)
        if action >= 0:
            return action
    if mask[wait_action(cfg)]:
        return wait_action(cfg)
    return int(np.argmax(mask))
