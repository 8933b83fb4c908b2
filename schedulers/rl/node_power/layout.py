"""State of many episodes as arrays: what each number is, and how it is made."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wattq.schedulers.rl.node_power.config import FORECAST_H, HISTORY_H, PARTS, NodePowerConfig
from wattq.schedulers.rl.node_power.prices import Prices

__all__ = [
    "HOURLY",
    "JOB_COLUMNS",
    "Market",
    "Memory",
    "State",
    "Task",
    "market_of",
    "new_memory",
    "new_state",
    "task_of",
]

# Whole numbers of an episode: columns of State.num.
NOW, T, PRICE, N_ON, N_IDLE, N_BOOTING, USED, N_QUEUE, BACK_HEAD, N_BACK = range(10)
SUBMITTED, LAUNCHED, COMPLETED, RUNNING, LOST_FULL, LOST_AGE, PENDING_CORES, PENDING_HOURS, N_LOG, DONE = range(10, 20)
N_NUM = 20
# Core-hours, energy and money of an episode: columns of State.acc.
WORK, ALL_WORK, SERVED, PENDING_CH, RUNNING_CH, LOST_CH, COST, MWH, TOP_PRICE, REWARD = range(10)
N_ACC = 10
# Whole numbers of the task: Task.num.
NODES, CORES, MAX_WIDTH, RING, QUEUE, BACKLOG, MAX_AGE, HORIZON, BY_NODE, RATIO, HOURLY_CHARGE, BOOT, FLAT, MAX_DUR = (
    range(14)
)
# Watts, Wh and scales of the task: Task.real.
IDLE_W, USED_W, OFF_W, BOOT_WH, PRICE_LOW, PRICE_HIGH, PRICE_SCALE = range(7)
N_PARTS = len(PARTS)
# Columns of a waiting job.
J_DUR, J_SUBMIT, J_NODES, J_CORES, J_ID = range(5)
JOB_COLUMNS = ("submit_h", "start_h", "duration_h", "nodes", "cores", "lost_h")
"""Columns of the log of jobs: hours of the episode, -1 for never; carried-over jobs have hours before 0."""
L_SUBMIT, L_START, L_DUR, L_NODES, L_CORES, L_LOST = range(6)
BLOCK = 16
"""Nodes of a block of first-fit."""
NEVER = -(2**31)
"""An hour that was not: in the log of the compiled core, where hours before the episode are negative."""
HOURLY = (
    "price", "context", "on", "idle", "used", "booting", "cores_used", "queue", "backlog", "running", "submitted",
    "launched", "completed", "lost_full", "lost_age", "cost", "mwh", "pending_ch", "pending_cores", "oldest_h",
)  # fmt: skip
"""What is written down of each hour: the state while it passes, and counts of that hour alone."""
H_PRICE, H_CONTEXT, H_ON, H_IDLE, H_USED, H_BOOTING, H_CORES, H_QUEUE, H_BACKLOG, H_RUNNING = range(10)
H_SUBMITTED, H_LAUNCHED, H_COMPLETED, H_LOST_FULL, H_LOST_AGE, H_COST, H_MWH, H_PENDING, H_WANTED, H_OLDEST = range(
    10, 20
)
N_HOURLY = len(HOURLY)

Ints = NDArray[np.int64]
Array = NDArray[Any]


class Task(NamedTuple):
    """Numbers of the task for compiled code.

    Attributes:
        num: int64, see the names above.
        real: float64.
        weights: float64 [parts].
        magnitudes: int64, nodes of each magnitude.
    """

    num: Array
    real: Array
    weights: Array
    magnitudes: Array


class Market(NamedTuple):
    """Prices for compiled code.

    Attributes:
        price: float64 [hours].
        forecast: float64 [hours, 24]: what is known or expected at the start of an hour of it and the next ones.
        clock: int64 [hours], hour of the week on the clock of the site.
        context: float64 [hours], mean of the 24 prices before an hour and of the 24 that are forecast.
        opening: float64 [24], the same of the first hours that are played, which have less behind them.
    """

    price: Array
    forecast: Array
    clock: Array
    context: Array
    opening: Array


class Memory(NamedTuple):
    """What compiled code writes and forgets, so that no hour allocates anything.

    Attributes:
        fits: int64 [cores + 2], nodes by their free cores.
        top: int64 [blocks of nodes], most free cores of a node of the block.
        free: int16 [nodes], a copy of free cores.
        need: int64 [3], see `firstfit.nodes_needed`.
    """

    fits: Array
    top: Array
    free: Array
    need: Array


class State(NamedTuple):
    """Episodes side by side; the first axis is the episode.

    Attributes:
        num: int64, counts.
        acc: float64, sums.
        free: int16 [nodes], free cores; -1 for a node that is off or starting.
        until: int64 [nodes], hour at which its last job ends.
        ready: int64 [nodes], hour at which a starting node can be used; -1 for any other.
        release: int16 [hours mod longest job, nodes], cores that become free at an hour.
        ending: int32 [hours mod longest job], jobs that end at an hour.
        queue: int32 [queue, 5].
        backlog: int32 [backlog, 5], a ring.
        widths: int32 [nodes + 1], waiting jobs by their number of nodes.
        jobs: int32 [jobs, 3], duration, nodes and cores of the jobs that arrive in the episode.
        offsets: int64 [hours + 1], the first job of each hour in `jobs`.
        log: int32 [jobs, 6], see `JOB_COLUMNS`; of no rows where no log is kept.
        parts: float64 [parts], of the last hour, weighted.
        sums: float64 [parts], of the episode so far.
        hourly: float64 [columns of HOURLY], of the last hour.
    """

    num: Array
    acc: Array
    free: Array
    until: Array
    ready: Array
    release: Array
    ending: Array
    queue: Array
    backlog: Array
    widths: Array
    jobs: Array
    offsets: Array
    log: Array
    parts: Array
    sums: Array
    hourly: Array


def task_of(config: NodePowerConfig, prices: Prices) -> Task:
    """Return the numbers of a task on a market."""
    unlimited = np.iinfo(np.int64).max
    num = np.array(
        [
            config.n_nodes,
            config.cores_per_node,
            config.max_nodes_per_job,
            config.max_duration_h + 1,
            config.queue_size,
            unlimited if config.backlog_size is None else config.backlog_size,
            unlimited if config.max_age_h is None else config.max_age_h,
            config.horizon_h,
            config.power == "nodes",
            config.shapes == "ratio",
            config.charge == "hourly",
            config.boot_h,
            config.flat_queue,
            config.max_duration_h,
        ],
        dtype=np.int64,
    )
    scale = max(abs(prices.low), abs(prices.high), 1e-9)
    real = [config.idle_w, config.used_w, config.off_w, config.boot_wh, prices.low, prices.high, scale]
    magnitudes = np.array(config.magnitudes, dtype=np.int64)
    return Task(num, np.array(real, dtype=np.float64), np.array(config.weights.row), magnitudes)


def market_of(prices: Prices) -> Market:
    """Return the arrays of prices."""
    hours, back = np.arange(prices.n_hours)[:, None], np.arange(HISTORY_H, 0, -1)
    ahead = prices.forecast.sum(axis=1)
    past = prices.value[(hours - back) % prices.n_hours].sum(axis=1)
    # Before the first hour there is no past; the first price, which is known then, stands for it.
    first = prices.value[np.maximum(hours[:HISTORY_H] - back, 0)].sum(axis=1)
    span = HISTORY_H + FORECAST_H
    return Market(
        prices.value, prices.forecast, prices.clock, (past + ahead) / span, (first + ahead[:HISTORY_H]) / span
    )


def new_memory(config: NodePowerConfig) -> Memory:
    """Return memory for a task."""
    fits, top = np.zeros(config.cores_per_node + 2, np.int64), np.zeros(-(-config.n_nodes // BLOCK), np.int64)
    return Memory(fits, top, np.zeros(config.n_nodes, np.int16), np.zeros(3, np.int64))


def new_state(config: NodePowerConfig, n_envs: int, *, jobs: int = 0, log: int = 0) -> State:
    """Return room for episodes: `jobs` arrivals each, `log` rows in the log of jobs."""
    nodes, ring = config.n_nodes, config.max_duration_h + 1
    backlog = jobs if config.backlog_size is None else config.backlog_size
    shapes: dict[str, tuple[tuple[int, ...], Any]] = {
        "num": ((N_NUM,), np.int64),
        "acc": ((N_ACC,), np.float64),
        "free": ((nodes,), np.int16),
        "until": ((nodes,), np.int64),
        "ready": ((nodes,), np.int64),
        "release": ((ring, nodes), np.int16),
        "ending": ((ring,), np.int32),
        "queue": ((config.queue_size, 5), np.int32),
        "backlog": ((max(backlog, 1), 5), np.int32),
        "widths": ((config.max_nodes_per_job + 1,), np.int32),
        "jobs": ((jobs, 3), np.int32),
        "offsets": ((config.horizon_h + 1,), np.int64),
        "log": ((log, len(JOB_COLUMNS)), np.int32),
        "parts": ((N_PARTS,), np.float64),
        "sums": ((N_PARTS,), np.float64),
        "hourly": ((N_HOURLY,), np.float64),
    }
    return State(**{name: np.zeros((n_envs, *shape), kind) for name, (shape, kind) in shapes.items()})
