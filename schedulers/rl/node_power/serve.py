"""A smaller way to act: how much of the machine to give to waiting jobs now, compiled.

Every choice becomes one action of the task as it is published (off, keep or on, a number of nodes, refill or not), so
that nothing is possible that was not before. What is observed is what the task shows, in numbers that do not depend on
the machine's size, the level of prices, or the length of the queue.
"""

from __future__ import annotations

import math

from wattq.schedulers.rl.node_power import layout as c
from wattq.schedulers.rl.node_power.layout import Array, Market, State, Task
from wattq.schedulers.rl.node_power.nodes import KEEP, OFF, ON
from wattq.simulator.jit import inlined, jitted

__all__ = [
    "N_SERVE",
    "SERVE_ACTIONS",
    "SERVE_OBSERVATION",
    "guarded",
    "observe_all_served",
    "observe_serve",
    "serve_action",
    "serve_all",
]

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Most nodes on, as a share of the machine; those with work stay on in any case."""
N_SHARES = len(SHARES)
N_SERVE = 2 * N_SHARES + 1
"""Choices: every share without and with refilling the queue, and all nodes on whether they are needed or not."""
ALL_NEEDED = 2 * N_SHARES - 1
PROMPT = N_SERVE
"""What `guarded` may choose beyond the choices that there are."""
SERVE_ACTIONS = tuple(
    [f"up to {share:.0%} of the nodes{refill}" for refill in ("", ", refill") for share in SHARES]
    + ["all nodes, refill"]
)

LEADS = 24
RELEASES_H = (1, 2, 4, 8, 16)
N_RELEASES = len(RELEASES_H)
DAY_H, WEEK_H = 24, 168
MOST_LOAD = 0.9
"""Load at which the time to work off what waits is no longer taken to grow."""
WIDTH = 2.5
"""Standard deviations of the past week that the numbers `week_...` reach to."""
_AHEAD = tuple(f"price_{lead}h" for lead in range(LEADS))
SERVE_OBSERVATION = (
    *_AHEAD,
    "price_spread", "price_past_day", "price_past_week", "price_negative", "price_rank", "hours_needed",
    "rank_less_needed", "week_now", "week_3h", "week_8h", "week_24h",
    "hour_sin", "hour_cos", "week_sin", "week_cos", "nodes_used", "nodes_idle", "cores_used", "holes",
    "queue_cores", "queue_fill", "backlog_any", "backlog_fill", "waiting_core_h", "waiting_core_h_wide", "oldest_day",
    "oldest_limit", "mean_duration", "running_core_h", "arriving_cores", "arriving_core_h",
    *(f"released_{hours}h" for hours in RELEASES_H),
    "left_8h", "left_24h", "left_72h", "passed_24h",
)  # fmt: skip
"""Names of the numbers that are observed; each lies in [-1, 1]. Prices are relative to their mean, in spreads."""


@inlined
def _unit(value: float) -> float:
    return max(-1.0, min(1.0, value))


@inlined
def _queue_cores(s: State, e: int) -> int:
    """Return the cores that the jobs of the queue ask for, those of the backlog left out."""
    total = 0
    for row in range(s.num[e, c.N_QUEUE]):
        total += s.queue[e, row, c.J_NODES] * s.queue[e, row, c.J_CORES]
    return total


@inlined
def _arrived(s: State, e: int, hours: int, out: Array) -> None:
    """Write cores and core-hours that arrived per hour in the last hours; 0 before the first."""
    now = s.num[e, c.T]
    first = max(now - hours, 0)
    out[0] = out[1] = 0.0
    if now == 0:
        return
    for row in range(s.offsets[e, first], s.offsets[e, now]):
        cores = s.jobs[e, row, 1] * s.jobs[e, row, 2]
        out[0] += cores
        out[1] += cores * s.jobs[e, row, 0]
    out[0] /= now - first
    out[1] /= now - first


@jitted
def guarded(s: State, e: int, t: Task, choice: int) -> int:
    """Return the choice, or one that serves everything where putting work off any longer would leave it undone.

    That is so once the oldest job has waited four fifths of the longest wait, and once the hours that are left of the
    episode are no more than half as much again as the waiting work needs at the present load, the longest run time of
    the last day, and six. In the last hours, as many as that run time but half a day at most, it is `PROMPT`: there
    is room for a quarter more than arrived in the busiest hour of the last day, so that jobs start when they arrive.
    """
    num, total = s.num, float(t.num[c.NODES] * t.num[c.CORES])
    now = num[e, c.T]
    left = t.num[c.HORIZON] - now
    first, longest, work = max(now - DAY_H, 0), 1, 0.0
    for row in range(s.offsets[e, first], s.offsets[e, now]):
        longest = max(longest, s.jobs[e, row, 0])
        work += float(s.jobs[e, row, 0] * s.jobs[e, row, 1] * s.jobs[e, row, 2])
    if left <= min(longest, DAY_H // 2):
        return PROMPT
    load = min(work / max(now - first, 1) / total, MOST_LOAD)
    needed = s.acc[e, c.PENDING_CH] / total / (1.0 - load)
    oldest = 0
    if num[e, c.N_QUEUE] > 0:
        oldest = num[e, c.NOW] - s.queue[e, 0, c.J_SUBMIT]
    if left <= 1.5 * needed + longest + 6.0 or oldest > 0.8 * t.num[c.MAX_AGE]:
        return ALL_NEEDED
    return choice


@jitted
def serve_action(s: State, e: int, t: Task, choice: int, out: Array) -> None:
    """Write the action of the task that a choice stands for.

    First `guarded` has its say. Nodes without work go off; nodes are switched on as far as the share allows, and as
    waiting jobs need them: all of the queue, with refilling those of the backlog, and the jobs of an hour as the last
    day had them, too.

    Args:
        s: the episodes.
        e: which one.
        t: the task.
        choice: index in `SERVE_ACTIONS`.
        out: int64 [3], off, keep or on, index of the magnitude, refill.
    """
    num, cores, nodes = s.num, t.num[c.CORES], t.num[c.NODES]
    on, idle = num[e, c.N_ON] + num[e, c.N_BOOTING], num[e, c.N_IDLE]
    used = on - idle
    choice = guarded(s, e, t, choice)
    prompt = choice == PROMPT
    choice = ALL_NEEDED if prompt else choice
    refill = choice >= N_SHARES
    target = nodes
    if choice <= ALL_NEEDED:
        wanted = float(num[e, c.PENDING_CORES] if refill else _queue_cores(s, e))
        if refill or num[e, c.N_BACK] == 0:
            wanted += _arriving_cores(s, e, prompt)
        holes = used * cores - num[e, c.USED]
        need = math.ceil(max(wanted - 0.9 * holes, 0.0) * 1.02 / cores)
        share = choice % N_SHARES / (N_SHARES - 1.0)
        target = max(used, min(used + int(need), math.ceil(share * nodes)))
    _towards(t, on, idle, target, out)
    out[2] = 1 if refill else 0


@inlined
def _arriving_cores(s: State, e: int, busiest: bool) -> float:
    """Return the cores that arrived per hour in the last day, or a quarter more than in its busiest hour."""
    now = s.num[e, c.T]
    first = max(now - DAY_H, 0)
    total, most = 0.0, 0.0
    for hour in range(first, now):
        here = 0.0
        for row in range(s.offsets[e, hour], s.offsets[e, hour + 1]):
            here += float(s.jobs[e, row, 1] * s.jobs[e, row, 2])
        total += here
        most = max(most, here)
    return 1.25 * most if busiest else total / max(float(now - first), 1.0)


@inlined
def _towards(t: Task, on: int, idle: int, target: int, out: Array) -> None:
    """Write kind and magnitude that bring the nodes that are on nearest to a number."""
    out[0], out[1] = KEEP, 0
    change = abs(target - on)
    if target < on:
        change = min(change, idle)
    if change == 0:
        return
    out[0] = ON if target > on else OFF
    index = 0
    while index < t.magnitudes.size - 1 and t.magnitudes[index] < change:
        index += 1
    if out[0] == OFF and t.magnitudes[index] > change and index > 0:
        index -= 1
    out[1] = index


@jitted
def observe_serve(s: State, e: int, m: Market, t: Task, x: Array, memory: Array) -> None:
    """Write what is observed before a choice, see `SERVE_OBSERVATION`.

    Args:
        s: the episodes.
        e: which one.
        m: prices.
        t: the task.
        x: float32, written.
        memory: float64 [2], scratch.
    """
    hour = s.num[e, c.PRICE] + s.num[e, c.T]
    row = hour % m.price.size
    mean, spread = _moments(m, row)
    for lead in range(LEADS):
        x[lead] = _unit((m.forecast[row, lead] - mean) / (2.5 * spread))
    k = _observe_prices(s, e, m, t, x, hour, mean, spread)
    _observe_load(s, e, t, x, k, memory)


@inlined
def _moments(m: Market, row: int) -> tuple[float, float]:
    """Return mean and standard deviation of the forecast, the latter not below a twentieth of the mean's size."""
    mean = square = 0.0
    for lead in range(LEADS):
        mean += m.forecast[row, lead]
    mean /= LEADS
    for lead in range(LEADS):
        square += (m.forecast[row, lead] - mean) ** 2
    return mean, max(math.sqrt(square / LEADS), 0.05 * abs(mean), 1e-6)


@inlined
def _past_price(m: Market, hour: int, back: int) -> float:
    """Return the price some hours before an hour of play; before the first hour of the series, its first price."""
    price: float = m.price[max(hour - back, 0) % m.price.size]
    return price


@inlined
def _ahead(m: Market, row: int, hours: int) -> float:
    """Return the mean of the forecast of the next hours."""
    total = 0.0
    for lead in range(hours):
        total += float(m.forecast[row, lead])
    return total / hours


@inlined
def _observe_prices(s: State, e: int, m: Market, t: Task, x: Array, hour: int, mean: float, spread: float) -> int:
    """Write what concerns prices and the clock; return the place of the next number."""
    row, k = hour % m.price.size, LEADS
    now = m.forecast[row, 0]
    day = week = square = rank = 0.0
    for back in range(1, WEEK_H + 1):
        price = _past_price(m, hour, back)
        week += price / WEEK_H
        square += price * price / WEEK_H
        if back <= DAY_H:
            day += price / DAY_H
    usual = max(math.sqrt(max(square - week * week, 0.0)), 0.05 * abs(week), 1e-6)
    for lead in range(1, LEADS):
        rank += 1.0 if m.forecast[row, lead] < now else 0.0
    total = float(t.num[c.NODES] * t.num[c.CORES])
    needed = s.acc[e, c.PENDING_CH] / total
    x[k] = _unit(spread / max(abs(mean), spread) * 2.0 - 1.0)
    x[k + 1] = _unit((day - mean) / (2.5 * spread))
    x[k + 2] = _unit((now - week) / (4.0 * spread))
    x[k + 3] = 1.0 if now < 0.0 else 0.0
    x[k + 4] = rank / LEADS
    x[k + 5] = _unit(needed / LEADS)
    x[k + 6] = _unit((rank - needed) / LEADS)
    x[k + 7] = _unit((now - week) / (WIDTH * usual))
    x[k + 8] = _unit((_ahead(m, row, 3) - week) / (WIDTH * usual))
    x[k + 9] = _unit((_ahead(m, row, 8) - week) / (WIDTH * usual))
    x[k + 10] = _unit((mean - week) / (WIDTH * usual))
    angle = 2.0 * math.pi * m.clock[row]
    x[k + 11], x[k + 12] = math.sin(angle / DAY_H), math.cos(angle / DAY_H)
    x[k + 13], x[k + 14] = math.sin(angle / WEEK_H), math.cos(angle / WEEK_H)
    return k + 15


@inlined
def _observe_load(s: State, e: int, t: Task, x: Array, k: int, memory: Array) -> None:
    """Write what concerns nodes, jobs and time from place k on."""
    num, acc, nodes, cores = s.num, s.acc, float(t.num[c.NODES]), float(t.num[c.CORES])
    total, used = nodes * cores, float(num[e, c.N_ON] - num[e, c.N_IDLE])
    waiting = num[e, c.N_QUEUE] + num[e, c.N_BACK]
    oldest = 0.0
    if num[e, c.N_QUEUE] > 0:
        oldest = float(num[e, c.NOW] - s.queue[e, 0, c.J_SUBMIT])
    elif num[e, c.N_BACK] > 0:
        oldest = float(num[e, c.NOW] - s.backlog[e, num[e, c.BACK_HEAD], c.J_SUBMIT])
    x[k], x[k + 1], x[k + 2] = used / nodes, num[e, c.N_IDLE] / nodes, num[e, c.USED] / total
    x[k + 3] = _unit((used * cores - num[e, c.USED]) / total * 4.0)
    x[k + 4] = _unit(_queue_cores(s, e) / total / 2.0)
    x[k + 5] = num[e, c.N_QUEUE] / float(t.num[c.QUEUE])
    x[k + 6] = 1.0 if num[e, c.N_BACK] > 0 else 0.0
    x[k + 7] = _unit(num[e, c.N_BACK] / (4.0 * t.num[c.QUEUE]))
    x[k + 8] = _unit(acc[e, c.PENDING_CH] / total / 8.0)
    x[k + 9] = _unit(acc[e, c.PENDING_CH] / total / 48.0)
    x[k + 10] = _unit(oldest / DAY_H)
    x[k + 11] = _unit(oldest / min(float(t.num[c.MAX_AGE]), 336.0))
    x[k + 12] = _unit(num[e, c.PENDING_HOURS] / max(waiting, 1) / DAY_H)
    x[k + 13] = _unit(acc[e, c.RUNNING_CH] / total / 8.0)
    _arrived(s, e, DAY_H, memory)
    x[k + 14], x[k + 15] = _unit(memory[0] / total), _unit(memory[1] / total)
    _observe_ends(s, e, t, x, k + 16, total)


@inlined
def _observe_ends(s: State, e: int, t: Task, x: Array, k: int, total: float) -> None:
    """Write the cores that running jobs give back within hours, and the time that is left of the episode."""
    ring, now = s.release.shape[1], s.num[e, c.NOW]
    place, freed = 0, 0
    for ahead in range(1, min(16, ring - 1) + 1):
        slot = (now + ahead) % ring
        if s.ending[e, slot] > 0:
            for node in range(s.release.shape[2]):
                freed += s.release[e, slot, node]
        if ahead == 1 or ahead == 2 or ahead == 4 or ahead == 8 or ahead == 16:
            x[k + place] = freed / total
            place += 1
    while place < N_RELEASES:
        x[k + place] = freed / total
        place += 1
    left, passed = float(t.num[c.HORIZON] - s.num[e, c.T]), float(s.num[e, c.T])
    x[k + 5], x[k + 6], x[k + 7] = min(left / 8.0, 1.0), min(left / 24.0, 1.0), min(left / 72.0, 1.0)
    x[k + 8] = min(passed / 24.0, 1.0)


@jitted
def serve_all(s: State, t: Task, choices: Array, actions: Array) -> None:
    """Write the actions, int64 [episodes, 3], that the choices of all episodes stand for."""
    for e in range(choices.size):
        serve_action(s, e, t, choices[e], actions[e])


@jitted
def observe_all_served(s: State, m: Market, t: Task, x: Array, memory: Array) -> None:
    """Write what is observed of all episodes, float32 [episodes, numbers]."""
    for e in range(x.shape[0]):
        observe_serve(s, e, m, t, x[e], memory)
