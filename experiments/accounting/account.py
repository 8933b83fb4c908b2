"""Energy, cost and carbon of a run: exact integrals of its power against the signals of the grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import fsum

import numpy as np
from numpy.typing import NDArray

from wattq.errors import InvalidInputError
from wattq.experiments.accounting.attribution import Counted, count_jobs, count_overhead, share_running, share_work
from wattq.experiments.accounting.history import OVERHEAD, PARTS, PowerHistory, reconstruct
from wattq.experiments.accounting.meters import MEASURES, Tariff
from wattq.experiments.results import RunResults
from wattq.platforms.estimate import Amounts
from wattq.platforms.model import Platform
from wattq.platforms.signals import Signal

__all__ = ["Account", "Amounts", "JobAmounts", "account", "account_history", "account_week"]


@dataclass(frozen=True)
class JobAmounts:
    """What each job of ``jobs.csv`` is charged, in file order; arrays by measure (`MEASURES`).

    Attributes:
        key: full ids.
        user, queue: -1 where the run does not say.
        computing: what the hosts of the job drew while it ran.
        overhead: its share of idle, sleeping and switching.
        idle_share_j: part of ``computing`` that the hosts would have drawn without the job, J.
    """

    key: tuple[str, ...]
    user: NDArray[np.int64]
    queue: NDArray[np.int64]
    computing: Mapping[str, NDArray[np.float64]]
    overhead: Mapping[str, NDArray[np.float64]]
    idle_share_j: NDArray[np.float64]


@dataclass(frozen=True)
class Account:
    """Energy, carbon and cost of a run or a part of it.

    Attributes:
        total: everything; the sum of the parts, and of all jobs and what is unattributed.
        parts: by what power was drawn for, as in `PARTS`.
        jobs: by job.
        unattributed: overhead that belongs to no job, because none computed.
        start_s, end_s: interval of the run's time that is counted.
        window: the window that was asked for; the counted interval where there was none.
        tariff: signals, PUE and date of origin.
        history: power over time that was integrated.
        scope: which jobs count: ``running`` (what is drawn in the interval) or ``submitted`` (see `account_week`).
        notes: what had to be assumed.
    """

    total: Amounts
    parts: Mapping[str, Amounts]
    jobs: JobAmounts
    unattributed: Amounts
    start_s: float
    end_s: float
    window: tuple[float, float]
    tariff: Tariff
    history: PowerHistory
    scope: str
    notes: tuple[str, ...]

    @property
    def currency(self) -> str:
        """Currency code of costs; empty without a price."""
        return self.tariff.currency


def account(
    run: RunResults,
    platform: Platform,
    *,
    carbon: Signal | None = None,
    price: Signal | None = None,
    pue: Signal | float = 1.0,
    origin_s: float = 0.0,
    window: tuple[float, float] | None = None,
    horizon_s: float | None = None,
) -> Account:
    """Account for a run: energy, and carbon and cost where their signals are given.

    Args:
        run: results of wattq or of the real Batsim.
        platform: the machine that it ran on.
        carbon: carbon intensity, g/kWh.
        price: price, currency/MWh; may be negative.
        pue: facility over machine power, a number or a signal.
        origin_s: Unix seconds of the run's date 0.
        window: count only what is drawn in [t0, t1) of the run's time, s; nothing is drawn before date 0, nor after
            the end of the run or the horizon.
        horizon_s: date to which the machine goes on as it ended, so that runs are compared over the same time.

    Raises:
        SignalError: a signal does not cover what is counted, or is of another quantity.
        InvalidInputError: an empty window, a horizon before the end, or files that contradict each other.
        PlatformError: the platform states no powers.
    """
    tariff = Tariff(carbon, price, pue, origin_s)
    return account_history(reconstruct(run, platform), tariff, window=window, horizon_s=horizon_s)


def account_history(
    history: PowerHistory,
    tariff: Tariff | None = None,
    *,
    window: tuple[float, float] | None = None,
    horizon_s: float | None = None,
) -> Account:
    """Account for a power history, as `account` does for a run; reconstruct once to account for many windows."""
    tariff = tariff or Tariff()
    start, end = _interval(history, window, horizon_s)
    meters = tariff.meters(start, end)
    drawn, idle_share = count_jobs(history, meters, start, end)
    counted = {
        name: share_running(history, count_overhead(history, meter, start, end), drawn["energy_j"])
        for name, meter in meters.items()
    }
    return _account(history, tariff, drawn, idle_share, counted, (start, end), window)


def account_week(
    history: PowerHistory, tariff: Tariff | None, window: tuple[float, float], *, horizon_s: float | None = None
) -> Account:
    """Account for the jobs submitted in [t0, t1), whenever they run, and the machine's overhead in [t0, t1).

    A job is charged all that its hosts draw while it runs, also after t1. Idle, sleeping and switching power of the
    interval is shared among these jobs by the energy that they compute with. Consecutive windows from date 0 (or
    before) to the end of the run (or the horizon) add up to the account of the whole run.

    Raises:
        SignalError: a signal does not cover the window and the time in which its jobs run.
        InvalidInputError: as `account`.
    """
    tariff = tariff or Tariff()
    start, end = _interval(history, window, horizon_s)
    submit = history.run.jobs.submit_s
    chosen = (submit >= window[0]) & (submit < window[1])
    pieces = history.jobs
    mine = chosen[pieces.job]
    first = min(start, float(np.min(pieces.start_s[mine], initial=np.inf)))
    last = max(end, float(np.max(pieces.end_s[mine], initial=-np.inf)))
    everything, idle_share = count_jobs(history, tariff.meters(first, last), first, last)
    drawn = {name: np.where(chosen, values, 0.0) for name, values in everything.items()}
    counted = {
        name: share_work(count_overhead(history, meter, start, end), drawn["energy_j"])
        for name, meter in tariff.meters(start, end).items()
    }
    return _account(
        history, tariff, drawn, np.where(chosen, idle_share, 0.0), counted, (start, end), window, "submitted"
    )


def _interval(
    history: PowerHistory, window: tuple[float, float] | None, horizon_s: float | None
) -> tuple[float, float]:
    """Return the part of the window in which power is known."""
    end = history.end_s
    if horizon_s is not None:
        if not end <= horizon_s < np.inf:
            raise InvalidInputError(
                f"{history.run.directory}: the horizon {horizon_s:g} s is before the end of the run, {end:g} s; give a "
                "later one"
            )
        end = horizon_s
    if window is None:
        return 0.0, end
    if not window[0] < window[1]:
        raise InvalidInputError(f"window {window[0]:g} to {window[1]:g} s: is empty; it must end after it begins")
    return min(max(window[0], 0.0), end), max(min(window[1], end), 0.0)


def _account(
    history: PowerHistory,
    tariff: Tariff,
    drawn: Mapping[str, NDArray[np.float64]],
    idle_share: NDArray[np.float64],
    counted: Mapping[str, Counted],
    interval: tuple[float, float],
    window: tuple[float, float] | None,
    scope: str = "running",
) -> Account:
    sums = {"computing": {name: fsum(values) for name, values in drawn.items()}}
    for row, part in enumerate(OVERHEAD):
        sums[part] = {name: float(found.parts[row]) for name, found in counted.items()}
    parts = {part: _amounts(sums[part]) for part in PARTS}
    total = _amounts({name: fsum(sums[part][name] for part in PARTS) for name in drawn})
    user, queue = _owners(history.run)
    overhead = {name: found.jobs for name, found in counted.items()}
    jobs = JobAmounts(history.run.jobs.key, user, queue, drawn, overhead, idle_share)
    left = _amounts({name: found.left for name, found in counted.items()})
    return Account(total, parts, jobs, left, *interval, window or interval, tariff, history, scope, history.notes)


def _amounts(values: Mapping[str, float]) -> Amounts:
    return Amounts(**{name: values[name] for name in MEASURES if name in values})


def _owners(run: RunResults) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return user and queue of each row of ``jobs.csv``; -1 where the run does not say."""
    n = len(run.jobs)
    if run.submitted is None:
        return np.full(n, -1), np.full(n, -1)
    place = {key: row for row, key in enumerate(run.submitted.key)}
    rows = np.array([place.get(key, -1) for key in run.jobs.key], dtype=np.int64)
    known = rows >= 0
    return (
        np.where(known, run.submitted.user[rows] if len(place) else -1, -1),
        np.where(known, run.submitted.queue[rows] if len(place) else -1, -1),
    )
