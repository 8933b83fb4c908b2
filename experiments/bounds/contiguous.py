"""The contiguous bound: each job runs once, in one piece and one power state; an exact program over start dates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattq.errors import InvalidInputError, UnsupportedError
from wattq.experiments.accounting.meters import Tariff
from wattq.experiments.bounds.bound import ROUNDING_S, Bound, servable
from wattq.experiments.bounds.machine import Machine, machine_of
from wattq.experiments.bounds.prices import Prices, prices_of
from wattq.experiments.bounds.work import Work
from wattq.platforms.model import Platform

__all__ = ["contiguous_bound"]

_HOUR_S = 3600.0


def contiguous_bound(
    work: Work,
    platform: Platform,
    *,
    horizon_s: float,
    measure: str = "energy_j",
    tariff: Tariff | None = None,
    start_s: float = 0.0,
    step_s: float = _HOUR_S,
    more_starts_s: NDArray[np.float64] | None = None,
    time_limit_s: float = 60.0,
    most_choices: int = 50_000,
) -> Bound:
    """Return a lower bound of a measure for all schedules in one piece that start jobs on a grid.

    A job starts at its submission, at a multiple of the step or at one of the dates given, runs to its end on its hosts
    in one power state, and no more hosts work than there are at any date; hosts that do not work rest as in
    `liquid_bound`. Within these rules the bound is exact (``reached`` is a schedule's value and equals it) once the
    program is solved; when time runs out it is the best that was proven, and ``gap`` says how far from the best
    schedule found. It holds for policies that start jobs at other dates only as far as the grid is fine;
    `liquid_bound` holds for all.

    Args:
        work: the jobs.
        platform: equal hosts with their powers.
        horizon_s: end of the interval that is counted, s; all jobs end by then.
        measure: ``energy_j``, ``facility_j``, ``carbon_g`` or ``cost``.
        tariff: signals, PUE and the date of the simulation's time 0.
        start_s: begin of the interval, s.
        step_s: step of the start dates, s.
        more_starts_s: further dates at which any job may start, such as the starts of a run, whose schedule is among
            those that are tried then.
        time_limit_s: time for the solver, s.
        most_choices: largest number of (job, start, power state) that is tried.

    Raises:
        InvalidInputError: a value out of range, or jobs that do not fit between their dates.
        SignalError: a signal does not cover the interval.
        UnsupportedError: more choices than allowed, nothing proven in the time given, or the hosts differ.
        PlatformError: the platform states no powers.
    """
    machine = machine_of(platform)
    prices = prices_of(tariff or Tariff(), measure, machine, start_s, horizon_s, step_s)
    jobs, unserved = servable(work, machine, start_s, horizon_s)
    more = np.zeros(0) if more_starts_s is None else np.asarray(more_starts_s, dtype=np.float64)
    choices = _choices(jobs, machine, prices, np.union1d(prices.edge_s, more[more >= start_s]), most_choices)
    resting = machine.n_hosts * float(prices.rest.total[-1])
    above, proven, picked = _chosen(choices, jobs, machine, time_limit_s)
    hosts = jobs.hosts[choices.job[picked]]
    displaced = float(hosts @ prices.rest.between(choices.start_s[picked], choices.end_s[picked]))
    found = len(picked) == jobs.n_jobs
    return Bound(
        kind="contiguous",
        measure=measure,
        value=resting + proven,
        reached=resting + above if found else None,
        exact=found and proven == above,
        parts={"computing": above + displaced, "resting": resting - displaced} if found else {},
        host_s=jobs.host_s,
        served=jobs.key,
        unserved=unserved,
        start_s=start_s,
        horizon_s=horizon_s,
        step_s=step_s,
        start_dates_s=choices.start_s[picked] if found else np.zeros(0),
        power_state=choices.state[picked] if found else np.zeros(0, dtype=np.int64),
    )


@dataclass(frozen=True)
class _Choices:
    """Every start of every job in every power state; arrays by choice, jobs in order."""

    job: NDArray[np.int64]
    state: NDArray[np.int64]
    start_s: NDArray[np.float64]
    end_s: NDArray[np.float64]
    price: NDArray[np.float64]


def _choices(work: Work, machine: Machine, prices: Prices, dates_s: NDArray[np.float64], most: int) -> _Choices:
    begin, horizon = float(prices.edge_s[0]), float(prices.edge_s[-1])
    parts: list[tuple[NDArray[Any], ...]] = []
    count = 0
    for job in range(work.n_jobs):
        for state, (time, power) in enumerate(_ways(work, machine, job)):
            lasts = float(work.run_s[job]) * time
            first = max(float(work.submit_s[job]), begin)
            last = min(float(work.latest_start_s[job]), horizon - lasts) + ROUNDING_S
            later = dates_s[(dates_s > first) & (dates_s <= last)]
            start = np.concatenate([[first] if first <= last else [], later])
            count += len(start)
            if count > most:
                raise UnsupportedError(
                    f"contiguous bound: more than {most:,} choices of start and power state ({work.n_jobs:,} jobs); "
                    "take fewer jobs, a coarser step or earlier last dates to start, or the liquid bound"
                )
            price = float(work.hosts[job]) * prices.of_power(power, start, start + lasts)
            ids = (np.full(len(start), job), np.full(len(start), state))
            parts.append((*ids, start, start + lasts, price))
    if not parts:
        return _Choices(*(np.zeros(0, dtype=kind) for kind in (np.int64, np.int64, float, float, float)))
    return _Choices(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _ways(work: Work, machine: Machine, job: int) -> list[tuple[float, float]]:
    """Return (time over that in state 0, power) of a job by power state."""
    if work.loaded[job]:
        return list(zip(machine.stretch(work.beta[job]).tolist(), machine.loaded_w.tolist(), strict=True))
    return [(1.0, float(power)) for power in machine.idle_w]


def _chosen(
    choices: _Choices, work: Work, machine: Machine, time_limit_s: float
) -> tuple[float, float, NDArray[np.int64]]:
    """Return the value of the best schedule, the proven bound (both above resting), and the choices of the schedule."""
    if not work.n_jobs:
        return 0.0, 0.0, np.zeros(0, dtype=np.int64)
    scale = float(np.abs(choices.price).max()) or 1.0
    result = _solve(choices, work, machine, scale, time_limit_s)
    if result.status == 2:
        raise InvalidInputError(
            f"the jobs do not fit on {machine.n_hosts} hosts between their dates; give a later horizon, later last "
            "dates to start, or a finer step"
        )
    proven = result.mip_dual_bound
    if result.status not in (0, 1) or proven is None or not np.isfinite(proven):
        raise UnsupportedError(
            f"contiguous bound: nothing proven within {time_limit_s:g} s ({result.message}); give more time, fewer "
            "jobs or a coarser step, or take the liquid bound"
        )
    if result.x is None:
        return float("nan"), float(proven) * scale, np.zeros(0, dtype=np.int64)
    picked = np.flatnonzero(result.x > 0.5)
    above = float(choices.price[picked].sum())
    return above, above if result.status == 0 else min(float(proven) * scale, above), picked


def _solve(choices: _Choices, work: Work, machine: Machine, scale: float, time_limit_s: float) -> Any:
    """Choose one start and state for each job, with no more hosts at work than there are at any start."""
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csr_array

    n = len(choices.job)
    once = csr_array((np.ones(n), (choices.job, np.arange(n))), shape=(work.n_jobs, n))
    rows, columns = _overlaps(choices)
    dates = int(rows.max()) + 1
    hosts = work.hosts[choices.job].astype(np.float64)
    busy = csr_array((hosts[columns], (rows, columns)), shape=(dates, n))
    return milp(
        choices.price / scale,
        integrality=np.ones(n),
        bounds=Bounds(0, 1),
        constraints=[LinearConstraint(once, 1, 1), LinearConstraint(busy, -np.inf, machine.n_hosts)],
        options={"time_limit": time_limit_s, "mip_rel_gap": 1e-9},
    )


def _overlaps(choices: _Choices) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the pairs (date of a start, choice) where the choice is at work at that date."""
    dates = np.unique(choices.start_s)
    first = np.searchsorted(dates, choices.start_s)
    last = np.searchsorted(dates, choices.end_s - ROUNDING_S)
    last = np.maximum(last, first + 1)
    lengths = last - first
    columns = np.repeat(np.arange(len(first)), lengths)
    rows = np.arange(len(columns)) - np.repeat(np.cumsum(lengths) - lengths, lengths) + np.repeat(first, lengths)
    return rows.astype(np.int64), columns.astype(np.int64)
