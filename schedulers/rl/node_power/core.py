"""One hour of the node-power task, compiled: arrivals, nodes on and off, first-fit, energy, rewards.

Everything works on one episode `e` of a `State`; `step_all` steps all of them in one call.
"""

from __future__ import annotations

from wattq.schedulers.rl.node_power import layout as c
from wattq.schedulers.rl.node_power.bare import bare
from wattq.schedulers.rl.node_power.firstfit import lose_old, push_backlog, push_queue, refill_queue, start_waiting
from wattq.schedulers.rl.node_power.layout import Array, Market, Memory, State, Task
from wattq.schedulers.rl.node_power.nodes import KEEP, OFF, end_jobs, finish_booting, switch_nodes
from wattq.schedulers.rl.node_power.rewards import UNFINISHED_PER_HOUR, hour_parts
from wattq.simulator.jit import inlined, jitted

__all__ = ["price_around", "step", "step_all"]


@bare(inlined)
def price_around(m: Market, hour: int) -> float:
    """Return the mean price of the 24 hours before an hour of play and of the 24 that are forecast, itself first."""
    if hour < m.opening.size:
        return m.opening[hour]
    return m.context[hour % m.price.size]


@bare(inlined)
def _arrive(s: State, e: int, hours: int, width: int, cores: int, queue: int, backlog: int) -> None:
    """Let a job arrive: in the queue if that has room and nobody waits behind it, else in the backlog, else lost."""
    num = s.num
    work = hours * width * cores
    job = -1
    if s.log.shape[1] > 0:
        job = num[e, c.N_LOG]
        num[e, c.N_LOG] = job + 1
        row = s.log[e, job]
        row[c.L_SUBMIT], row[c.L_START], row[c.L_LOST] = num[e, c.NOW], c.NEVER, c.NEVER
        row[c.L_DUR], row[c.L_NODES], row[c.L_CORES] = hours, width, cores
    num[e, c.SUBMITTED] += 1
    s.acc[e, c.WORK] += work
    if num[e, c.N_BACK] == 0 and num[e, c.N_QUEUE] < queue:
        push_queue(s, e, hours, num[e, c.NOW], width, cores, job)
    elif num[e, c.N_BACK] < min(backlog, s.backlog.shape[1]):
        push_backlog(s, e, hours, num[e, c.NOW], width, cores, job)
    else:
        num[e, c.LOST_FULL] += 1
        s.acc[e, c.LOST_CH] += work
        if job >= 0:
            s.log[e, job, c.L_LOST] = num[e, c.NOW]
        return
    s.widths[e, width] += 1
    num[e, c.PENDING_CORES] += width * cores
    num[e, c.PENDING_HOURS] += hours
    s.acc[e, c.PENDING_CH] += work


@bare(inlined)
def _oldest(s: State, e: int) -> int:
    """Return the age of the oldest waiting job, h; 0 without one."""
    now = s.num[e, c.NOW]
    if s.num[e, c.N_QUEUE] > 0:
        return now - s.queue[e, 0, c.J_SUBMIT]
    if s.num[e, c.N_BACK] > 0:
        return now - s.backlog[e, s.num[e, c.BACK_HEAD], c.J_SUBMIT]
    return 0


@bare(inlined)
def _mwh(s: State, e: int, t: Task, started: int) -> float:
    """Return the energy of the hour, MWh; nodes that start draw what idle ones do, and `boot_wh` once."""
    num, real = s.num, t.real
    on = num[e, c.N_ON] + num[e, c.N_BOOTING]
    watts = on * real[c.IDLE_W] + (t.num[c.NODES] - on) * real[c.OFF_W]
    used = num[e, c.USED] / t.num[c.CORES]
    if t.num[c.BY_NODE]:
        used = float(num[e, c.N_ON] - num[e, c.N_IDLE])
    return (watts + used * (real[c.USED_W] - real[c.IDLE_W]) + started * real[c.BOOT_WH]) * 1e-6


@bare(inlined)
def _charge(s: State, e: int, t: Task) -> float:
    """Return the `unfinished` part of the hour just over: all at the end, or hour by hour, in sum the same."""
    most = UNFINISHED_PER_HOUR * t.num[c.HORIZON]
    work = s.acc[e, c.ALL_WORK]
    if work <= 0.0:
        return 0.0
    if t.num[c.HOURLY_CHARGE]:
        return most * s.hourly[e, c.H_CORES] / work - UNFINISHED_PER_HOUR
    undone = s.acc[e, c.PENDING_CH] + s.acc[e, c.RUNNING_CH] + s.acc[e, c.LOST_CH]
    return -most * undone / work if s.num[e, c.DONE] else 0.0


@bare(inlined)
def _note_hour(s: State, e: int, m: Market, t: Task, started: int) -> None:
    """Write down the state in which the hour passes, and charge it for its energy."""
    num, acc, h = s.num, s.acc, s.hourly[e]
    hour = num[e, c.PRICE] + num[e, c.T]
    price, mwh = m.price[hour % m.price.size], _mwh(s, e, t, started)
    acc[e, c.TOP_PRICE] = price if num[e, c.T] == 0 else max(price, acc[e, c.TOP_PRICE])
    acc[e, c.COST] += price * mwh
    acc[e, c.MWH] += mwh
    acc[e, c.SERVED] += num[e, c.USED]
    acc[e, c.RUNNING_CH] -= num[e, c.USED]
    h[c.H_PRICE], h[c.H_CONTEXT], h[c.H_COST], h[c.H_MWH] = price, price_around(m, hour), price * mwh, mwh
    h[c.H_ON], h[c.H_IDLE], h[c.H_USED] = num[e, c.N_ON], num[e, c.N_IDLE], num[e, c.N_ON] - num[e, c.N_IDLE]
    h[c.H_BOOTING], h[c.H_CORES], h[c.H_QUEUE] = num[e, c.N_BOOTING], num[e, c.USED], num[e, c.N_QUEUE]
    h[c.H_BACKLOG], h[c.H_RUNNING], h[c.H_PENDING] = num[e, c.N_BACK], num[e, c.RUNNING], acc[e, c.PENDING_CH]
    h[c.H_WANTED], h[c.H_OLDEST] = num[e, c.PENDING_CORES], _oldest(s, e)


@bare(inlined)
def _counts(s: State, e: int, sign: float) -> None:
    """Turn the counts of the episode into those of the hour: called before it with -1 and after it with 1."""
    h, num = s.hourly[e], s.num
    if sign < 0.0:
        h[:] = 0.0
    h[c.H_SUBMITTED] += sign * num[e, c.SUBMITTED]
    h[c.H_LAUNCHED] += sign * num[e, c.LAUNCHED]
    h[c.H_COMPLETED] += sign * num[e, c.COMPLETED]
    h[c.H_LOST_FULL] += sign * num[e, c.LOST_FULL]
    h[c.H_LOST_AGE] += sign * num[e, c.LOST_AGE]


@bare(inlined)
def _reward(s: State, e: int, t: Task) -> float:
    """Write the weighted parts of the hour and return their sum."""
    parts = s.parts[e]
    hour_parts(t.num, t.real, s.hourly[e], parts)
    parts[6] = _charge(s, e, t)
    reward = 0.0
    for part in range(c.N_PARTS):
        parts[part] *= t.weights[part]
        s.sums[e, part] += parts[part]
        reward += parts[part]
    s.acc[e, c.REWARD] += reward
    return reward


@bare(jitted)
def step(s: State, e: int, m: Market, t: Task, kind: int, magnitude: int, refill: int, w: Memory) -> float:
    """Let one hour pass and return its reward; see the module `env` for the order of what happens.

    Args:
        s: the episodes.
        e: which one.
        m: prices.
        t: the task.
        kind: 0 switches idle nodes off, 1 keeps all as they are, 2 switches nodes on.
        magnitude: index of the number of nodes in `t.magnitudes`.
        refill: 1 fills the queue from the backlog and starts from it, too.
        w: memory.
    """
    num, cores = s.num, t.num[c.CORES]
    _counts(s, e, -1.0)
    lose_old(s, e, t.num[c.MAX_AGE])
    for row in range(s.offsets[e, num[e, c.T]], s.offsets[e, num[e, c.T] + 1]):
        hours, width, each = s.jobs[e, row, 0], s.jobs[e, row, 1], s.jobs[e, row, 2]
        _arrive(s, e, hours, width, each, t.num[c.QUEUE], t.num[c.BACKLOG])
    if num[e, c.N_BOOTING] > 0:
        finish_booting(s, e, cores)
    switched = 0
    if kind != KEEP:
        switched = switch_nodes(s, e, kind, t.magnitudes[magnitude], t.num[c.BOOT], cores)
    start_waiting(s, e, 0, w)
    if refill:
        start_waiting(s, e, refill_queue(s, e, t.num[c.QUEUE]), w)
    _note_hour(s, e, m, t, 0 if kind == OFF else switched)
    num[e, c.NOW] += 1
    num[e, c.T] += 1
    num[e, c.DONE] = num[e, c.T] == t.num[c.HORIZON]
    end_jobs(s, e, cores)
    _counts(s, e, 1.0)
    return _reward(s, e, t)


@bare(jitted)
def step_all(s: State, m: Market, t: Task, actions: Array, rewards: Array, w: Memory) -> None:
    """Let one hour pass in every episode.

    Args:
        s: the episodes.
        m: prices.
        t: the task.
        actions: int64 [episodes, 3], see `step`.
        rewards: float64 [episodes], written.
        w: memory.
    """
    for e in range(s.num.shape[0]):
        rewards[e] = step(s, e, m, t, actions[e, 0], actions[e, 1], actions[e, 2], w)
