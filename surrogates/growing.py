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
    return int(np.int64(((s * np.uint64(2685821657736338717)) >> np.uint64(33)) % np.uint64(n)))


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
    nodes: NDArray[np.int32],
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
        nodes: filled in per node: feature (-1 in a leaf), code of the cut, left child (the right one follows it), first
            and last but one place of its rows in `order`; shape (5, 2 * number of rows).
    """
    mine, lower = np.zeros(n_groups), np.zeros(n_groups)
    aside = np.empty(order.shape[0], dtype=np.int64)
    feature, cut, left, begin, end = nodes[0], nodes[1], nodes[2], nodes[3], nodes[4]
    known, node = 1, 0
    begin[0], end[0] = 0, order.shape[0]
    while node < known:
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
            feature[node], cut[node], left[node] = best_feature, best_cut, known
            begin[known], end[known] = a, i
            begin[known + 1], end[known + 1] = i, b
            known += 2
        node += 1
    return known


@jitted
def _best_cut(
    codes: NDArray[np.uint8],
    pull: NDArray[np.float64],
    chosen: NDArray[np.int64],
    rows: NDArray[np.int64],
    least: int,
    sums: NDArray[np.float64],
    counts: NDArray[np.float64],
) -> tuple[float, int, int]:
    """Return gain, feature and code of the best cut of some rows; a gain of 0 where there is none."""
    n = rows.shape[0]
    total = 0.0
    for r in rows:
        total += pull[r]
    gain, feature, cut = 0.0, -1, 0
    if n < 2 * least:
        return gain, feature, cut
    for f in chosen:
        sums[:] = 0.0
        counts[:] = 0.0
        for r in rows:
            c = codes[f, r]
            sums[c] += pull[r]
            counts[c] += 1.0
        a, m = 0.0, 0.0
        for c in range(255):
            if counts[c] == 0.0:
                continue
            a += sums[c]
            m += counts[c]
            if n - m < least:
                break
            if m >= least:
                found = a * a / m + (total - a) * (total - a) / (n - m) - total * total / n
                if found > gain:
                    gain, feature, cut = found, f, c
    return gain, feature, cut


@jitted
def grow_boosted(
    codes: NDArray[np.uint8],
    pull: NDArray[np.float64],
    chosen: NDArray[np.int64],
    order: NDArray[np.int64],
    leaves: int,
    least: int,
    nodes: NDArray[np.int32],
) -> int:
    """Grow one tree of gradient boosting, the leaf that gains most being cut next, and return its number of nodes.

    A cut gains sum(g)^2 / n of both sides less that of the leaf (J. Friedman, Annals of Statistics 29, 2001, with unit
    second derivatives).

    Args:
        codes: codes of features, shape (n_features, n).
        pull: negative gradient of the loss of each row.
        chosen: features that may be cut.
        order: rows to learn from; they are put in the order of the leaves.
        leaves: most leaves.
        least: fewest rows of a leaf.
        nodes: filled in per node: feature (-1 in a leaf), code of the cut, left child (the right one follows it), first
            and last but one place of its rows in `order`; shape (5, 2 * leaves).
    """
    feature, cut, left, begin, end = nodes[0], nodes[1], nodes[2], nodes[3], nodes[4]
    sums, counts = np.empty(256), np.empty(256)
    gain = np.zeros(2 * leaves)
    aside = np.empty(order.shape[0], dtype=np.int64)
    feature[0], begin[0], end[0] = -1, 0, order.shape[0]
    wanted, place = np.full(2 * leaves, -1), np.zeros(2 * leaves, dtype=np.int64)
    gain[0], wanted[0], place[0] = _best_cut(codes, pull, chosen, order, least, sums, counts)
    n = 1
    for _ in range(leaves - 1):
        node = np.argmax(gain[:n])
        if not gain[node] > 1e-12:
            break
        gain[node] = 0.0
        f, c, i, k = wanted[node], place[node], begin[node], 0
        for q in range(begin[node], end[node]):
            r = order[q]
            if codes[f, r] <= c:
                order[i] = r
                i += 1
            else:
                aside[k] = r
                k += 1
        order[i : end[node]] = aside[:k]
        feature[node], cut[node], left[node] = f, c, n
        begin[n], end[n] = begin[node], i
        begin[n + 1], end[n + 1] = i, end[node]
        for child in range(n, n + 2):
            feature[child] = -1
            rows = order[begin[child] : end[child]]
            gain[child], wanted[child], place[child] = _best_cut(codes, pull, chosen, rows, least, sums, counts)
        n += 2
    return n
