"""The liquid bound: work that flows to the best hours, on any hosts, in any pieces."""

from __future__ import annotations

import numpy as np

from wattq.experiments.accounting.meters import Tariff
from wattq.experiments.bounds.bound import Bound, servable
from wattq.experiments.bounds.classes import classes_of
from wattq.experiments.bounds.flow import flow
from wattq.experiments.bounds.machine import machine_of
from wattq.experiments.bounds.prices import prices_of
from wattq.experiments.bounds.work import Work
from wattq.platforms.model import Platform

__all__ = ["liquid_bound"]

_HOUR_S = 3600.0


def liquid_bound(
    work: Work,
    platform: Platform,
    *,
    horizon_s: float,
    measure: str = "energy_j",
    tariff: Tariff | None = None,
    start_s: float = 0.0,
    step_s: float = _HOUR_S,
) -> Bound:
    """Return a lower bound of a measure for all schedules, preemptive or moving ones included.

    Relaxed is: work is divisible and may run in pieces on any hosts in any mix of power states; hosts that do not work
    rest at the least power that any state has, and switch at once and for free. Kept is: no more hosts work than there
    are; no job is ahead of what its hosts could have done since its submission, nor behind its last date to start, by
    sums over classes of jobs at the edges of the grid. Within a step work takes the least price of the step, so that a
    grid coarser than the signals' own gives a lower bound that is less sharp.

    One class of work (one sensitivity, all to be put off alike: by a step, for longer, at will) is solved by filling
    the cheapest hours first; several classes exactly by a linear program where it is small, else by prices on the hosts
    that are improved in rounds, which is a bound at any round (``exact`` is False then).

    Args:
        work: the jobs.
        platform: equal hosts with their powers.
        horizon_s: end of the interval that is counted, s; all work is done by then.
        measure: ``energy_j``, ``facility_j``, ``carbon_g`` or ``cost``.
        tariff: signals, PUE and the date of the simulation's time 0.
        start_s: begin of the interval, s.
        step_s: step of the grid, s.

    Returns:
        The bound; jobs that no schedule can serve are listed in it, and not counted.

    Raises:
        InvalidInputError: a value out of range, or work that does not fit between its dates.
        SignalError: a signal does not cover the interval.
        UnsupportedError: the hosts differ.
        PlatformError: the platform states no powers.
    """
    machine = machine_of(platform)
    prices = prices_of(tariff or Tariff(), measure, machine, start_s, horizon_s, step_s)
    jobs, unserved = servable(work, machine, start_s, horizon_s)
    found = flow(classes_of(jobs, machine, prices.edge_s), machine, prices)
    resting = machine.n_hosts * float(prices.rest.total[-1])
    displaced = float(found.host_s @ (np.diff(prices.rest(prices.edge_s)) / np.diff(prices.edge_s)))
    return Bound(
        kind="liquid",
        measure=measure,
        value=resting + found.price,
        reached=None,
        exact=found.exact,
        parts={"computing": found.price + displaced, "resting": resting - displaced},
        host_s=jobs.host_s,
        served=jobs.key,
        unserved=unserved,
        start_s=start_s,
        horizon_s=horizon_s,
        step_s=step_s,
        start_dates_s=np.zeros(0),
        power_state=np.zeros(0, dtype=np.int64),
    )
