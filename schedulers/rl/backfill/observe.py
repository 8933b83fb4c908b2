"""What the agent sees: numbers from -1 to 1, made of what a scheduler may know."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattq.schedulers.rl.backfill import slots as p
from wattq.schedulers.rl.backfill import table as t
from wattq.schedulers.rl.backfill.legal import ends_in_time, legal, may_pass
from wattq.schedulers.rl.backfill.memory import held_at, job_room
from wattq.schedulers.rl.backfill.outlook import look_out, mean_from_now
from wattq.schedulers.rl.backfill.scales import many_scale, span_scale, work_scale
from wattq.simulator.jit import inlined, jitted
from wattq.simulator.layout import Ledger

__all__ = ["features", "observe"]

_DAY_S = 86400.0
_WEEK_S = 604800.0


@inlined
def _clock(v: Ledger, cfg: NDArray[np.float64], x: NDArray[np.float32]) -> None:
    """Write time of day and time of week."""
    clock_s = cfg[p.CLOCK_S] + v.head[0].now_s
    day = 2.0 * np.pi * (clock_s % _DAY_S) / _DAY_S
    week = 2.0 * np.pi * (clock_s % _WEEK_S) / _WEEK_S
    x[t.DAY_SIN], x[t.DAY_COS] = np.sin(day), np.cos(day)
    x[t.WEEK_SIN], x[t.WEEK_COS] = np.sin(week), np.cos(week)


@inlined
def _machine(
    v: Ledger, cfg: NDArray[np.float64], mi: NDArray[np.int64], mf: NDArray[np.float64], x: NDArray[np.float32]
) -> None:
    """Write what hosts do and draw, and how much work there is."""
    head = v.head[0]
    n = head.n_hosts
    x[t.FREE] = head.n_free / n
    x[t.BUSY] = min(mi[p.N_BUSY] / n, 1.0)
    x[t.SLEEPING] = mi[p.ASLEEP] / n
    x[t.SWITCHING] = mi[p.SWITCHING] / n
    x[t.RUNNING] = many_scale(head.n_running)
    x[t.WAITING] = many_scale(head.n_waiting)
    x[t.BEYOND] = many_scale(mi[p.N_BEYOND])
    x[t.HELD] = many_scale(mi[p.N_HELD])
    x[t.WORK] = work_scale(mf[p.WORK_S], n)
    x[t.SHADOW] = 1.0 if mf[p.SHADOW_S] == np.inf else span_scale(mf[p.SHADOW_S] - head.now_s)
    x[t.EXTRA] = min(mi[p.EXTRA] / n, 1.0)
    x[t.POWER] = min(mf[p.POWER_W] / mf[p.FULL_W], 1.0)
    x[t.HEADROOM] = max(min((cfg[p.CAP_W] - mf[p.POWER_W]) / mf[p.FULL_W], 1.0), 0.0)


@jitted
def _slots(
    v: Ledger,
    cfg: NDArray[np.float64],
    mi: NDArray[np.int64],
    mf: NDArray[np.float64],
    x: NDArray[np.float32],
    mask: NDArray[np.bool_],
) -> None:
    """Write what is known of the job in each slot; zeros where there is none."""
    head = v.head[0]
    states = int(cfg[p.N_STATES])
    held_s = held_at(v) + job_room(mi)
    shown = held_s + job_room(mi)
    signal = p.CARBON_SUM if cfg[p.N_CARBON] > 0.0 else p.PRICE_SUM
    has_signal = cfg[p.N_CARBON] > 0.0 or cfg[p.N_PRICE] > 0.0
    for k in range(mi[p.N_SLOTS]):
        at = t.N_GLOBAL + k * t.N_SLOT
        job = mi[p.SLOTS_AT + k]
        j = v.jobs[job]
        known = j.estimate_s < np.inf
        waited_s = head.now_s - j.submit_s
        x[at + t.PRESENT] = 1.0
        x[at + t.HOSTS] = j.hosts / head.n_hosts
        x[at + t.OF_FREE] = min(j.hosts / max(head.n_free, 1), 1.0)
        x[at + t.ESTIMATE] = mf[shown + job]
        x[at + t.AREA] = mf[shown + job_room(mi) + job]
        x[at + t.WAITED] = span_scale(waited_s)
        x[at + t.SLOWDOWN] = many_scale(waited_s / max(j.estimate_s, 10.0)) if known else 0.0
        x[at + t.FITS] = j.hosts <= head.n_free
        x[at + t.PASSES] = may_pass(v, k, mi, mf)
        x[at + t.IN_TIME] = ends_in_time(v, job, mf)
        legal_now = False
        for number in range(states):
            legal_now = legal_now or mask[k * states + number]
        x[at + t.STARTABLE] = legal_now
        x[at + t.USER] = _share_of_user(v, j.user)
        x[at + t.BETA] = j.beta
        x[at + t.HELD_BEFORE] = mf[held_s + job] / cfg[p.MAX_HOLD_S] if cfg[p.MAX_HOLD_S] > 0.0 else 0.0
        if has_signal:
            x[at + t.SIGNAL] = mean_from_now(mf, signal, j.estimate_s / 3600.0)


@inlined
def _share_of_user(v: Ledger, user: int) -> float:
    """Return the share of the hosts that run jobs of a user; 0 for an unknown one."""
    if user < 0:
        return 0.0
    hosts = 0
    for k in range(v.head[0].n_running):
        j = v.jobs[v.running[k]]
        if j.user == user:
            hosts += j.hosts
    return min(hosts / v.head[0].n_hosts, 1.0)


@jitted
def features(
    v: Ledger,
    cfg: NDArray[np.float64],
    mi: NDArray[np.int64],
    mf: NDArray[np.float64],
    x: NDArray[np.float32],
    mask: NDArray[np.bool_],
) -> None:
    """Write the observation, after `legal` filled memory and mask."""
    x[:] = 0.0
    _clock(v, cfg, x)
    _machine(v, cfg, mi, mf, x)
    look_out(v, cfg, mf, x)
    _slots(v, cfg, mi, mf, x, mask)


@jitted
def observe(
    v: Ledger,
    cfg: NDArray[np.float64],
    mi: NDArray[np.int64],
    mf: NDArray[np.float64],
    mw: NDArray[np.uint64],
    x: NDArray[np.float32],
    mask: NDArray[np.bool_],
) -> int:
    """Find the legal actions and, where there is a choice, describe the situation.

    To be called at least once for each message, after `absorb`, and again after each `act` that returned True.

    Args:
        v: the ledger.
        cfg: the row of `make_cfg`.
        mi: integers of the memory, as `backfill_memory` sizes them, zero at the start of a run.
        mf: floats, likewise.
        mw: rows of bit words, likewise.
        x: the observation, shape (n_features(window),), written only when two actions or more are legal.
        mask: whether each action is legal, shape (number of actions,).

    Returns:
        The number of legal actions. One: there is nothing to decide, take it. None: nothing can ever happen again.
    """
    n = legal(v, cfg, mi, mf, mask)
    if n > 1:
        features(v, cfg, mi, mf, x, mask)
    return n
