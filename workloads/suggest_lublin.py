"""The Lublin-Feitelson model fitted to a workload, as far as its options go."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattq.workloads.generate_table import JobTable
from wattq.workloads.lublin import lublin_jobs
from wattq.workloads.lublin_parameters import LUBLIN_CLASSES, adapted

__all__ = ["fit_lublin"]

_DRAWS = 20_000
_Ints = NDArray[np.int64]


def fit_lublin(table: JobTable, n_hosts: int) -> tuple[dict[str, str], dict[str, float]]:
    """Return options of the model for a workload, and its distances from a large draw of that model.

    Fitted are the share of serial jobs, that of the model's powers of two (sizes that are powers of two by chance
    taken off), and the load; run times and the daily cycle stay as published.
    """
    serial, pow2 = _shares(table.nodes, n_hosts)
    span = float(np.ptp(table.submit_s))
    work = float(np.sum(table.nodes * table.duration_s.astype(np.float64)))
    load = f"{min(max(work / (n_hosts * span), 1e-6), 1e6):.4g}" if span else None
    options = {"--jobs": str(table.n_jobs), "--hosts": str(n_hosts)} | ({"--load": load} if load else {})
    options |= {"--serial": f"{serial:.4g}", "--pow2": f"{min(pow2, 1 - float(f'{serial:.4g}')):.4g}"}
    parameters = {"serial": float(options["--serial"]), "pow2": float(options["--pow2"])}
    drawn = lublin_jobs(_DRAWS, n_hosts, load=float(load) if load else None, parameters=parameters)
    return options, {
        "arrivals": _distance(np.diff(table.submit_s), np.diff(drawn.submit_s)),
        "duration": _distance(table.duration_s, drawn.duration_s),
        "nodes": _distance(table.nodes, drawn.nodes),
    }


def _shares(nodes: _Ints, n_hosts: int) -> tuple[float, float]:
    serial = float(np.mean(nodes == 1))
    power = float(np.mean((nodes > 1) & (nodes & (nodes - 1) == 0)))
    p = adapted(LUBLIN_CLASSES["all"], n_hosts, {})
    place = (np.arange(_DRAWS) + 0.5) / _DRAWS
    sizes = []
    for low, high, weight in ((p.ulow, p.umed, p.uprob), (p.umed, p.uhi, 1 - p.uprob)):
        drawn = np.floor(np.exp2(low + place * (high - low)) + 0.5).astype(np.int64)
        sizes.append(weight * float(np.mean(drawn & (drawn - 1) == 0)))
    by_chance = min(sum(sizes), 1.0)
    pow2 = (power - (1 - serial) * by_chance) / (1 - by_chance) if by_chance < 1 else power
    return serial, min(max(pow2, 0.0), 1.0 - serial)


def _distance(one: _Ints, other: _Ints) -> float:
    """Return the Kolmogorov-Smirnov distance of two samples, 1 where one is empty."""
    if not one.size or not other.size:
        return 1.0
    at = np.concatenate([one, other])
    first, second = (np.searchsorted(np.sort(values), at, side="right") / values.size for values in (one, other))
    return float(np.abs(first - second).max())
