"""Features as small whole numbers: trees are grown on these, and asked with the values themselves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["UNKNOWN", "bin_edges", "codes_of"]

UNKNOWN = 0
"""Code of an unknown value; it lies below all others."""


def bin_edges(x: NDArray[np.float32], most: int = 255) -> list[NDArray[np.float32]]:
    """Return the upper ends of the bins of each feature but the last one: distinct values, or their quantiles.

    A value has the code 1 + number of edges below it; ``x <= edge k`` is the same as ``code <= k + 1``.

    Args:
        x: features, shape (n, n_features), NaN unknown.
        most: most codes of a feature, that of unknown values included, 3 to 256.
    """
    edges = []
    for column in x.T:
        values = np.unique(column[~np.isnan(column)])
        if len(values) > most - 1:
            known = np.sort(column[~np.isnan(column)])
            ranks = np.linspace(0, len(known) - 1, most)[1:-1].astype(np.int64)
            edges.append(np.unique(known[ranks]))
        else:
            edges.append(values[:-1])
    return edges


def codes_of(x: NDArray[np.float32], edges: list[NDArray[np.float32]]) -> NDArray[np.uint8]:
    """Return the codes of values, one row per feature: shape (n_features, n)."""
    codes = np.empty(x.shape[::-1], dtype=np.uint8)
    for feature, ends in enumerate(edges):
        column = x[:, feature]
        found = np.searchsorted(ends, column, side="left") + 1
        codes[feature] = np.where(np.isnan(column), UNKNOWN, found)
    return codes
