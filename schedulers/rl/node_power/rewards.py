"""The parts of the reward of one hour, compiled; the only place where they are written down."""

from __future__ import annotations

import math

from wattq.schedulers.rl.node_power import layout as c
from wattq.schedulers.rl.node_power.bare import bare
from wattq.schedulers.rl.node_power.layout import Array
from wattq.simulator.jit import inlined, jitted

__all__ = [
    "UNFINISHED_PER_HOUR",
    "age_part",
    "blackout_part",
    "drop_part",
    "efficiency_part",
    "hour_parts",
    "price_part",
]

UNFINISHED_PER_HOUR = 4.0
"""Charge for leaving all work undone, per hour of the episode.

The published parts lie in [-1, 1.5], so the weighted sums of two policies differ by at most 2.5 x the sum of the
weights in an hour (the drop part of the earlier form apart, which only ever lowers a reward, and whose jobs are undone
as well). With a weight of at least that sum, leaving 5/8 more of the work undone than another policy can never pay.
With the default weights an hour lies in [-1.7, 1.0], since nothing is efficient while nothing runs: 68 %.
"""
_EQUIVALENT_NODES = 40.0
_OVERDRIVE, _FLOOR, _MOST = 2.5, 0.35, 1.5
_GRACE_H, _TAU_H, _FIRST_TAU_H = 24.0, 168.0, 84.0
_SMALLEST = 1e-9


@bare(inlined)
def efficiency_part(
    ratio_form: bool, n_used: float, n_idle: float, cores_used: float, mwh: float, num: Array, real: Array
) -> float:
    """Return how well the energy of an hour was used.

    `tanh(5 (r - 0.7))`, r the core-hours per MWh over those of a machine with all cores in use; in the earlier form,
    the share of the used nodes in the power. 0 where no node is on: that is the blackout's.
    """
    if n_used + n_idle == 0.0:
        return 0.0
    if ratio_form:
        return n_used * real[c.USED_W] / (n_used * real[c.USED_W] + n_idle * real[c.IDLE_W])
    best = num[c.CORES] / (real[c.USED_W] * 1e-6)
    return math.tanh(5.0 * (cores_used / mwh / best - 0.7))


@bare(inlined)
def blackout_part(n_on: float, cores_used: float, waiting: float) -> float:
    """Return the part of an hour in which nothing runs: 1 for a dark machine without work, else a penalty.

    A machine that has nodes on and runs nothing while jobs wait is as dark as one that is off. The penalty is
    `exp(-2 q / 10) - 1` for q waiting jobs.
    """
    if cores_used > 0.0:
        return 0.0
    if waiting > 0.0:
        return math.exp(-2.0 * waiting / 10.0) - 1.0
    return 1.0 if n_on == 0.0 else 0.0


@bare(inlined)
def price_part(
    ratio_form: bool, price: float, context: float, cores_used: float, launched: float, num: Array, real: Array
) -> float:
    """Return how well the hour was chosen: positive where the price is below its surroundings.

    `tanh(4 a (1 - exp(-n / 40)))`, a the distance of the price below the mean of the last and the next 24 hours over
    its usual range, n the cores in use in nodes; below 0 EUR, 2.5 x that, within 0.35 (1 - exp(-n / 40)) and 1.5. In
    the earlier form a x the jobs launched / 1500, within [-1, 1].
    """
    advantage = (context - price) / max(real[c.PRICE_HIGH] - real[c.PRICE_LOW], _SMALLEST)
    if ratio_form:
        return min(1.0, max(-1.0, advantage * launched / 1500.0))
    share = 1.0 - math.exp(-cores_used / num[c.CORES] / _EQUIVALENT_NODES)
    part = math.tanh(4.0 * advantage * share)
    if price < 0.0 and cores_used > 0.0:
        return min(_MOST, max(_FLOOR * share, _OVERDRIVE * part))
    return part


@bare(inlined)
def age_part(ratio_form: bool, oldest_h: float, n_off: float) -> float:
    """Return the part of the oldest waiting job: after a day of grace `exp(-age / 168 h) - 1`.

    In the earlier form without grace, over 84 h. 0 while all nodes are on: no decision could help it then.
    """
    if n_off == 0.0:
        return 0.0
    if ratio_form:
        return math.exp(-oldest_h / _FIRST_TAU_H) - 1.0
    return math.exp(-max(0.0, oldest_h - _GRACE_H) / _TAU_H) - 1.0


@bare(inlined)
def drop_part(ratio_form: bool, lost: float) -> float:
    """Return the part of jobs lost: `-tanh(n / 20)`, in the earlier form -5 n."""
    if ratio_form:
        return -5.0 * lost
    return -math.tanh(lost / 20.0)


@bare(jitted)
def hour_parts(num: Array, real: Array, h: Array, parts: Array) -> None:
    """Write the parts of one hour but `unfinished`, not weighted.

    Args:
        num: whole numbers of the task.
        real: watts and scales of the task.
        h: the hour, columns of `HOURLY`.
        parts: float64, in the order of `PARTS`.
    """
    first, waiting = num[c.RATIO] != 0, h[c.H_QUEUE] + h[c.H_BACKLOG]
    parts[:] = 0.0
    parts[0] = efficiency_part(first, h[c.H_USED], h[c.H_IDLE] + h[c.H_BOOTING], h[c.H_CORES], h[c.H_MWH], num, real)
    parts[1] = price_part(first, h[c.H_PRICE], h[c.H_CONTEXT], h[c.H_CORES], h[c.H_LAUNCHED], num, real)
    parts[2] = -(h[c.H_IDLE] + h[c.H_BOOTING]) / num[c.NODES]
    parts[3] = age_part(first, h[c.H_OLDEST], num[c.NODES] - h[c.H_ON])
    parts[4] = drop_part(first, h[c.H_LOST_FULL] + h[c.H_LOST_AGE])
    parts[5] = blackout_part(h[c.H_ON] + h[c.H_BOOTING], h[c.H_CORES], waiting)
    parts[7] = -h[c.H_COST] / (num[c.NODES] * real[c.USED_W] * 1e-6 * real[c.PRICE_SCALE])
    parts[8] = -min(1.0, h[c.H_WANTED] / (num[c.NODES] * num[c.CORES]))
