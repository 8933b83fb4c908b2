"""Energy counters, and parts of a device that are counted one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from wattq.errors import InvalidInputError, at

__all__ = ["add_parts", "powers_from_counter"]

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

PARTS = ("package", "ram", "dram")
"""RAPL domains that together are the device; core and uncore are parts of the package, psys of the whole board."""


def powers_from_counter(
    source: str,
    energy_j: Floats,
    time_s: Floats,
    interval_s: Floats,
    device: Indices,
    wrap_j: float | None,
    dropped: Counter[str],
) -> Floats:
    """Return the mean power since the last sample of the same device, W; NaN for its first sample.

    With intervals, the column holds the energy of each interval; without, a counter that only grows, and starts again
    at `wrap_j`. A step back without a known `wrap_j` is left out and counted.

    Raises:
        InvalidInputError: when there is neither an interval nor a time, or the time of a device does not grow.
    """
    if not np.isnan(interval_s).all():
        if (interval_s <= 0).any():
            raise InvalidInputError(f"{at(source)}: an interval of 0 s or less; intervals are above 0")
        power: Floats = energy_j / interval_s
        return power
    if np.isnan(time_s).any():
        raise InvalidInputError(
            f"{at(source)}: a counter of energy needs a time in each row; name it with --time COLUMN"
        )
    power = np.full(len(energy_j), np.nan)
    for k in np.unique(device):
        rows = np.flatnonzero((device == k) & ~np.isnan(energy_j))
        span, step = np.diff(time_s[rows]), np.diff(energy_j[rows])
        if (span <= 0).any():
            raise InvalidInputError(f"{at(source)}: the time of a device does not grow from row to row; sort the file")
        back = step < 0
        if wrap_j is not None:
            step = np.where(back, step + wrap_j, step)
        elif back.any():
            dropped["counter started again (--wrap unknown)"] += int(back.sum())
            step = np.where(back, np.nan, step)
        power[rows[1:]] = step / span
    return power


def add_parts(
    source: str,
    names: tuple[str, ...],
    device: Indices,
    parts: Sequence[str],
    arrays: tuple[Floats, ...],
    notes: list[str],
) -> tuple[tuple[str, ...], Indices, tuple[Floats, ...]]:
    """Return one series per device, the k-th samples of its parts added.

    Args:
        source: for messages.
        names: of the devices.
        device: index of each row's device.
        parts: name of each row's part.
        arrays: time, power and others; the power, second, is added, of the others the first part's are kept.
        notes: gets what was added.

    Raises:
        InvalidInputError: when the parts of a device have different numbers of samples, or none is known.
    """
    known = np.array(parts)
    used = [part for part in dict.fromkeys(parts) if part in PARTS]
    left = [part for part in dict.fromkeys(parts) if part not in PARTS]
    if not used:
        raise InvalidInputError(f"{at(source)}: parts {', '.join(left)[:80]}; known ones are {', '.join(PARTS)}")
    columns: list[list[Floats]] = [[] for _ in arrays]
    owner = []
    for k in range(len(names)):
        rows = [np.flatnonzero((device == k) & (known == part)) for part in used]
        counts = {len(each) for each in rows}
        if len(counts) != 1:
            listed = ", ".join(f"{len(each)} of {part}" for each, part in zip(rows, used, strict=True))
            raise InvalidInputError(
                f"{at(source)}: device {names[k]}: samples do not pair up ({listed}); trim the file"
            )
        for i, array in enumerate(arrays):
            columns[i].append(np.sum([array[each] for each in rows], axis=0) if i == 1 else array[rows[0]])
        owner.append(np.full(counts.pop(), k))
    notes.append(f"added per device: {', '.join(used)}" + (f"; left out: {', '.join(left)}" if left else ""))
    return names, np.concatenate(owner), tuple(np.concatenate(column) for column in columns)
