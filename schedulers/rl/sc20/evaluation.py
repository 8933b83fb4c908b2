"""A learned policy beside heuristics on the same sequences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattq.schedulers.rl.sc20 import picks, scores
from wattq.schedulers.rl.sc20.jobs import JobTable
from wattq.schedulers.rl.sc20.learned import Policy, facts_of, slowdown

__all__ = ["HEURISTICS", "Scores", "evaluate", "heuristic", "table_lines"]

Floats = NDArray[np.float64]

HEURISTICS = {
    "FCFS": scores.FCFS,
    "WFP3": scores.WFP3,
    "UNICEP": scores.UNICEP,
    "SJF": scores.SJF,
    "F1": scores.F1,
}
"""Heuristics by name; WFP3 and UNICEP with the true waiting time."""

_BOUND_S = 10.0
_RESAMPLES = 2000
_LOW, _HIGH = 2.5, 97.5


@dataclass(frozen=True)
class Scores:
    """Mean bounded slowdowns of sequences.

    Attributes:
        values: by policy, one value per sequence.
    """

    values: dict[str, Floats] = field(default_factory=dict)

    def mean(self, name: str) -> float:
        """Return the mean over the sequences."""
        return float(self.values[name].mean())

    def against(self, name: str, other: str) -> tuple[float, float, float]:
        """Return the change of the mean from another policy, as a share, and its 95 % interval (paired bootstrap)."""
        ours, theirs = self.values[name], self.values[other]
        rows = np.random.default_rng(0).integers(len(ours), size=(_RESAMPLES, len(ours)))
        changes = ours[rows].mean(axis=1) / theirs[rows].mean(axis=1) - 1
        low, high = np.percentile(changes, [_LOW, _HIGH])
        return float(ours.mean() / theirs.mean() - 1), float(low), float(high)

    def figures(self) -> dict[str, Any]:
        """Return the means, and the changes from SJF and F1 with intervals, for a card."""
        changes = {other: self.against("learned", other) for other in ("SJF", "F1")}
        return {
            "sequences": len(self.values["learned"]),
            "mean": {name: self.mean(name) for name in self.values},
            "change": {
                name: dict(zip(("share", "low", "high"), change, strict=True)) for name, change in changes.items()
            },
        }


def heuristic(table: JobTable, kind: int, backfill: int) -> float:
    """Return the mean bounded slowdown of a sequence under one of `HEURISTICS`."""
    jobs = (table.submit_s, table.run_s, table.request_s, table.processors)
    sequence = picks.new_sequence(*jobs, table.nodes, table.nodes_total)
    picks.play(sequence, kind, scores.SINCE_SUBMISSION, backfill, table.per_node)
    flow_s = sequence.start_s - table.submit_s + table.run_s
    return float(np.maximum(1.0, flow_s / np.maximum(table.run_s, _BOUND_S)).mean())


def evaluate(policy: Policy, tables: Sequence[JobTable], backfill: int) -> Scores:
    """Return the values of heuristics and of a learned policy, which is called ``learned``."""
    found = {
        name: np.array([heuristic(table, kind, backfill) for table in tables]) for name, kind in HEURISTICS.items()
    }
    return Scores(found | {"learned": np.array([slowdown(facts_of(table), policy, backfill) for table in tables])})


def table_lines(named: dict[str, Scores]) -> list[str]:
    """Return a table of means as lines of text, and a line for each comparison."""
    first = next(iter(named.values()))
    width = max(map(len, named))
    lines = [" " * width + "".join(f"{name:>10}" for name in first.values)]
    for name, found in named.items():
        lines.append(f"{name:<{width}}" + "".join(f"{found.mean(each):>10.2f}" for each in found.values))
    for name, found in named.items():
        for other in ("SJF", "F1"):
            share, low, high = found.against("learned", other)
            lines.append(f"{name}: learned against {other} {share:+.1%} (95 % interval {low:+.1%} to {high:+.1%})")
    return lines
