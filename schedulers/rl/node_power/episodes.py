"""The start of an episode: a fresh machine, or the one that the last episode left."""

from __future__ import annotations

import numpy as np

from wattq.schedulers.rl.node_power import layout as c
from wattq.schedulers.rl.node_power.arrivals import Window
from wattq.schedulers.rl.node_power.config import NodePowerConfig
from wattq.schedulers.rl.node_power.layout import Array, State

__all__ = ["begin", "make_room"]


def make_room(state: State, config: NodePowerConfig, window: Window, *, log: bool) -> State:
    """Return the state with room for the jobs of a window in every episode; the same one where there is room."""
    n_jobs = window.jobs.shape[0]
    waiting = int((state.num[:, c.N_QUEUE] + state.num[:, c.N_BACK] + state.num[:, c.RUNNING]).max(initial=0))
    grown = {}
    if n_jobs > state.jobs.shape[1]:
        grown["jobs"] = _longer(state.jobs, n_jobs + n_jobs // 4)
    if config.backlog_size is None and n_jobs + waiting > state.backlog.shape[1]:
        grown["backlog"] = _unrolled(state, n_jobs + waiting + n_jobs // 4)
    if log and n_jobs + waiting > state.log.shape[1]:
        grown["log"] = _longer(state.log, n_jobs + waiting + n_jobs // 4)
    return state._replace(**grown)


def begin(state: State, e: int, config: NodePowerConfig, window: Window, price_hour: int, *, carry: bool) -> None:
    """Start an episode.

    Args:
        state: the episodes, with room for the window.
        e: which one.
        config: the task.
        window: jobs that arrive.
        price_hour: hour of the prices at which it starts.
        carry: keep nodes, running and waiting jobs as they are.
    """
    if carry:
        _carry_over(state, e)
    else:
        _clear(state, e, config)
    n_jobs = window.jobs.shape[0]
    state.jobs[e, :n_jobs] = window.jobs
    state.offsets[e] = window.offsets
    state.num[e, [c.T, c.DONE, c.PRICE]] = 0, 0, price_hour
    state.acc[e, c.ALL_WORK] = state.acc[e, c.WORK] + float(window.jobs.prod(axis=1, dtype=np.int64).sum())
    state.parts[e] = state.sums[e] = 0.0
    state.hourly[e] = 0.0


def _clear(state: State, e: int, config: NodePowerConfig) -> None:
    num = state.num[e]
    num[:] = 0
    state.acc[e] = 0.0
    on = config.n_nodes if config.initial_on is None else config.initial_on
    num[[c.N_ON, c.N_IDLE]] = on
    state.free[e] = -1
    state.free[e, :on] = config.cores_per_node
    state.until[e] = 0
    state.ready[e] = -1
    for array in (state.release, state.ending, state.widths):
        array[e] = 0


def _carry_over(state: State, e: int) -> None:
    """Turn what is left of the last episode into what this one starts from: its jobs count as submitted."""
    num, acc = state.num[e], state.acc[e]
    num[c.SUBMITTED] = num[c.RUNNING] + num[c.N_QUEUE] + num[c.N_BACK]
    num[[c.LAUNCHED, c.COMPLETED, c.LOST_FULL, c.LOST_AGE]] = 0
    acc[c.WORK] = acc[c.PENDING_CH] + acc[c.RUNNING_CH]
    acc[[c.SERVED, c.LOST_CH, c.COST, c.MWH, c.TOP_PRICE, c.REWARD]] = 0.0
    if state.log.shape[1]:
        _carry_log(state, e)


def _carry_log(state: State, e: int) -> None:
    """Keep the rows of jobs that run or wait, and tell the waiting ones their new rows."""
    num, rows = state.num[e], state.log[e, : state.num[e, c.N_LOG]]
    started = rows[:, c.L_START] != c.NEVER
    waiting = ~started & (rows[:, c.L_LOST] == c.NEVER)
    kept = waiting | (started & (rows[:, c.L_START].astype(np.int64) + rows[:, c.L_DUR] > num[c.NOW]))
    place = np.cumsum(kept) - 1
    ring = (num[c.BACK_HEAD] + np.arange(num[c.N_BACK])) % state.backlog.shape[1]
    state.queue[e, : num[c.N_QUEUE], c.J_ID] = place[state.queue[e, : num[c.N_QUEUE], c.J_ID]]
    state.backlog[e, ring, c.J_ID] = place[state.backlog[e, ring, c.J_ID]]
    left = rows[kept]
    state.log[e, : left.shape[0]] = left
    num[c.N_LOG] = left.shape[0]


def _longer(array: Array, rows: int) -> Array:
    grown = np.zeros((array.shape[0], rows, array.shape[2]), array.dtype)
    grown[:, : array.shape[1]] = array
    return grown


def _unrolled(state: State, rows: int) -> Array:
    """Return longer rings whose jobs stand from the start."""
    grown = np.zeros((state.backlog.shape[0], rows, state.backlog.shape[2]), state.backlog.dtype)
    for e, (head, count) in enumerate(state.num[:, [c.BACK_HEAD, c.N_BACK]].tolist()):
        grown[e, :count] = state.backlog[e, (head + np.arange(count)) % state.backlog.shape[1]]
    state.num[:, c.BACK_HEAD] = 0
    return grown
