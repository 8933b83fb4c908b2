"""Compiled code that grows trees on the codes of features.

Both growers write nodes into arrays that the caller provides and return how many nodes there are. They take numbers
from a generator of their own (xorshift64*, Vigna 2016), so that a seed gives the same trees everywhere.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattq.simulator.jit import inlined, jitted

__all__ = ["draw", "grow_boosted", "grow_random", "seeded"]


@inlined
def draw(state: NDArray[np.uint64], n: int) -> int:
    """Return a whole number from 0 to n - 1."""
    s = state[0]
    s ^= s >> np.uint64(12)
    s ^= s << np.uint64(25)
    s ^= s >> np.uint64(27)
    state[0] = s
    return np.int64(((s * np.uint64(2685821657736338717)) >> np.uint64(33)) % np.uint64(n))


def seeded(*numbers: int) -> NDArray[np.uint64]:
    """Return the state of a generator made of some numbers."""
    return np.random.SeedSequence(numbers).generate_state(1, np.uint64) | np.uint64(1)


@jitted
def grow_random(
    codes: NDArray[np.uint8],
    group: NDArray[np.int64],
    n_groups: int,
    second: NDArray[np.float64],
    weight: float,
    order: NDArray[np.int64],
    tries: int,
    least: int,
    state: NDArray[np.uint64],
    feature: NDArray[np.int32],
    cut: NDArray[np.int32],
    left: NDArray[np.int32],
    begin: NDArray[np.int32],
    end: NDArray[np.int32],
) -> int:
    """Grow one extremely randomised tree (Geurts, Ernst, Wehenkel, Machine Learning 63, 2006).

    Of several random cuts, each between two values that occur in the node, the one is taken that gains most: Gini gain
    over groups of run times, and `weight` times the variance of a second target.

    Args:
        codes: codes of features, shape (n_features, n).
        group: number of the group of each row's run time.
        n_groups: number of groups.
        second: the second target.
        weight: what its gain counts.
        order: rows to learn from; they are put in the order of the leaves.
        tries: cuts tried per node.
        least: fewest rows of a leaf.
        state: of the generator.
        feature, cut, left, begin, end: filled in per node; rows ``order[begin:end]`` lie in it.
    """
    mine, lower = np.zeros(n_groups), np.zeros(n_groups)
    aside = np.empty(order.shape[0], dtype=np.int64)
    nodes, node = 1, 0
    begin[0], end[0] = 0, order.shape[0]
    while node < nodes:
        a, b = begin[node], end[node]
        n = b - a
        feature[node] = -1
        best, best_feature, best_cut = -1.0, -1, 0
        if n >= 2 * least:
            mine[:] = 0.0
            total = 0.0
            for k in range(a, b):
                mine[group[order[k]]] += 1.0
                total += second[order[k]]
            for _ in range(tries):
                f = draw(state, codes.shape[0])
                one, two = codes[f, order[a + draw(state, n)]], codes[f, order[a + draw(state, n)]]
                if one == two:
                    two = codes[f, order[a + draw(state, n)]]
                    if one == two:
                        continue
                c = min(one, two)
                lower[:] = 0.0
                few, part = 0, 0.0
                for k in range(a, b):
                    j = order[k]
                    if codes[f, j] <= c:
                        few += 1
                        lower[group[j]] += 1.0
                        part += second[j]
                if few < least or n - few < least:
                    continue
                below, above = 0.0, 0.0
                for g in range(n_groups):
                    below += lower[g] * lower[g]
                    above += (mine[g] - lower[g]) * (mine[g] - lower[g])
                gain = below / few + above / (n - few)
                gain += weight * (part * part / few + (total - part) * (total - part) / (n - few))
                if gain > best:
                    best, best_feature, best_cut = gain, f, c
        if best_feature >= 0:
            i, k = a, 0
            for q in range(a, b):
                j = order[q]
                if codes[best_feature, j] <= best_cut:
                    order[i] = j
                    i += 1
                else:
                    aside[k] = j
                    k += 1
            for q in range(k):
                order[i + q] = aside[q]
            feature[node], cut[node], left[node] = best_feature, best_cut, nodes
            begin[nodes], end[nodes] = a, i
            begin[nodes + 1], end[nodes + 1] = i, b
            nodes += 2
        node += 1
    return nodes


@jitted
def grow_boosted(
    codes: NDArray[np.uint8],
    gradient: NDArray[np.float64],
    chosen: NDArray[np.int64],
    rows: NDArray[np.int64],
    place: NDArray[np.int32],
    depth: int,
    least: int,
    smooth: float,
    feature: NDArray[np.int32],
    cut: NDArray[np.int32],
    left: NDArray[np.int32],
) -> int:
    """Grow one tree of gradient boosting, level by level, on histograms of the gradient.

    A cut gains sum(g)^2 / (n + smooth) of both sides less that of the node (Friedman, Annals of Statistics 29, 2001,
    with unit second derivatives).

    Args:
        codes: codes of features, shape (n_features, n).
        gradient: negative gradient of the loss of each row.
        chosen: features that may be cut.
        rows: rows to learn from.
        place: node of each row; those of `rows` are filled in.
        depth: most cuts between the root and a leaf.
        least: fewest rows of a leaf.
        smooth: added to the numbers of rows.
        feature, cut, left: filled in per node.
    """
    sums = np.zeros((1 << depth, 256))
    counts = np.zeros((1 << depth, 256))
    for r in rows:
        place[r] = 0
    nodes, low, high = 1, 0, 1
    feature[0] = -1
    gain, total, number = np.zeros(1 << depth), np.zeros(1 << depth), np.zeros(1 << depth)
    for _ in range(depth):
        width = high - low
        gain[:] = 1e-9
        for f in chosen:
            sums[:width] = 0.0
            counts[:width] = 0.0
            top = 0
            for r in rows:
                p = place[r] - low
                if p >= 0:
                    c = codes[f, r]
                    sums[p, c] += gradient[r]
                    counts[p, c] += 1.0
                    top = max(top, np.int64(c))
            for p in range(width):
                g, n = 0.0, 0.0
                for c in range(top + 1):
                    g += sums[p, c]
                    n += counts[p, c]
                total[p], number[p] = g, n
                a, m = 0.0, 0.0
                whole = g * g / (n + smooth) if n > 0 else 0.0
                for c in range(top):
                    a += sums[p, c]
                    m += counts[p, c]
                    if counts[p, c] == 0.0 or m < least or n - m < least:
                        continue
                    found = a * a / (m + smooth) + (g - a) * (g - a) / (n - m + smooth) - whole
                    if found > gain[p]:
                        gain[p] = found
                        feature[low + p], cut[low + p] = f, c
        old = nodes
        for p in range(width):
            if feature[low + p] >= 0:
                left[low + p] = nodes
                feature[nodes] = -1
                feature[nodes + 1] = -1
                nodes += 2
        if nodes == old:
            break
        for r in rows:
            p = place[r]
            if p >= low and feature[p] >= 0:
                place[r] = left[p] + (1 if codes[feature[p], r] > cut[p] else 0)
        low, high = old, nodes
    return nodes
