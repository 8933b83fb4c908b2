"""The forecasts that came with the parameters: what is expected of the grid, as known at a date.

Row k of the table was issued at ``issue_s + k x step``; its column j is the mean expected over the j-th stretch of
``lead_step`` seconds from then on. Nothing else of the signal is in the policy's hands.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattq.schedulers.green import slots as p
from wattq.simulator.jit import inlined, jitted

__all__ = ["expected", "has_signal", "issue_at", "rank_of_now"]


@inlined
def has_signal(par: NDArray[np.float64]) -> bool:
    """Return whether there are forecasts."""
    return bool(par[p.N_ISSUES] > 0)


@inlined
def issue_at(par: NDArray[np.float64], now_s: float) -> int:
    """Return the number of the last forecast issued by a date, -1 when there is none or the last is too old."""
    k = int(np.floor((now_s - par[p.ISSUE_S]) / par[p.ISSUE_STEP_S] + 1e-9))
    return k if 0 <= k < int(par[p.N_ISSUES]) else -1


@inlined
def _lead(par: NDArray[np.float64], issue: int, column: int) -> float:
    """Return a value of a forecast; beyond its end the last 24 hours go on as they are."""
    n = int(par[p.N_LEADS])
    day = max(min(int(86400.0 / par[p.LEAD_STEP_S] + 0.5), n), 1)
    while column >= n:
        column -= day
    return float(par[int(par[p.TABLE_AT]) + issue * n + column])


@jitted
def expected(par: NDArray[np.float64], issue: int, from_s: float, to_s: float) -> float:
    """Return the mean that a forecast expects between two dates."""
    step_s = par[p.LEAD_STEP_S]
    begin = max(from_s - par[p.ISSUE_S] - issue * par[p.ISSUE_STEP_S], 0.0) / step_s
    end = max(begin + (to_s - from_s) / step_s, begin + 1e-6)
    total = 0.0
    column = int(begin)
    while column < end:
        part = min(column + 1.0, end) - max(np.float64(column), begin)
        total += part * _lead(par, issue, column)
        column += 1
    return total / (end - begin)


@jitted
def rank_of_now(par: NDArray[np.float64], issue: int, now_s: float) -> float:
    """Return the share of the coming 24 hours that are expected to be strictly better than the present one."""
    step_s = par[p.LEAD_STEP_S]
    first = int(max(now_s - par[p.ISSUE_S] - issue * par[p.ISSUE_STEP_S], 0.0) / step_s + 1e-9)
    n = max(int(86400.0 / step_s + 0.5), 1)
    here = _lead(par, issue, first)
    better = 0
    for k in range(1, n):
        better += _lead(par, issue, first + k) < here
    return better / n
