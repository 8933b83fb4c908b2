"""Learning the graph network of `wattq.surrogates.gnn` with torch: Adam on the likelihood of the run times."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattq.surrogates.gnn import KERNEL, ROUNDS, SPANS, normalised, weight_shapes
from wattq.surrogates.gnn_graph import EDGES, NODES, VALUES, columns_of, scaled
from wattq.surrogates.point import N_BINS, STEP, bin_of

__all__ = ["train"]

_BATCH = 512
_RATE = 4e-3


def train(
    x: NDArray[np.float32], run_s: NDArray[np.float64], *, seed: int, width: int, epochs: int
) -> dict[str, NDArray[Any]]:
    """Return the weights learned from jobs; the same seed gives the same weights.

    Args:
        x: features, shape (n, len(NEEDS)).
        run_s: run times, s.
        seed: of the first weights and the batches.
        width: numbers in the state of a node.
        epochs: passes over the jobs.
    """
    import torch

    mean, spread = _scale(x)
    features, there = normalised(x, mean, spread)
    rng = np.random.default_rng([seed, 2])
    with _one_thread(torch):
        weights = {name: _first(torch, rng, shape) for name, shape in weight_shapes(width).items()}
        nodes = [torch.from_numpy(part.astype(np.float32)) for part in features]
        target = _Target(torch, x, run_s)
        present = torch.from_numpy(there.astype(np.float32))
        steps = epochs * max(1, -(-len(x) // _BATCH))
        moves = torch.optim.Adam(list(weights.values()), lr=_RATE)
        pace = torch.optim.lr_scheduler.OneCycleLR(moves, _RATE, total_steps=steps + 1)
        for rows in _batches(rng, len(x), epochs):
            chosen = torch.from_numpy(rows)
            score = _scores(torch, weights, [part[chosen] for part in nodes], present[chosen])
            loss = target.loss(score, chosen)
            moves.zero_grad()
            loss.backward()
            moves.step()
            pace.step()
    learned = {name: weight.detach().numpy().astype(np.float32) for name, weight in weights.items()}
    return learned | {"mean": mean, "spread": spread}


@contextmanager
def _one_thread(torch: Any) -> Iterator[None]:
    """Sums of several threads depend on their number, and small ones gain nothing."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _scale(x: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return mean and spread of each feature; 0 and 1 where it is never known or never changes."""
    values = scaled(x).astype(np.float64)
    known = ~np.isnan(values)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, values, 0.0).sum(axis=0) / count
    square = (np.where(known, values - mean, 0.0) ** 2).sum(axis=0) / count
    spread = np.sqrt(square)
    return mean.astype(np.float32), np.where(spread > 1e-6, spread, 1.0).astype(np.float32)


def _first(torch: Any, rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    scale = np.sqrt(1.5 / shape[0]) if len(shape) > 1 else 0.0
    values = rng.normal(0.0, 1.0, shape).astype(np.float32) * np.float32(scale)
    return torch.from_numpy(values).requires_grad_(True)


def _batches(rng: np.random.Generator, count: int, epochs: int) -> Iterator[NDArray[np.int64]]:
    for _ in range(epochs):
        order = rng.permutation(count)
        for begin in range(0, count, _BATCH):
            yield order[begin : begin + _BATCH]


def _scores(torch: Any, w: dict[str, Any], nodes: list[Any], there: Any) -> Any:
    """Return the scores of spans and values: all nodes of a batch in one tensor, messages added along its edges."""
    batch, width = len(there), w["job_in"].shape[1]
    encoded = [torch.relu(x @ w[f"{n.kind}_in"] + w[f"{n.name}_in_bias"]) for n, x in zip(NODES, nodes, strict=True)]
    state = torch.cat([part * there[:, k : k + 1] for k, part in enumerate(encoded)])
    first = state[:batch]
    job = torch.arange(batch)
    for turn in range(ROUNDS):
        heard, count = torch.zeros_like(state), torch.zeros(len(state))
        for start, end in EDGES:
            sent = state[start * batch : (start + 1) * batch] @ w[f"{NODES[start].kind}_{NODES[end].name}_{turn}"]
            heard = heard.index_add(0, job + end * batch, sent)
            count.index_add_(0, job + end * batch, there[:, start])
        heard = heard / count.clamp(min=1.0)[:, None]
        after = [
            torch.relu(
                state[k * batch : (k + 1) * batch] @ w[f"{n}_own_{turn}"]
                + w[f"{n}_own_bias_{turn}"]
                + heard[k * batch : (k + 1) * batch]
            )
            * there[:, k : k + 1]
            for k, n in ((0, "job"), (1, "user"))
        ]
        state = torch.cat([*after, state[2 * batch :]])
    last = torch.cat((first, state[:batch]), dim=1)
    assert last.shape == (batch, 2 * width)
    return torch.relu(last @ w["hidden"] + w["hidden_bias"]) @ w["out"] + w["out_bias"]


class _Target:
    """The likelihood of run times under weights of spans and of times that may be repeated."""

    def __init__(self, torch: Any, x: NDArray[np.float32], run_s: NDArray[np.float64]) -> None:
        self._torch = torch
        per_span = N_BINS // SPANS
        self._span = torch.from_numpy(bin_of(run_s) // per_span)
        values = x[:, columns_of(VALUES)].astype(np.float64)
        far = np.abs(np.log(np.maximum(values, 1.0)) - np.log(np.maximum(run_s, 1.0))[:, None])
        density = -far / KERNEL - np.log(2.0 * KERNEL)
        self._unknown = torch.from_numpy(np.isnan(values))
        self._density = torch.from_numpy(np.nan_to_num(density, nan=0.0).astype(np.float32))
        self._flat = -float(np.log(per_span * STEP))

    def loss(self, score: Any, rows: Any) -> Any:
        """Return the mean negative logarithm of the density at the run times of some rows."""
        unknown = self._unknown[rows]
        score = self._torch.cat((score[:, :SPANS], score[:, SPANS:].masked_fill(unknown, -1e9)), dim=1)
        log_weight = self._torch.log_softmax(score, dim=1)
        flat = log_weight.gather(1, self._span[rows][:, None]) + self._flat
        copied = log_weight[:, SPANS:] + self._density[rows]
        return -self._torch.logsumexp(self._torch.cat((flat, copied), dim=1), dim=1).mean()
