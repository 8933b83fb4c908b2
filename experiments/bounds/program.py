"""Several classes of divisible work on one machine, as a linear program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Ways", "program"]


@dataclass(frozen=True)
class Ways:
    """A class of work and the ways to do it.

    Attributes:
        time: host-seconds for one of work, by way.
        price: price of a host-second, shape (ways, steps).
        least: work that must be done by each edge of the grid; the last is all of it.
        most: work that can be done by each edge; likewise.
        mixed: whether the times are shorter than those of some jobs, so that hosts may take longer.
    """

    time: NDArray[np.float64]
    price: NDArray[np.float64]
    least: NDArray[np.float64]
    most: NDArray[np.float64]
    mixed: bool


def program(classes: Sequence[Ways], room: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]] | None:
    """Return the least price and the host-seconds by step, or None where the work does not fit.

    Variables are the host-seconds of each way in each step, and the work done of each class by the end of each step.
    """
    unit = float(room.mean())  # so that the program's numbers are near 1
    scale = max(float(np.abs(one.price).max()) for one in classes) or 1.0
    result = _solve(classes, room / unit, unit, scale)
    if result.status != 0:
        return None
    n = sum(len(one.time) for one in classes)
    host_s = result.x[: n * len(room)].reshape(n, len(room)).sum(axis=0) * unit
    return float(result.fun) * unit * scale, np.asarray(host_s, dtype=np.float64)


def _solve(classes: Sequence[Ways], room: NDArray[np.float64], unit: float, scale: float) -> Any:
    from scipy.optimize import linprog
    from scipy.sparse import block_array, csr_array, diags_array, eye_array, kron

    steps, m = len(room), len(classes)
    each = eye_array(steps, format="csr")
    grows = diags_array([np.ones(steps), -np.ones(steps - 1)], offsets=[0, -1], shape=(steps, steps), format="csr")
    number = np.repeat(np.arange(m), [len(one.time) for one in classes])
    rate = 1.0 / np.concatenate([one.time for one in classes])
    done = csr_array((rate, (number, np.arange(len(rate)))), shape=(m, len(rate)))
    rows = block_array([[-kron(done, each), kron(eye_array(m), grows)]], format="csr")
    used = kron(np.ones((1, len(rate))), each)
    full = block_array([[used, csr_array((steps, m * steps))]], format="csr")
    # Where a class is mixed, its times are too short, and so its work may grow by less than hosts could do.
    mixed = np.repeat([one.mixed for one in classes], steps)
    done_bounds = np.column_stack([np.concatenate([getattr(one, name)[1:] for one in classes]) for name in _SIDES])
    way_bounds = np.broadcast_to([0.0, np.inf], (len(rate) * steps, 2))
    return linprog(
        np.concatenate([*(one.price.ravel() / scale for one in classes), np.zeros(m * steps)]),
        A_ub=block_array([[full], [rows[mixed]]], format="csr") if mixed.any() else full,
        b_ub=np.concatenate([room, np.zeros(int(mixed.sum()))]),
        A_eq=None if mixed.all() else rows[~mixed],
        b_eq=None if mixed.all() else np.zeros(int((~mixed).sum())),
        bounds=np.concatenate([way_bounds, done_bounds / unit]),
        method="highs",
    )


_SIDES = ("least", "most")
