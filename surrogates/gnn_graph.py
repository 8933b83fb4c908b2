"""The graph around a job at its submission: its user, group and application, and jobs that ran before.

Each job is the centre of a small graph as it stood when the job was submitted, so that no node knows what came later,
and a user or an application that is met for the first time is a node without messages. Nodes carry features; a node
whose first feature is unknown is not there. Messages go along the edges of `EDGES`, all of them towards the job.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattq.surrogates.history.describe import FEATURES

__all__ = ["EDGES", "NEEDS", "NODES", "VALUES", "Node", "columns_of", "scaled"]

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Node:
    """A node of the graph.

    Attributes:
        name: what it stands for.
        kind: nodes of one kind are encoded alike.
        features: what is known of it; without the first one it is not there.
    """

    name: str
    kind: str
    features: tuple[str, ...]


def _starting(prefix: str, *, among: str) -> tuple[str, ...]:
    return tuple(f.name for f in FEATURES if f.name.startswith(prefix) and f.group == among)


_PREVIOUS = (
    "user_last1_s",
    "user_last2_s",
    "user_last3_s",
    "same_request_s",
    "same_hosts_s",
    "same_application_s",
    "same_job_s",
)
_USER = tuple(
    f.name
    for f in FEATURES
    if f.group == "user" and f.name.startswith("user_") and f.name not in (*_PREVIOUS, "user_last2_mean_s")
)
_JOB = (
    "hosts",
    *("request_s", "request_work", "hour_sin", "hour_cos", "weekend", "since_submit_s", "since_end_s"),
    *("previous_same_request", "previous_same_hosts", "previous_state", "same_request_n", "same_application_n"),
    *("queued", "running", "running_hosts", "work_left"),
)
_SIMILAR = (*_starting("similar_", among="similar"), *_starting("late_", among="similar"))
_RUNNING = (
    "running_longest_s",
    *("running_shortest_s", "running_mean_s", "running_same", "running_same_longest_s", "running_same_shortest_s"),
    "running_alike_longest_s",
)

NODES: tuple[Node, ...] = (
    Node("job", "job", _JOB),
    Node("user", "user", _USER),
    Node("group", "crowd", _starting("group_", among="group")),
    Node("application", "crowd", _starting("application_", among="similar")),
    Node("alike", "crowd", _starting("pair_", among="similar")),
    Node("similar", "similar", _SIMILAR),
    Node("running", "running", _RUNNING),
    *(Node(name.removesuffix("_s"), "previous", (name,)) for name in _PREVIOUS),
)
"""Nodes of each graph, the job first."""

_PLACE = {node.name: place for place, node in enumerate(NODES)}
_BEFORE = [place for place, node in enumerate(NODES) if node.kind == "previous"]

EDGES: tuple[tuple[int, int], ...] = (
    *((place, _PLACE["user"]) for place in _BEFORE),
    (_PLACE["group"], _PLACE["user"]),
    (_PLACE["running"], _PLACE["user"]),
    *((place, _PLACE["job"]) for place in range(1, len(NODES))),
)
"""Edges as (from, to): previous and running jobs to their user, everything to the job."""

VALUES = (
    "request_s",
    *_PREVIOUS,
    *("similar_value_s", "late_value_s", "user_last2_mean_s", "similar_q50_s", "user_q50_s", "user_q90_s"),
)
"""Times that a prediction may repeat."""

NEEDS = tuple(dict.fromkeys((*(name for node in NODES for name in node.features), *VALUES)))
"""Features that the graph is made of."""

_UNIT = {feature.name: feature.unit for feature in FEATURES}
_COUNTS = frozenset(
    name for name in NEEDS if name.endswith(("_submitted", "_ended", "_queued", "_running", "_n", "_weight", "_hosts"))
) | {"hosts", "queued", "running"}
_LOGS = np.array([_UNIT[name] in ("s", "s*host") or name in _COUNTS for name in NEEDS])


def scaled(x: NDArray[np.float32]) -> Floats:
    """Return features with times, works and counts as logarithms, shape (n, len(NEEDS)); NaN stays."""
    values = x.astype(np.float32, copy=True)
    values[:, _LOGS] = np.log1p(np.maximum(values[:, _LOGS], 0.0))
    return values


def columns_of(names: tuple[str, ...]) -> NDArray[np.int64]:
    """Return the places of features in `NEEDS`."""
    return np.array([NEEDS.index(name) for name in names], dtype=np.int64)
