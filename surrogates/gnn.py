"""A graph neural network of run times: messages from users, groups, applications and earlier jobs to the job.

Every node of the graph of `wattq.surrogates.gnn_graph` has a state; in each of two rounds a node takes the mean of what
its neighbours send, each kind of edge with its own weights, and the job's last state gives a distribution: a weight for
each of 48 spans of run time, and one for each of some times that a run may repeat (earlier runs, the requested time: J.
Gu et al., Incorporating Copying Mechanism in Sequence-to-Sequence Learning, ACL 2016). Learning needs torch (the extra
`gnn`); what was learned are plain arrays, and predictions are made with numpy alone.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from wattq.errors import MissingDependencyError, SurrogateError
from wattq.simulator.jit import jitted
from wattq.surrogates.features import FeatureTable
from wattq.surrogates.gnn_graph import EDGES, NEEDS, NODES, VALUES, columns_of, scaled
from wattq.surrogates.model import LEVELS, Prediction
from wattq.surrogates.point import N_BINS, STEP, bin_of, decide

__all__ = ["KERNEL", "ROUNDS", "SPANS", "Gnn", "normalised", "weight_shapes"]

Floats = NDArray[np.float32]
Weights = Mapping[str, NDArray[Any]]

SPANS = 48
"""Spans of run time, each of ten bins of `wattq.surrogates.point`."""

ROUNDS = 2

KERNEL = 0.05
"""A run repeats a time when their logarithms are about this far apart: the scale of a Laplace distribution."""

_SETTINGS = ("seed", "width", "epochs", "most", "price", "scale_s")
_PER_SPAN = N_BINS // SPANS
_LEVELS = np.array(LEVELS)
_NEAR = np.exp(-np.abs(np.arange(-8, 9)) * STEP / KERNEL)
_NEAR /= _NEAR.sum()
_BLOCK = 8192
_VALUE_COLUMNS = columns_of(VALUES)
_REQUEST = NEEDS.index("request_s")


def weight_shapes(width: int) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the weights by name, for node states of some width."""
    shapes: dict[str, tuple[int, ...]] = {}
    for node in NODES:
        shapes[f"{node.kind}_in"] = (len(node.features), width)
        shapes[f"{node.name}_in_bias"] = (width,)
    for turn in range(ROUNDS):
        for start, end in EDGES:
            shapes[f"{NODES[start].kind}_{NODES[end].name}_{turn}"] = (width, width)
        shapes |= {f"{name}_own_{turn}": (width, width) for name in ("user", "job")}
        shapes |= {f"{name}_own_bias_{turn}": (width,) for name in ("user", "job")}
    outputs = SPANS + len(VALUES)
    head = {"hidden": (width * 2, width * 2), "hidden_bias": (width * 2,), "out": (width * 2, outputs)}
    return shapes | head | {"out_bias": (outputs,)}


def normalised(x: NDArray[np.float32], mean: Floats, spread: Floats) -> tuple[list[Floats], NDArray[np.bool_]]:
    """Return the features of each node, unknown ones 0, and which nodes are there, shape (n, nodes)."""
    values = (scaled(x) - mean) / spread
    there = np.stack([~np.isnan(x[:, columns_of(node.features[:1])[0]]) for node in NODES], axis=1)
    return [np.nan_to_num(values[:, columns_of(node.features)]) for node in NODES], there


class Gnn:
    """Messages over the graph of the job, its user, group, application and earlier jobs; learns with torch.

    Args:
        seed: of weights and batches.
        width: numbers in the state of a node.
        epochs: passes over the jobs learned from.
        most: latest jobs that are learned from.
        price: what a distance of one mean run time from the median costs the single value, in units of agreement: 0
            predicts for agreement alone, higher values lower the absolute error.

    Raises:
        MissingDependencyError: when torch is not installed.
        SurrogateError: when a number is out of range.
    """

    name = "gnn"

    def __init__(
        self, seed: int = 0, *, width: int = 24, epochs: int = 6, most: int = 20_000, price: float = 0.2
    ) -> None:
        if importlib.util.find_spec("torch") is None:
            raise MissingDependencyError(
                "the model 'gnn' learns with torch, which is not installed; install the extra gnn: "
                "pip install 'wattq[gnn]'"
            )
        self._settle(seed, width, epochs, most, price, 1.0)

    def _settle(self, seed: int, width: int, epochs: int, most: int, price: float, scale_s: float) -> None:
        if not (1 <= width <= 256 and 1 <= epochs <= 1000 and most >= 20 and 0.0 <= price < 1e9 and scale_s > 0.0):
            raise SurrogateError(
                f"gnn of width {width}, {epochs} epochs, {most} jobs, price {price:g}: use 1 to 256, 1 to 1000, at "
                "least 20, and 0 or more"
            )
        self.needs: tuple[str, ...] = NEEDS
        self.seed, self.width, self.epochs, self.most = seed, width, epochs, most
        self.price, self.scale_s = price, scale_s
        self._weights: dict[str, NDArray[Any]] = {}

    def fit(self, table: FeatureTable, run_s: NDArray[np.float64], rows: NDArray[np.int64]) -> None:
        """Learn by messages over the graphs of the jobs; see `RuntimeModel.fit`."""
        from wattq.surrogates.gnn_training import train

        latest = rows[-self.most :]
        x = table.take(latest).columns(self.needs)
        self.scale_s = max(float(run_s[latest].mean()), 1.0)
        self._weights = train(x, run_s[latest], seed=self.seed, width=self.width, epochs=self.epochs)

    def predict(self, x: NDArray[np.float32]) -> Prediction:
        """Return predictions; see `RuntimeModel.predict`.

        Raises:
            SurrogateError: when nothing was learned yet.
        """
        if not self._weights:
            raise SurrogateError("model 'gnn': it has learned nothing yet; fit it first")
        point, quantile = np.empty(len(x)), np.empty((len(x), len(LEVELS)))
        request = x[:, _REQUEST].astype(np.float64)
        for begin in range(0, len(x), _BLOCK):
            part = slice(begin, begin + _BLOCK)
            weight = self.weights_of(x[part])
            values = bin_of(x[part][:, _VALUE_COLUMNS].astype(np.float64))
            _decide_all(
                weight, values, request[part], _LEVELS, _NEAR, self.price, self.scale_s, point[part], quantile[part]
            )
        return Prediction(point, quantile).capped(request)

    def weights_of(self, x: NDArray[np.float32]) -> Floats:
        """Return what each span and each time of `VALUES` weighs, shape (n, SPANS + len(VALUES)), rows summing to 1."""
        w = self._weights
        features, there = normalised(x, w["mean"], w["spread"])
        state = [
            _positive(part @ w[f"{node.kind}_in"] + w[f"{node.name}_in_bias"]) * there[:, k : k + 1]
            for k, (node, part) in enumerate(zip(NODES, features, strict=True))
        ]
        first = state[0]
        for turn in range(ROUNDS):
            state = self._round(state, there, turn)
        last = np.concatenate((first, state[0]), axis=1)
        score = _positive(last @ w["hidden"] + w["hidden_bias"]) @ w["out"] + w["out_bias"]
        score[:, SPANS:][np.isnan(x[:, _VALUE_COLUMNS])] = -np.inf
        score = np.exp(score - score.max(axis=1, keepdims=True))
        share: Floats = score / score.sum(axis=1, keepdims=True)
        return share

    def _round(self, state: list[Floats], there: NDArray[np.bool_], turn: int) -> list[Floats]:
        w, after = self._weights, list(state)
        for end, name in ((0, "job"), (1, "user")):
            starts = [start for start, to in EDGES if to == end]
            count = np.maximum(there[:, starts].sum(axis=1, keepdims=True), 1).astype(np.float32)
            heard = sum(state[start] @ w[f"{NODES[start].kind}_{name}_{turn}"] for start in starts) / count
            after[end] = _positive(state[end] @ w[f"{name}_own_{turn}"] + w[f"{name}_own_bias_{turn}"] + heard)
            after[end] *= there[:, end : end + 1]
        return after

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Return what was learned; see `RuntimeModel.state`."""
        return dict(self._weights), {name: getattr(self, name) for name in _SETTINGS}

    @classmethod
    def restore(cls, arrays: Mapping[str, NDArray[Any]], meta: Mapping[str, Any]) -> Self:
        """Return the model that `state` was taken from; torch is not needed.

        Raises:
            SurrogateError: when weights are missing, of another shape, or not finite.
        """
        model = cls.__new__(cls)
        model._settle(*(meta[name] for name in _SETTINGS))
        if not arrays:
            return model
        shapes = weight_shapes(model.width) | {"mean": (len(NEEDS),), "spread": (len(NEEDS),)}
        for name, shape in shapes.items():
            found = arrays.get(name)
            if found is None or found.shape != shape or found.dtype != np.float32 or not np.isfinite(found).all():
                raise SurrogateError(f"gnn: the weights '{name}' are missing or not {shape}; train the model again")
        model._weights = {name: arrays[name] for name in shapes}
        return model


def _positive(x: NDArray[Any]) -> Floats:
    kept: Floats = np.maximum(x, 0.0)
    return kept


@jitted
def _decide_all(
    weight: NDArray[np.float32],
    values: NDArray[np.int64],
    request_s: NDArray[np.float64],
    levels: NDArray[np.float64],
    kernel: NDArray[np.float64],
    price: float,
    scale_s: float,
    point_s: NDArray[np.float64],
    quantile_s: NDArray[np.float64],
) -> None:
    """Fill in the best value and the quantiles of each row's distribution; see `decide`.

    Args:
        weight: of each span and value, shape (n, SPANS + n_values).
        values: bins of the values, shape (n, n_values).
        request_s: requested times, s.
        levels: of the quantiles, the median in the middle.
        kernel: mass around a value, centred.
        price: see `decide`; the second opinion is the median.
        scale_s: see there.
        point_s: filled in.
        quantile_s: filled in.
    """
    mass, copy, agreement = np.empty(N_BINS), np.empty(N_BINS), np.empty(N_BINS)
    for i in range(weight.shape[0]):
        for k in range(N_BINS):
            mass[k] = weight[i, k // _PER_SPAN] / _PER_SPAN
        for q in range(values.shape[1]):
            if weight[i, SPANS + q] > 0.0:
                for k in range(kernel.shape[0]):
                    place = min(max(values[i, q] + k - kernel.shape[0] // 2, 0), N_BINS - 1)
                    mass[place] += kernel[k] * weight[i, SPANS + q]
        copy[:] = mass
        decide(mass, request_s[i], np.nan, 0.0, 1.0, levels, quantile_s[i], agreement)
        middle = quantile_s[i, levels.shape[0] // 2]
        point_s[i] = decide(copy, request_s[i], middle, price, scale_s, levels, quantile_s[i], agreement)
