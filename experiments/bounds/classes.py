"""Work in aggregate: classes of jobs that are alike in what a second of a host does for them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattq.experiments.bounds.machine import Machine
from wattq.experiments.bounds.work import Work

__all__ = ["WorkClass", "classes_of"]

_MOST_BETAS = 8
"""Sensitivities to tell apart; more are put together, each group with the shortest time that one of them has."""


@dataclass(frozen=True)
class WorkClass:
    """Jobs in aggregate; work is in host-seconds in power state 0.

    Attributes:
        host_s: work of all.
        options: (host-seconds for one of work, power in W) of each way to do it.
        mixed: whether the times are the shortest of several sensitivities.
        most: work that can be done by each edge of the grid: a job runs on its hosts from its submission on.
        least: work that must be done by each edge: a job that starts at the last date has to end in time.
    """

    host_s: float
    options: tuple[tuple[float, float], ...]
    mixed: bool
    most: NDArray[np.float64]
    least: NDArray[np.float64]


def classes_of(work: Work, machine: Machine, edge_s: NDArray[np.float64]) -> list[WorkClass]:
    """Return the work by class: delays, and loaded jobs by sensitivity, each by how long jobs may be put off.

    That is for no more than a mean step of the grid, for longer, or at will.
    """
    found = []
    slack = work.latest_start_s - work.submit_s
    limited = np.isfinite(slack)
    short = slack <= (edge_s[-1] - edge_s[0]) / (len(edge_s) - 1)
    for some in (short, limited & ~short, ~limited & ~short):
        delays = work.take(some & ~work.loaded)
        if delays.host_s > 0.0:
            options = tuple((1.0, float(power)) for power in machine.idle_w)
            found.append(_class(delays, np.ones((delays.n_jobs, 1)), options, edge_s))
        jobs = work.take(some & work.loaded)
        for rows in _by_beta(jobs.beta):
            part = jobs.take(rows)
            if part.host_s > 0.0:
                times = machine.stretch(part.beta)
                options = tuple(zip(times.min(axis=0).tolist(), machine.loaded_w.tolist(), strict=True))
                found.append(_class(part, times, options, edge_s))
    return found


def _by_beta(beta: NDArray[np.float64]) -> list[NDArray[np.bool_]]:
    """Return the jobs of each sensitivity, or of each of a few ranges of them."""
    values = np.unique(beta)
    if len(values) <= _MOST_BETAS:
        return [beta == value for value in values]
    group = np.minimum((beta * _MOST_BETAS).astype(np.int64), _MOST_BETAS - 1)
    return [group == number for number in np.unique(group)]


def _class(
    work: Work, times: NDArray[np.float64], options: tuple[tuple[float, float], ...], edge_s: NDArray[np.float64]
) -> WorkClass:
    fastest, slowest = times.min(axis=1), times.max(axis=1)
    pace = work.hosts / fastest
    lasts = work.run_s * fastest
    total = work.host_s
    begin = np.maximum(work.submit_s, edge_s[0])
    most = _ramps(begin, begin + lasts, pace, edge_s)
    due = work.latest_start_s + work.run_s * slowest
    some = np.isfinite(due)
    least = _ramps((due - lasts)[some], due[some], pace[some], edge_s)
    return WorkClass(
        total,
        options,
        bool(np.ptp(times, axis=0).max(initial=0.0) > 0.0),
        # Sums over many ramps are good to some digits only, and must not forbid what is possible.
        np.minimum(most * (1.0 + 1e-9) + 1e-9 * total, total),
        np.clip(least * (1.0 - 1e-9) - 1e-9 * total, 0.0, total),
    )


def _ramps(
    start_s: NDArray[np.float64], end_s: NDArray[np.float64], pace: NDArray[np.float64], at_s: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the sum of ramps that rise by a pace from a start to an end, at some dates."""
    dates = np.concatenate([start_s, end_s])
    slope = np.concatenate([pace, -pace])
    order = np.argsort(dates, kind="stable")
    dates, slope = dates[order], np.cumsum(slope[order])
    if not len(dates):
        return np.zeros(len(at_s))
    height = np.concatenate([[0.0], np.cumsum(slope[:-1] * np.diff(dates))])
    return np.asarray(np.interp(at_s, dates, height), dtype=np.float64)
