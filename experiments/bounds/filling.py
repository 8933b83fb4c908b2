"""Filling the cheapest hours first: the exact optimum of one class of work, in compiled code.

What a step costs is convex in the work done in it, and what can be done in which steps is bounded by sums over
intervals of steps that are submodular; then taking the cheapest piece of any step as far as the sums allow, again and
again, ends at the optimum.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattq.simulator.jit import jitted

__all__ = ["fill"]


@jitted
def _pieces(
    time: NDArray[np.float64], price: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return, by step and piece, work per host-second, price per host-second, and price per work (infinity: no piece).

    The price of work is the lower convex hull, over nothing and every way, of price over work in a host-second.
    """
    ways, steps = price.shape
    work, cost = np.zeros((steps, ways)), np.zeros((steps, ways))
    slope = np.full((steps, ways), np.inf)
    for t in range(steps):
        x, y = 0.0, 0.0
        for piece in range(ways):
            best, at = np.inf, -1
            for way in range(ways):
                gain = 1.0 / time[way] - x
                if gain > 1e-12:
                    rise = (price[way, t] - y) / gain
                    if rise < best or (rise == best and time[way] < time[at]):
                        best, at = rise, way
            if at < 0:
                break
            work[t, piece], cost[t, piece] = 1.0 / time[at] - x, price[at, t] - y
            slope[t, piece] = best
            x, y = 1.0 / time[at], price[at, t]
    return work, cost, slope


@jitted
def _least_from(values: NDArray[np.float64], first: int, end: int) -> float:
    least = np.inf
    for i in range(first, end):
        least = min(least, values[i])
    return least


@jitted
def fill(
    time: NDArray[np.float64],
    price: NDArray[np.float64],
    room: NDArray[np.float64],
    least: NDArray[np.float64],
    most: NDArray[np.float64],
) -> tuple[float, NDArray[np.float64], float]:
    """Return the least price of a class of work.

    Args:
        time: host-seconds for one of work, by way to do it.
        price: price of a host-second, shape (ways, steps).
        room: host-seconds that there are, by step.
        least: work that must be done by each edge, one more than steps, never decreasing; the last is all of it.
        most: work that can be done by each edge, likewise.

    Returns:
        The price; host-seconds by step; and the work that did not fit.
    """
    steps = len(room)
    work, cost, slope = _pieces(time, price)
    used = np.zeros(steps)
    above = most.copy()  # what could be done by each edge beyond what is
    below = -least  # what is done by each edge beyond what must be
    total = 0.0
    tiny = 1e-15 * most[-1]
    for place in np.argsort(slope.ravel(), kind="mergesort"):
        t, piece = place // slope.shape[1], place % slope.shape[1]
        if slope[t, piece] == np.inf:
            break
        size = work[t, piece] * room[t]
        if size > 0.0:
            size = min(size, _least_from(above, t + 1, steps + 1) + _least_from(below, 0, t + 1))
            if size > tiny:
                share = size / work[t, piece]  # host-seconds that get this piece too
                total += share * cost[t, piece]
                if piece == 0:
                    used[t] += share
                for edge in range(t + 1, steps + 1):
                    above[edge] -= size
                    below[edge] += size
                if above[steps] <= tiny:
                    break
    return total, used, max(above[steps], 0.0)
