"""The liquid load horizon: how long it takes to pour the load of the queue into the free area of the plan."""

from __future__ import annotations

from wattq.schedulers.energy_bf.layout import Sleepers
from wattq.schedulers.timetable import FIRST as FIRST_SLICE
from wattq.schedulers.timetable import slice_end_s
from wattq.schedulers.waitlist import FIRST, HOLE, TAIL
from wattq.simulator.jit import inlined, jitted

__all__ = ["END_S", "load_horizon_s", "queue_load"]

END_S = 1e19  # batsched's end of time, s


@inlined
def queue_load(e: Sleepers) -> float:
    """Return the hosts times the walltimes (with the delay) of the waiting jobs, in host-seconds."""
    load = 0.0
    for slot in range(e.w.head[FIRST], e.w.head[TAIL]):
        if e.w.hosts[slot] != HOLE:
            load += e.w.hosts[slot] * (e.w.estimate_s[slot] + e.t.delay_s)
    return load


@jitted
def load_horizon_s(e: Sleepers, from_s: float) -> float:
    """Return how long after a date the queue's load would be done if it were liquid, s; to the end of time if never."""
    load = queue_load(e)
    t = e.t
    until_s = from_s
    a = int(t.head[FIRST_SLICE])
    while load > 0 and a > 0:
        end_s = min(slice_end_s(t, a), END_S)
        area = t.free[a] * max(end_s - max(from_s, t.begin_s[a]), 0.0)
        if end_s <= from_s:
            a = int(t.next[a])
            continue
        if area > load:
            return float(until_s + load / t.free[a] - from_s)
        load -= area
        until_s = end_s
        a = int(t.next[a])
    return (END_S if load > 0 else until_s) - from_s
