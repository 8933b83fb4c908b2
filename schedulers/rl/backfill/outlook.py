"""What the agent sees of carbon intensity and price: the present hour and the coming ones, as forecast by now."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattq.schedulers.rl.backfill import slots as p
from wattq.schedulers.rl.backfill import table as t
from wattq.simulator.jit import inlined, jitted
from wattq.simulator.layout import Ledger

__all__ = ["look_out", "mean_from_now"]

_CARBON_FULL = 1000.0  # g/kWh
_PRICE_FULL = 500.0  # currency per MWh


@inlined
def _within(value: float) -> float:
    """Return a number cut to -1 to 1."""
    return float(max(min(value, 1.0), -1.0))


@inlined
def _issue(cfg: NDArray[np.float64], n: int, date_s: float, now_s: float) -> int:
    """Return the number of the newest forecast; before the first that one, after the last the last."""
    k = int(np.floor((now_s - date_s) / 3600.0 + 1e-9))
    return max(min(k, n - 1), 0)


@jitted
def _one(
    v: Ledger,
    cfg: NDArray[np.float64],
    at: int,
    n: int,
    date_s: float,
    full: float,
    sums: NDArray[np.float64],
    x: NDArray[np.float32],
) -> None:
    """Write level, rank and hours of a signal, relative to the mean of the coming 24 hours, and sums of the hours."""
    row = at + _issue(cfg, n, date_s, v.head[0].now_s) * p.LEADS
    mean = 0.0
    scale = 0.0
    better = 0
    for k in range(p.LEADS):
        value = cfg[row + k]
        mean += value / p.LEADS
        scale += abs(value) / p.LEADS
        better += value < cfg[row]
    scale = max(scale, 1e-9)
    x[t.LEVEL] = _within(mean / full)
    x[t.RANK] = better / (p.LEADS - 1)
    for k in range(p.LEADS):
        relative = _within((cfg[row + k] - mean) / scale)
        x[t.HOURS + k] = relative
        sums[k + 1] = sums[k] + relative


@jitted
def look_out(v: Ledger, cfg: NDArray[np.float64], mf: NDArray[np.float64], x: NDArray[np.float32]) -> None:
    """Write what is expected of the signals; zeros where there is none."""
    n = int(cfg[p.N_CARBON])
    if n > 0:
        sums = mf[p.CARBON_SUM : p.CARBON_SUM + p.LEADS + 1]
        _one(v, cfg, int(cfg[p.CARBON_AT]), n, cfg[p.CARBON_S], _CARBON_FULL, sums, x[t.CARBON :])
    n = int(cfg[p.N_PRICE])
    if n > 0:
        sums = mf[p.PRICE_SUM : p.PRICE_SUM + p.LEADS + 1]
        _one(v, cfg, int(cfg[p.PRICE_AT]), n, cfg[p.PRICE_S], _PRICE_FULL, sums, x[t.PRICE :])


@inlined
def mean_from_now(mf: NDArray[np.float64], at: int, hours: float) -> float:
    """Return the mean of a signal over the coming hours relative to the mean of 24, from the sums at a place."""
    if not 0.0 < hours < p.LEADS:
        return float(mf[at + p.LEADS] / p.LEADS)
    whole = int(hours)
    last = mf[at + whole + 1] - mf[at + whole]
    return _within((mf[at + whole] + (hours - whole) * last) / hours)
