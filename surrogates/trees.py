"""Trees as plain arrays, and the compiled code that asks them.

All trees of a model lie one after the other in the same arrays. A node sends a row to `left` when its feature is
unknown or not above the threshold, and to `left` + 1 otherwise; a leaf has the feature -1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from wattq.errors import SurrogateError
from wattq.simulator.jit import jitted

__all__ = ["Trees", "add_leaf_values", "join_trees", "leaves_of"]


@dataclass(frozen=True)
class Trees:
    """Trees of one model.

    Attributes:
        feature: number of the column that a node looks at, -1 in a leaf.
        threshold: a value above it goes to the right.
        left: number of the left child among all nodes; the right one follows it.
        value: value of a leaf (0 in other nodes).
        root: number of each tree's first node.

    Raises:
        SurrogateError: when the arrays do not describe trees: every child lies behind its parent.
    """

    feature: NDArray[np.int32]
    threshold: NDArray[np.float32]
    left: NDArray[np.int32]
    value: NDArray[np.float64]
    root: NDArray[np.int32]

    def __post_init__(self) -> None:
        n = len(self.feature)
        inner = np.flatnonzero(self.feature >= 0)
        children = self.left[inner].astype(np.int64)
        sound = (
            len(self.threshold) == len(self.left) == len(self.value) == n
            and bool((children > inner).all() and (children + 1 < n).all())
            and bool((self.root >= 0).all() and (self.root < n).all())
        )
        if not sound:
            raise SurrogateError(f"trees: {n} nodes that do not form {len(self.root)} trees; train the model again")

    @property
    def n_trees(self) -> int:
        """Number of trees."""
        return len(self.root)

    def arrays(self, prefix: str = "") -> dict[str, NDArray[Any]]:
        """Return the arrays by name, each name with a prefix."""
        return {prefix + name: getattr(self, name) for name in _KINDS}

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]], n_features: int, prefix: str = "") -> Self:
        """Return the trees of these arrays.

        Raises:
            SurrogateError: when one is missing, or a node looks at a feature that there is not.
        """
        for name in _KINDS:
            if prefix + name not in arrays or arrays[prefix + name].ndim != 1:
                raise SurrogateError(f"trees: the array '{prefix + name}' is missing; train the model again")
        trees = cls(**{name: np.ascontiguousarray(arrays[prefix + name], dtype=kind) for name, kind in _KINDS.items()})
        if len(trees.feature) and int(trees.feature.max()) >= n_features:
            raise SurrogateError(f"trees: a node looks at feature {int(trees.feature.max())} of {n_features}")
        return trees


_KINDS: dict[str, Any] = {
    "feature": np.int32,
    "threshold": np.float32,
    "left": np.int32,
    "value": np.float64,
    "root": np.int32,
}


def join_trees(trees: list[Trees]) -> Trees:
    """Return one object that holds the trees of several, in their order."""
    starts = np.cumsum([0, *(len(part.feature) for part in trees)])[:-1]
    return Trees(
        feature=np.concatenate([part.feature for part in trees]),
        threshold=np.concatenate([part.threshold for part in trees]),
        left=np.concatenate([part.left + at for part, at in zip(trees, starts, strict=True)]).astype(np.int32),
        value=np.concatenate([part.value for part in trees]),
        root=np.concatenate([part.root + at for part, at in zip(trees, starts, strict=True)]).astype(np.int32),
    )


@jitted
def leaves_of(
    x: NDArray[np.float32],
    feature: NDArray[np.int32],
    threshold: NDArray[np.float32],
    left: NDArray[np.int32],
    root: NDArray[np.int32],
) -> NDArray[np.int32]:
    """Return the leaf that each row reaches in each tree, shape (n, n_trees)."""
    leaves = np.empty((x.shape[0], root.shape[0]), dtype=np.int32)
    for i in range(x.shape[0]):
        for t in range(root.shape[0]):
            node = root[t]
            while feature[node] >= 0:
                node = left[node] + (1 if x[i, feature[node]] > threshold[node] else 0)
            leaves[i, t] = node
    return leaves


@jitted
def add_leaf_values(
    x: NDArray[np.float32],
    feature: NDArray[np.int32],
    threshold: NDArray[np.float32],
    left: NDArray[np.int32],
    value: NDArray[np.float64],
    root: NDArray[np.int32],
    total: NDArray[np.float64],
) -> None:
    """Add the values of the leaves that each row reaches to its total, shape (n,)."""
    # Rows are taken in blocks, so that a tree stays in the nearest cache while a block of rows passes through it.
    for block in range(0, x.shape[0], 64):
        for t in range(root.shape[0]):
            for i in range(block, min(block + 64, x.shape[0])):
                node = root[t]
                while feature[node] >= 0:
                    node = left[node] + (1 if x[i, feature[node]] > threshold[node] else 0)
                total[i] += value[node]
