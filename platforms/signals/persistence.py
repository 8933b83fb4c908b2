"""The forecast that anybody can make: tomorrow is as today, hour by hour."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from wattq.platforms.signals.rules import FloatArray
from wattq.platforms.signals.series import Signal
from wattq.units import DAY_S

__all__ = ["Pieces", "join", "persistence_pieces"]


class Pieces(NamedTuple):
    """Values that follow one another.

    Attributes:
        edges_s: float64[m + 1], Unix seconds.
        values: float64[m], in the unit of the signal.
    """

    edges_s: FloatArray
    values: FloatArray


def persistence_pieces(signal: Signal, now_s: float, until_s: float, days: int = 1) -> Pieces:
    """Repeat the last 24 h, or the mean day of the last `days`, from what is published at now.

    The value that holds at now is published, with its end b. It is kept until b; from b on, the value at t is the mean
    over n = 1..days of the value at the same second of the day in [b - n 24 h, b - (n - 1) 24 h). Days (of 24 h in
    UTC) that reach back before the series do not count; where none is left, the value of now is held.
    """
    present = int(np.searchsorted(signal.start_s, now_s, side="right")) - 1
    known_until_s = float(signal.edges_s[present + 1])
    if until_s <= known_until_s:
        return Pieces(np.array([now_s, until_s]), signal.value[present : present + 1])
    offsets = _offsets(signal, known_until_s, days)
    day = _mean_day(signal, present, known_until_s, offsets, days)
    count = math.ceil((until_s - known_until_s) / DAY_S)
    starts = (known_until_s + np.arange(count)[:, None] * DAY_S + offsets).ravel()
    values = np.tile(day, count)
    kept = starts < until_s
    edges = np.concatenate(([now_s], starts[kept], [until_s]))
    return Pieces(edges, np.concatenate(([signal.value[present]], values[kept])))


def join(first: Pieces, then: Pieces) -> Pieces:
    """Go on with `then` where `first` ends."""
    end_s = first.edges_s[-1]
    piece = int(np.searchsorted(then.edges_s, end_s, side="right")) - 1
    edges = np.concatenate((first.edges_s, then.edges_s[piece + 1 :]))
    return Pieces(edges, np.concatenate((first.values, then.values[piece:])))


def _offsets(signal: Signal, known_until_s: float, days: int) -> FloatArray:
    """Return the seconds into the repeated day at which one of its values begins."""
    low, high = np.searchsorted(signal.start_s, (known_until_s - days * DAY_S, known_until_s))
    offsets = np.mod(signal.start_s[low:high] - known_until_s, DAY_S)
    return np.unique(np.append(offsets, 0.0))


def _mean_day(signal: Signal, present: int, known_until_s: float, offsets: FloatArray, days: int) -> FloatArray:
    times = known_until_s - np.arange(1, days + 1)[:, None] * DAY_S + offsets
    known = times >= signal.start_s[0]
    pieces = np.clip(np.searchsorted(signal.start_s, times, side="right") - 1, 0, present)
    counts = known.sum(axis=0)
    sums = np.where(known, signal.value[pieces], 0.0).sum(axis=0)
    day: FloatArray = np.where(counts > 0, sums / np.maximum(counts, 1), signal.value[present])
    return day
