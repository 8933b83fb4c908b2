"""What an agent sees, compiled: the parts of the dictionary, and one flat row of numbers from -1 to 1."""

from __future__ import annotations

import math

from wattq.schedulers.rl.node_power import layout as c
from wattq.schedulers.rl.node_power.bare import bare
from wattq.schedulers.rl.node_power.config import FORECAST_H, HISTORY_H, NodePowerConfig
from wattq.schedulers.rl.node_power.core import price_around
from wattq.schedulers.rl.node_power.firstfit import nodes_needed
from wattq.schedulers.rl.node_power.layout import Array, Market, Memory, State, Task
from wattq.simulator.jit import inlined, jitted

__all__ = ["AGE_MOST_H", "flat_names", "observe_all", "observe_flat", "write_nodes", "write_prices", "write_queue"]

AGE_MOST_H = 4368
"""Age at which the observed age of a job stops, h."""
_BINS = (1, 2, 4, 8, 16, 32, 64, 1 << 30)
_MACHINE = ("on", "idle", "booting", "cores_used", "cores_free")
_WORK = (
    "queue",
    "backlog",
    "wanted_cores",
    "wanted_core_h",
    "mean_duration",
    "max_nodes",
    "oldest",
    "need_on",
    "can_off",
    "misfits",
)
_PRICE = ("price", "context", "price_rank", "price_negative")
_TIME = ("day_sin", "day_cos", "week_sin", "week_cos", "hours_left")
_JOB = ("duration", "age", "nodes", "cores")
_DAY, _WEEK = 24, 168


def flat_names(config: NodePowerConfig) -> tuple[str, ...]:
    """Return the names of the flat observation, in order."""
    ends = tuple(f"busy_until_{end}h" for end in _BINS[:-1])
    prices = tuple(f"forecast_{k}h" for k in range(FORECAST_H)) + tuple(
        f"history_{k}h" for k in range(HISTORY_H, 0, -1)
    )
    jobs = tuple(f"job{k}_{what}" for k in range(config.flat_queue) for what in _JOB)
    return (*_MACHINE, *ends, "busy_longer", *_WORK, *_PRICE, *prices, *_TIME, *jobs)


@bare(jitted)
def write_nodes(s: State, e: int, x: Array) -> None:
    """Write of each node -1 where it is off or starting, 0 where it is idle, else the hours until its last job ends."""
    now, free = s.num[e, c.NOW], s.free[e]
    for node in range(free.size):
        x[node] = -1 if free[node] < 0 else max(s.until[e, node] - now, 0)


@bare(jitted)
def write_queue(s: State, e: int, x: Array) -> None:
    """Write duration, age, nodes and cores of each job of the queue; `x` must hold zeros."""
    now = s.num[e, c.NOW]
    for row in range(s.num[e, c.N_QUEUE]):
        job = s.queue[e, row]
        x[4 * row] = job[c.J_DUR]
        x[4 * row + 1] = min(now - job[c.J_SUBMIT], AGE_MOST_H)
        x[4 * row + 2] = job[c.J_NODES]
        x[4 * row + 3] = job[c.J_CORES]


@bare(inlined)
def _past_price(m: Market, hour: int, back: int) -> float:
    """Return the price `back` hours before an hour of play; before the first hour of the series, its first price."""
    place = max(hour - back, 0)
    return m.price[place if place < m.price.size else place % m.price.size]


@bare(jitted)
def write_prices(s: State, e: int, m: Market, ahead: Array, past: Array) -> None:
    """Write the forecast, the coming hour first, and the prices of the hours gone by, the last one last."""
    hour = s.num[e, c.PRICE] + s.num[e, c.T]
    for lead in range(FORECAST_H):
        ahead[lead] = m.forecast[hour % m.price.size, lead]
    for back in range(HISTORY_H):
        past[back] = _past_price(m, hour, HISTORY_H - back)


@bare(inlined)
def _scaled(price: float, t: Task) -> float:
    """Return a price as -1 at its usual least to 1 at its usual most, held within these."""
    span = max(t.real[c.PRICE_HIGH] - t.real[c.PRICE_LOW], 1e-9)
    return min(1.0, max(-1.0, 2.0 * (price - t.real[c.PRICE_LOW]) / span - 1.0))


@bare(inlined)
def _busy(s: State, e: int, x: Array, k: int) -> int:
    """Write the shares of nodes that are busy until one of the ends of `_BINS`, none in two of them."""
    now, free, share = s.num[e, c.NOW], s.free[e], 1.0 / s.free.shape[1]
    for node in range(free.size):
        left = s.until[e, node] - now
        if left > 0:
            place = 0
            for end in _BINS:
                if left <= end:
                    break
                place += 1
            x[k + place] += share
    return k + 8


@bare(inlined)
def _machine(s: State, e: int, t: Task, x: Array) -> int:
    num, nodes = s.num, float(t.num[c.NODES])
    total = nodes * t.num[c.CORES]
    x[0], x[1], x[2] = num[e, c.N_ON] / nodes, num[e, c.N_IDLE] / nodes, num[e, c.N_BOOTING] / nodes
    x[3] = num[e, c.USED] / total
    x[4] = (num[e, c.N_ON] * t.num[c.CORES] - num[e, c.USED]) / total
    return _busy(s, e, x, 5)


@bare(inlined)
def _work(s: State, e: int, t: Task, w: Memory, x: Array, k: int) -> int:
    num = s.num
    waiting, total = num[e, c.N_QUEUE] + num[e, c.N_BACK], float(t.num[c.NODES] * t.num[c.CORES])
    x[k] = num[e, c.N_QUEUE] / t.num[c.QUEUE]
    x[k + 1] = num[e, c.N_BACK] / (num[e, c.N_BACK] + float(t.num[c.QUEUE]))
    x[k + 2] = num[e, c.PENDING_CORES] / (num[e, c.PENDING_CORES] + total)
    x[k + 3] = s.acc[e, c.PENDING_CH] / (s.acc[e, c.PENDING_CH] + _DAY * total)
    if waiting > 0:
        nodes_needed(s, e, w)
        x[k + 4] = num[e, c.PENDING_HOURS] / float(waiting * t.num[c.MAX_DUR])
        x[k + 5] = widest(s, e) / float(t.num[c.MAX_WIDTH])
        x[k + 7], x[k + 8] = w.need[0] / float(t.num[c.NODES]), w.need[1] / float(t.num[c.NODES])
        x[k + 9] = w.need[2] / float(t.num[c.QUEUE])
        age = _first_age(s, e)
        x[k + 6] = age / (age + float(_DAY))
    else:
        x[k + 8] = num[e, c.N_IDLE] / float(t.num[c.NODES])
    return k + 10


@bare(inlined)
def _first_age(s: State, e: int) -> int:
    if s.num[e, c.N_QUEUE] > 0:
        return s.num[e, c.NOW] - s.queue[e, 0, c.J_SUBMIT]
    return s.num[e, c.NOW] - s.backlog[e, s.num[e, c.BACK_HEAD], c.J_SUBMIT]


@bare(jitted)
def widest(s: State, e: int) -> int:
    """Return the most nodes that a waiting job asks for, 0 without one."""
    width = s.widths.shape[1] - 1
    while width > 0 and s.widths[e, width] == 0:
        width -= 1
    return width


@bare(inlined)
def _prices(s: State, e: int, m: Market, t: Task, x: Array, k: int) -> int:
    hour = s.num[e, c.PRICE] + s.num[e, c.T]
    row = m.forecast[hour % m.price.size]
    below = 0
    for lead in range(FORECAST_H):
        below += row[lead] < row[0]
        x[k + 4 + lead] = _scaled(row[lead], t)
    x[k], x[k + 1] = _scaled(row[0], t), _scaled(price_around(m, hour), t)
    x[k + 2], x[k + 3] = below / (FORECAST_H - 1.0), 1.0 if row[0] < 0.0 else 0.0
    k += 4 + FORECAST_H
    for back in range(HISTORY_H):
        x[k + back] = _scaled(_past_price(m, hour, HISTORY_H - back), t)
    return k + HISTORY_H


@bare(inlined)
def _time(s: State, e: int, m: Market, t: Task, x: Array, k: int) -> int:
    clock = m.clock[(s.num[e, c.PRICE] + s.num[e, c.T]) % m.price.size]
    day, week = 2.0 * math.pi * (clock % _DAY) / _DAY, 2.0 * math.pi * clock / _WEEK
    x[k], x[k + 1], x[k + 2], x[k + 3] = math.sin(day), math.cos(day), math.sin(week), math.cos(week)
    x[k + 4] = (t.num[c.HORIZON] - s.num[e, c.T]) / float(t.num[c.HORIZON])
    return k + 5


@bare(jitted)
def observe_flat(s: State, e: int, m: Market, t: Task, w: Memory, x: Array) -> None:
    """Write the flat observation of an episode, float32, in the order of `flat_names`."""
    x[:] = 0.0
    k = _machine(s, e, t, x)
    k = _work(s, e, t, w, x, k)
    k = _prices(s, e, m, t, x, k)
    k = _time(s, e, m, t, x, k)
    now = s.num[e, c.NOW]
    for row in range(min(t.num[c.FLAT], s.num[e, c.N_QUEUE])):
        job, age = s.queue[e, row], float(now - s.queue[e, row, c.J_SUBMIT])
        x[k + 4 * row] = job[c.J_DUR] / float(t.num[c.MAX_DUR])
        x[k + 4 * row + 1] = age / (age + _DAY)
        x[k + 4 * row + 2] = job[c.J_NODES] / float(t.num[c.MAX_WIDTH])
        x[k + 4 * row + 3] = job[c.J_CORES] / float(t.num[c.CORES])


@bare(jitted)
def observe_all(s: State, m: Market, t: Task, w: Memory, x: Array) -> None:
    """Write the flat observation of every episode, float32 [episodes, numbers]."""
    for e in range(s.num.shape[0]):
        observe_flat(s, e, m, t, w, x[e])
