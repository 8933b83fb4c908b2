"""Lower bounds of the cost of an hourly workload: as a fluid, and in one piece per job."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattq.errors import InvalidInputError
from wattq.experiments.bounds.filling import fill

__all__ = ["HourlyWork", "Machine", "Oracle", "contiguous_oracle", "liquid_oracle"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_LEFT = 1e-9
_ROUNDS = 60
_STRIDE = 0.08


@dataclass(frozen=True)
class Machine:
    """Equal nodes whose draw is affine in the cores at work; a node without a core at work may be off, at 0 W.

    Attributes:
        nodes: how many there are.
        cores: cores of each.
        idle_mw: draw of a node that is on and does nothing, MW.
        used_mw: draw of a node with every core at work, MW.
    """

    nodes: int = 335
    cores: int = 96
    idle_mw: float = 150e-6
    used_mw: float = 450e-6

    @property
    def capacity(self) -> float:
        """Core-hours in an hour."""
        return float(self.nodes * self.cores)


@dataclass(frozen=True)
class HourlyWork:
    """Jobs by the hour; arrays of one entry per job.

    Attributes:
        arrival_h: hour of arrival; the job may start in that hour.
        duration_h: hours that it runs, in one go.
        cores: cores that it takes on all of its nodes together.
        max_wait_h: hours that a job may wait at most before it starts.

    Raises:
        InvalidInputError: arrays of different length, or a value out of range.
    """

    arrival_h: Ints
    duration_h: Ints
    cores: Ints
    max_wait_h: int = 336

    def __post_init__(self) -> None:
        if not len(self.arrival_h) == len(self.duration_h) == len(self.cores):
            raise InvalidInputError("hourly work: columns of different length; give one value for each job")
        for name, least in (("arrival_h", 0), ("duration_h", 1), ("cores", 1)):
            column = getattr(self, name)
            if len(column) and int(column.min()) < least:
                raise InvalidInputError(f"hourly work: {name} {int(column.min())}; it must be at least {least}")
        if self.max_wait_h < 0:
            raise InvalidInputError(f"hourly work: max_wait_h {self.max_wait_h}; it must be at least 0")

    @property
    def core_h(self) -> float:
        """Core-hours of all jobs."""
        return float(self.cores @ self.duration_h)

    def take(self, rows: NDArray[np.bool_] | Ints) -> HourlyWork:
        """Return some of the jobs."""
        return HourlyWork(self.arrival_h[rows], self.duration_h[rows], self.cores[rows], self.max_wait_h)


@dataclass(frozen=True)
class Oracle:
    """What no schedule of the served jobs can cost less than.

    Attributes:
        kind: ``liquid`` or ``contiguous``.
        value: the bound, in the currency of the prices.
        served: rows of the jobs that it counts.
        unserved: rows of the jobs that fit nowhere before the horizon, whatever the schedule.
        served_core_h: core-hours that it counts.
        unserved_core_h: core-hours that it does not.
        used_cores: cores at work by hour behind the bound (of its relaxation), length of the horizon.
        schedule_cost: cost of the schedule that was found for the jobs in one piece, above the bound as a rule; NaN
            for the liquid bound, where none was asked for, and where the greedy search found no place for a job. Nodes
            are one pool of cores in it: it is an orientation, no bound.
    """

    kind: str
    value: float
    served: Ints
    unserved: Ints
    served_core_h: float
    unserved_core_h: float
    used_cores: Floats
    schedule_cost: float = float("nan")


def liquid_oracle(work: HourlyWork, price: Floats, machine: Machine = Machine()) -> Oracle:
    """Return the least cost of the work as a fluid: core-hours fill the cheapest hours up to the capacity.

    Relaxed is: jobs may run in pieces, on any cores of any nodes, which are on only as far as they are full. Kept is,
    summed over the jobs: what ran by an hour is no more than could have since the arrivals, and no less than must have
    for the longest wait and for the horizon, which is the end of ``price``. In hours of negative prices every node is
    on. Exact under these rules.

    Args:
        work: the jobs.
        price: price of each hour, currency per MWh; its length is the horizon in hours.
        machine: the nodes.

    Raises:
        InvalidInputError: prices that are not finite, or work that does not fit before the horizon.
    """
    price = _prices(price)
    rows, without = _fitting(work, machine, len(price))
    jobs = work.take(rows)
    least, most = _allowed(jobs, len(price))
    unit = _core_price(price, machine)
    room = np.full(len(price), machine.capacity)
    value, used, left = fill(np.ones(1), unit[None, :], room, least, most)
    if left > _LEFT * max(jobs.core_h, 1.0):
        raise InvalidInputError(
            f"{left:,.0f} core-hours do not fit on {machine.nodes} nodes within {len(price)} hours; give more hours"
        )
    total = value + _standing(price, machine)
    return Oracle("liquid", total, rows, without, jobs.core_h, work.core_h - jobs.core_h, used)


def contiguous_oracle(
    work: HourlyWork, price: Floats, machine: Machine = Machine(), *, schedule: bool = True
) -> Oracle:
    """Return a lower bound of the cost of the work where each job runs once, without a break.

    A real bound, proven by Lagrangian relaxation: jobs, each of which takes its cheapest start, pay a price on cores
    that is never negative, and it is paid out for the whole capacity. Prices follow the demand that is too much or too
    little by smaller and smaller steps; the best of all rounds and of the liquid bound, which holds for jobs in one
    piece too, is returned, so that it is never below `liquid_oracle`. Nodes count as one pool of cores.

    Args:
        work: the jobs.
        price: price of each hour, currency per MWh; its length is the horizon in hours.
        machine: the nodes.
        schedule: also search for a schedule, whose cost shows how far the bound may be from what is possible.

    Raises:
        InvalidInputError: as `liquid_oracle`.
    """
    price = _prices(price)
    liquid = liquid_oracle(work, price, machine)
    jobs = work.take(liquid.served)
    unit, standing = _core_price(price, machine), _standing(price, machine)
    best, used = liquid.value, liquid.used_cores
    extra, stride = np.zeros(len(price)), _STRIDE * float(np.abs(unit).max(initial=0.0))
    for turn in range(_ROUNDS):
        start, paid = _cheapest(jobs, unit + extra)
        demand = _demand(jobs, start, len(price))
        value = paid - float(extra.sum()) * machine.capacity + standing
        if value > best:
            best, used = value, demand
        excess = demand / machine.capacity - 1.0
        if not (excess > 0.0).any() and not extra.any():
            break
        extra = np.maximum(extra + stride / (1.0 + turn / 3.0) * excess, 0.0)
    found = _greedy(jobs, unit, extra, machine) if schedule else float("nan")
    return Oracle(
        "contiguous",
        best,
        liquid.served,
        liquid.unserved,
        liquid.served_core_h,
        liquid.unserved_core_h,
        used,
        found + standing,
    )


def _prices(price: Floats) -> Floats:
    values = np.asarray(price, dtype=np.float64)
    if values.ndim != 1 or not len(values) or not np.isfinite(values).all():
        raise InvalidInputError("prices of an oracle: give at least one hour, and finite numbers only")
    return values


def _core_price(price: Floats, machine: Machine) -> Floats:
    """Return what a core-hour costs at least: its share of a full node; of what load adds where idling earns."""
    share = np.where(price >= 0.0, machine.used_mw, machine.used_mw - machine.idle_mw) / machine.cores
    found: Floats = price * share
    return found


def _standing(price: Floats, machine: Machine) -> float:
    """Return what nodes that are all on in the hours of negative prices cost: nothing or less."""
    return float(np.minimum(price, 0.0).sum()) * machine.nodes * machine.idle_mw


def _fitting(work: HourlyWork, machine: Machine, horizon: int) -> tuple[Ints, Ints]:
    fits = (work.arrival_h + work.duration_h <= horizon) & (work.cores <= machine.capacity)
    return np.flatnonzero(fits), np.flatnonzero(~fits)


def _allowed(jobs: HourlyWork, horizon: int) -> tuple[Floats, Floats]:
    """Return core-hours that must and that can have run by each edge of the hours, length horizon + 1."""
    latest = np.minimum(jobs.arrival_h + jobs.max_wait_h, horizon - jobs.duration_h)
    return (
        _ramps(latest, jobs.duration_h, jobs.cores, horizon),
        _ramps(jobs.arrival_h, jobs.duration_h, jobs.cores, horizon),
    )


def _ramps(start: Ints, duration: Ints, cores: Ints, horizon: int) -> Floats:
    rate = np.zeros(horizon + 1)
    np.add.at(rate, start, cores.astype(np.float64))
    np.add.at(rate, start + duration, -cores.astype(np.float64))
    done: Floats = np.concatenate([[0.0], np.cumsum(np.cumsum(rate)[:-1])])
    return done


def _cheapest(jobs: HourlyWork, unit: Floats) -> tuple[Ints, float]:
    """Return the start of each job at the least sum of hourly prices, the earliest of equals, and the sum paid."""
    start = np.zeros(len(jobs.cores), dtype=np.int64)
    upto = np.concatenate([[0.0], np.cumsum(unit)])
    paid = 0.0
    for duration in np.unique(jobs.duration_h):
        rows = np.flatnonzero(jobs.duration_h == duration)
        whole = upto[duration:] - upto[:-duration]
        least, place = _least_ahead(whole, jobs.max_wait_h)
        start[rows] = place[jobs.arrival_h[rows]]
        paid += float(jobs.cores[rows] @ least[jobs.arrival_h[rows]])
    return start, paid


def _least_ahead(values: Floats, ahead: int) -> tuple[Floats, Ints]:
    """Return the least of each value and the ``ahead`` ones that follow, and its place, by doubling."""
    n, width = len(values), min(ahead, len(values) - 1) + 1
    best, place, size = values.copy(), np.arange(n), 1
    while size < width:
        step = min(size, width - size)
        other, there = best[step:], place[step:]
        better = other < best[: n - step]
        best = np.concatenate([np.where(better, other, best[: n - step]), best[n - step :]])
        place = np.concatenate([np.where(better, there, place[: n - step]), place[n - step :]])
        size += step
    return best, place


def _demand(jobs: HourlyWork, start: Ints, horizon: int) -> Floats:
    change = np.zeros(horizon + 1)
    np.add.at(change, start, jobs.cores.astype(np.float64))
    np.add.at(change, start + jobs.duration_h, -jobs.cores.astype(np.float64))
    demand: Floats = np.cumsum(change)[:-1]
    return demand


def _greedy(jobs: HourlyWork, unit: Floats, extra: Floats, machine: Machine) -> float:
    """Return the cost of a schedule: the most core-hours first, each at its cheapest start with cores free, or NaN."""
    free = np.full(len(unit), machine.capacity)
    paid, price = 0.0, unit + extra
    upto, shown = np.concatenate([[0.0], np.cumsum(unit)]), np.concatenate([[0.0], np.cumsum(price)])
    for job in np.argsort(-(jobs.cores * jobs.duration_h), kind="stable"):
        duration, arrival = int(jobs.duration_h[job]), int(jobs.arrival_h[job])
        last = min(arrival + jobs.max_wait_h, len(unit) - duration)
        starts = np.arange(arrival, last + 1)
        full = np.concatenate([[0], np.cumsum(free < jobs.cores[job])])
        starts = starts[full[starts + duration] == full[starts]]
        if not len(starts):
            return float("nan")
        best = int(starts[np.argmin(shown[starts + duration] - shown[starts])])
        free[best : best + duration] -= jobs.cores[job]
        paid += float(jobs.cores[job]) * float(upto[best + duration] - upto[best])
    return paid
