"""From a predicted distribution of run times to a single value and to quantiles.

A distribution is a mass over bins of equal width in the logarithm of the run time. The single value is chosen for what
it is judged by: it maximises the expected agreement E[min(v, x) / max(v, x)], less a price for moving away from a
second opinion of the median, which keeps the absolute error low. The expected agreement of all values takes two passes
over the bins, because min(v, x) / max(v, x) = exp(-|log v - log x|).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wattq.simulator.jit import inlined, jitted
from wattq.surrogates.model import LEVELS

__all__ = ["N_BINS", "STEP", "Leaves", "bin_of", "decide", "decide_points"]

STEP = 0.03
"""Width of a bin in the natural logarithm."""

N_BINS = 480
"""Number of bins; the first one is at 1 s and the last one at 20 days."""

_PASS = math.exp(-STEP)
_LEVELS = np.array(LEVELS)
_CENTRE = np.exp(STEP * np.arange(N_BINS))


def bin_of(time_s: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the bins of times, s; those outside the bins count into the first or the last one, unknown ones too."""
    known = np.where(time_s > 1.0, time_s, 1.0)
    found: NDArray[np.int64] = np.clip(np.rint(np.log(known) / STEP), 0, N_BINS - 1).astype(np.int64)
    return found


@inlined
def _fold(mass: NDArray[np.float64], cap: int) -> None:
    """Make the mass up to the cap one, what lies beyond it counting into the cap; without any, all lies in the cap."""
    total = 0.0
    for k in range(mass.shape[0]):
        total += mass[k]
        if k > cap:
            mass[cap] += mass[k]
            mass[k] = 0.0
    if total <= 0.0:
        mass[cap] = 1.0
        total = 1.0
    for k in range(cap + 1):
        mass[k] /= total


@inlined
def decide(
    mass: NDArray[np.float64],
    request_s: float,
    middle_s: float,
    price: float,
    scale_s: float,
    levels: NDArray[np.float64],
    quantile_s: NDArray[np.float64],
    agreement: NDArray[np.float64],
) -> float:
    """Return the best value of a distribution, s, and fill in its quantiles.

    Args:
        mass: mass of each bin, any total; normalised in place.
        request_s: requested time, s, which nothing exceeds; NaN where there is none.
        middle_s: the second opinion, s; NaN where there is none.
        price: what a distance of `scale_s` from it costs, in units of agreement.
        scale_s: such a distance, s.
        levels: levels of the quantiles, ascending.
        quantile_s: filled in.
        agreement: room for N_BINS numbers.
    """
    cap = N_BINS - 1
    if request_s > 0.0:
        cap = min(cap, int(np.rint(np.log(max(request_s, 1.0)) / STEP)))
    _fold(mass, cap)
    passed = 0.0
    for k in range(cap + 1):
        passed = passed * _PASS + mass[k]
        agreement[k] = passed
    passed = 0.0
    best, value, found, below = -1e300, 1.0, 0, 0.0
    for k in range(cap, -1, -1):
        passed *= _PASS
        gain = agreement[k] + passed
        passed += mass[k]
        v = request_s if k == cap and request_s > 0.0 else _CENTRE[k]
        if middle_s > 0.0:
            # Quadratic near the second opinion, which is no better known than to some share of itself; linear beyond.
            far = abs(v - middle_s)
            gain -= price * far * far / (far + 0.3 * middle_s) / scale_s
        if gain > best:
            best, value = gain, v
    for k in range(cap + 1):
        below += mass[k]
        while found < levels.shape[0] and below >= levels[found] - 1e-12:
            quantile_s[found] = request_s if k == cap and request_s > 0.0 else _CENTRE[k]
            found += 1
    while found < levels.shape[0]:
        quantile_s[found] = request_s if request_s > 0.0 else _CENTRE[cap]
        found += 1
    return value


class Leaves(NamedTuple):
    """A forest whose leaves hold runs.

    Attributes:
        feature, threshold, left, root: its trees; see `wattq.surrogates.trees.Trees`.
        begin, end: the runs that lie in a leaf are ``bins[begin:end]``.
        bins: bins of the runs learned from, leaf by leaf.
    """

    feature: NDArray[np.int32]
    threshold: NDArray[np.float32]
    left: NDArray[np.int32]
    root: NDArray[np.int32]
    begin: NDArray[np.int32]
    end: NDArray[np.int32]
    bins: NDArray[np.int16]


@inlined
def _add_leaves(x: NDArray[np.float32], leaves: Leaves, mass: NDArray[np.float64]) -> None:
    """Add the runs of the leaves that a row reaches to a mass, 1 in all."""
    for t in range(leaves.root.shape[0]):
        node = leaves.root[t]
        while leaves.feature[node] >= 0:
            node = leaves.left[node] + (1 if x[leaves.feature[node]] > leaves.threshold[node] else 0)
        share = 1.0 / ((leaves.end[node] - leaves.begin[node]) * leaves.root.shape[0])
        for k in range(leaves.begin[node], leaves.end[node]):
            mass[leaves.bins[k]] += share


@jitted
def decide_points(
    x: NDArray[np.float32],
    leaves: Leaves,
    points: NDArray[np.float64],
    weights: NDArray[np.float64],
    request_s: NDArray[np.float64],
    middle_s: NDArray[np.float64],
    price: float,
    scale_s: float,
    levels: NDArray[np.float64],
    quantile_s: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the best values of rows of features, s: the mass is that of a forest's leaves and of further values.

    Args:
        x: features, shape (n, n_features).
        leaves: the forest.
        points: further values, s, shape (n, n_points), NaN where there is none.
        weights: what each counts, the forest counting 1.
        request_s: requested times, s.
        middle_s: second opinions, s.
        price: see `decide`.
        scale_s: see `decide`.
        levels: levels of the quantiles, ascending.
        quantile_s: filled in, shape (n, n_levels).
    """
    mass, agreement, point_s = np.empty(N_BINS), np.empty(N_BINS), np.empty(x.shape[0])
    for i in range(x.shape[0]):
        mass[:] = 0.0
        _add_leaves(x[i], leaves, mass)
        for q in range(points.shape[1]):
            if points[i, q] == points[i, q]:
                b = int(np.rint(np.log(max(points[i, q], 1.0)) / STEP))
                mass[min(b, N_BINS - 1)] += weights[q]
        point_s[i] = decide(mass, request_s[i], middle_s[i], price, scale_s, levels, quantile_s[i], agreement)
    return point_s
