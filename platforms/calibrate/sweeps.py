"""How many devices take turns in a file that does not name them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattq.errors import InvalidInputError, at

__all__ = ["count_devices"]

_ENOUGH = 0.95


def count_devices(time_s: NDArray[np.float64], source: str) -> int:
    """Return the number of devices, told from the times: a logger reads one device right after the other, then rests.

    Rows closer than a quarter of the usual rest belong to one sweep. Where nearly all sweeps have the same size and
    start at rows that are multiples of it, this is the number of devices. Without times there is one device.

    Raises:
        InvalidInputError: when sweeps of several rows are there, but neither size nor order is regular.
    """
    if np.isnan(time_s).any() or len(time_s) < 8:
        return 1
    gap = np.diff(time_s)
    rest = float(np.quantile(gap, 0.9))
    if rest <= 0:
        raise InvalidInputError(f"{at(source)}: times do not grow; say how many devices take turns with --devices")
    starts = np.concatenate([[0], np.flatnonzero(gap >= rest / 4) + 1])
    sizes = np.diff(np.append(starts, len(time_s)))
    size = int(np.bincount(sizes).argmax())
    if size == 1:
        return 1
    full = starts[sizes == size]
    regular = float(np.mean(full % size == 0)) >= _ENOUGH and sizes[sizes == size].sum() >= _ENOUGH * len(time_s)
    if not regular or len(time_s) % size:
        raise InvalidInputError(
            f"{at(source)}: rows come in groups of about {size}, but not regularly; which device is which is unclear; "
            "log a column that names the device, or say with --devices how many take turns"
        )
    return size
