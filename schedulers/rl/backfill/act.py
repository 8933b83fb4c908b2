"""What an action does."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattq.schedulers.green.power import state_now
from wattq.schedulers.green.states import sleep_state
from wattq.schedulers.host_sets import clear, copy, keep_lowest, put
from wattq.schedulers.rl.backfill import slots as p
from wattq.schedulers.rl.backfill.legal import hold_action, sleep_action, wait_action
from wattq.schedulers.rl.backfill.memory import area_s, held_at, job_room
from wattq.schedulers.rl.backfill.power import host_w, machine_w
from wattq.simulator import layout as c
from wattq.simulator.bits import first_bit
from wattq.simulator.jit import inlined, jitted
from wattq.simulator.layout import Ledger
from wattq.simulator.ledger import call_at, set_power_state, start_lowest

__all__ = ["act"]


@jitted
def _set_speed(v: Ledger, mf: NDArray[np.float64], mw: NDArray[np.uint64], hosts: int, state: int) -> None:
    """Put the lowest free hosts into a power state, where they are in another one, and count the power of a job."""
    copy(mw[p.CHOSEN], v.free)
    keep_lowest(mw[p.CHOSEN], hosts)
    clear(mw[p.SOME])
    n = 0
    for k in range(v.head[0].n_words):
        word = mw[p.CHOSEN, k]
        while word != np.uint64(0):
            host = 64 * k + first_bit(word)
            word &= word - np.uint64(1)
            mf[p.POWER_W] += v.pstates[v.hosts[host].cls, state].full_w - host_w(v, host)
            if state_now(v, host) != state:
                put(mw[p.SOME], host)
                n += 1
    if n > 0:
        set_power_state(v, mw[p.SOME], state)


@jitted
def _start(
    v: Ledger,
    cfg: NDArray[np.float64],
    mi: NDArray[np.int64],
    mf: NDArray[np.float64],
    mw: NDArray[np.uint64],
    action: int,
) -> None:
    """Start the job of a slot in a power state, on the free hosts with the lowest numbers."""
    states = int(cfg[p.N_STATES])
    job = mi[p.SLOTS_AT + action // states]
    _set_speed(v, mf, mw, v.jobs[job].hosts, int(cfg[int(cfg[p.STATES_AT]) + action % states]))
    mf[p.WORK_S] -= area_s(v, job)
    mi[p.N_BUSY] += v.jobs[job].hosts
    start_lowest(v, job)


@inlined
def _hold(
    v: Ledger, cfg: NDArray[np.float64], mi: NDArray[np.int64], mf: NDArray[np.float64], slot: int, hold_s: float
) -> None:
    """Take the job of a slot out of sight for a while."""
    job = mi[p.SLOTS_AT + slot]
    at = held_at(v)
    mf[at + job] = v.head[0].now_s + hold_s
    mf[at + job_room(mi) + job] += hold_s
    mi[p.HELD_AT + mi[p.N_HELD]] = job
    mi[p.N_HELD] += 1


@inlined
def _next_look_s(v: Ledger, cfg: NDArray[np.float64], mi: NDArray[np.int64], mf: NDArray[np.float64]) -> float:
    """Return the date at which the agent wants to be asked again if nothing happens before, s."""
    now_s = v.head[0].now_s
    at = held_at(v)
    next_s = np.inf
    for k in range(mi[p.N_HELD]):
        next_s = min(next_s, mf[at + mi[p.HELD_AT + k]])
    if mi[p.N_STARTS] > 0 and cfg[p.CALL_STEP_S] < np.inf:
        steps = np.floor((now_s - cfg[p.CALL_ORIGIN_S]) / cfg[p.CALL_STEP_S] + 1e-9) + 1.0
        next_s = min(next_s, cfg[p.CALL_ORIGIN_S] + steps * cfg[p.CALL_STEP_S])
    return float(next_s)


@inlined
def _wait(v: Ledger, cfg: NDArray[np.float64], mi: NDArray[np.int64], mf: NDArray[np.float64]) -> None:
    """End the round; ask to be called where a job was left that might have started, or is held."""
    now_s = v.head[0].now_s
    next_s = _next_look_s(v, cfg, mi, mf)
    # messages are dated with 6 decimals: the call that has just come may have been asked for a trace later
    if next_s < np.inf and (mf[p.CALL_S] <= now_s + 1e-6 or next_s < mf[p.CALL_S] - 1e-6):
        mf[p.CALL_S] = max(next_s, now_s + 1e-3)
        call_at(v, mf[p.CALL_S])


@jitted
def _put_to_sleep(v: Ledger, mi: NDArray[np.int64], mf: NDArray[np.float64], mw: NDArray[np.uint64]) -> None:
    """Put every free host into its deepest sleep."""
    for cls in range(v.pstates.shape[0]):
        k = sleep_state(v, cls)
        clear(mw[p.SOME])
        n = 0
        for host in range(v.head[0].n_hosts):
            if k >= 0 and v.hosts[host].cls == cls and v.free[host >> 6] >> np.uint64(host & 63) & np.uint64(1):
                put(mw[p.SOME], host)
                n += 1
        if n > 0:
            set_power_state(v, mw[p.SOME], k)
            mi[p.SWITCHING] += n
    mf[p.POWER_W] = machine_w(v)


@inlined
def _missing_hosts(v: Ledger, mi: NDArray[np.int64]) -> int:
    """Return how many hosts to wake: what the first slot's job lacks, or all where it lacks none."""
    coming = 0
    for host in range(v.head[0].n_hosts):
        coming += v.hosts[host].state == c.SWITCHING_ON
    lacks = 0
    if mi[p.N_SLOTS] > 0:
        lacks = v.jobs[mi[p.SLOTS_AT]].hosts - v.head[0].n_free - coming
    return int(lacks if lacks > 0 else mi[p.ASLEEP])


@jitted
def _wake(v: Ledger, mi: NDArray[np.int64], mf: NDArray[np.float64], mw: NDArray[np.uint64], state: int) -> None:
    """Wake sleeping hosts, those with the lowest numbers first."""
    n = 0
    most = _missing_hosts(v, mi)
    clear(mw[p.SOME])
    for host in range(v.head[0].n_hosts):
        h = v.hosts[host]
        if n < most and h.state == c.SLEEPING and h.target < 0:
            put(mw[p.SOME], host)
            n += 1
    if n > 0:
        set_power_state(v, mw[p.SOME], state)
    mi[p.ASLEEP] -= n
    mi[p.SWITCHING] += n
    mf[p.POWER_W] = machine_w(v)


@jitted
def act(
    v: Ledger,
    cfg: NDArray[np.float64],
    mi: NDArray[np.int64],
    mf: NDArray[np.float64],
    mw: NDArray[np.uint64],
    action: int,
) -> bool:
    """Take an action that `observe` marked as legal.

    Args:
        v: the ledger; decisions are written into it.
        cfg: the row of `make_cfg`.
        mi: integers of the memory, as `backfill_memory` sizes them, zero at the start of a run.
        mf: floats, likewise.
        mw: rows of bit words, likewise.
        action: number of the action.

    Returns:
        Whether the round goes on with another decision at the same date; False after waiting.
    """
    if action < wait_action(cfg):
        _start(v, cfg, mi, mf, mw, action)
        return True
    if action == wait_action(cfg):
        _wait(v, cfg, mi, mf)
        return False
    if action < sleep_action(cfg):
        holds = int(cfg[p.N_HOLDS])
        k = action - hold_action(cfg)
        _hold(v, cfg, mi, mf, k // holds, cfg[int(cfg[p.HOLDS_AT]) + k % holds])
    elif action == sleep_action(cfg):
        _put_to_sleep(v, mi, mf, mw)
    else:
        _wake(v, mi, mf, mw, int(cfg[int(cfg[p.STATES_AT])]))
    return True
