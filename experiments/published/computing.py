"""Values of a published table, computed from the jobs; what was printed is not known here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from wattq.errors import WorkloadError
from wattq.experiments.published import passes
from wattq.experiments.published.jobs import JobTable
from wattq.experiments.published.protocol import PassSettings, PickSettings, Settings
from wattq.schedulers.rl.sc20 import picks, scores

__all__ = ["METRICS", "Values", "bounded_slowdown", "flow_time_s", "simulate"]

Floats = NDArray[np.float64]


def simulate(table: JobTable, settings: Settings) -> tuple[JobTable, Floats]:
    """Return the jobs in the order in which they were simulated, and their start dates, s.

    Raises:
        WorkloadError: when a run time exceeds its estimate, where the protocol has no rule for that.
    """
    if isinstance(settings, PickSettings):
        return table, _pick(table, settings)
    table = table.take(np.argsort(table.submit_s, kind="stable"))
    return table, _serve(table, settings)


def _pick(table: JobTable, settings: PickSettings) -> Floats:
    jobs = (table.submit_s, table.run_s, table.request_s, table.processors)
    sequence = picks.new_sequence(*jobs, table.nodes, table.nodes_total)
    kind, waits = scores.SCORES[settings.score], scores.WAITS[settings.waits]
    picks.play(sequence, kind, waits, picks.BACKFILLS[settings.backfill], table.per_node)
    return sequence.start_s


def _serve(table: JobTable, settings: PassSettings) -> Floats:
    estimate_s = settings.factor * (table.request_s if settings.estimate == "requested" else table.run_s)
    late = np.flatnonzero(estimate_s < table.run_s)
    if len(late):
        first = int(late[0])
        times = f"runs {table.run_s[first]:g} s, its estimate is {estimate_s[first]:g} s"
        raise WorkloadError(
            f"{table.source}: job {table.number[first]:.0f} {times}; the protocol needs 'cap_run_at_request: true'"
        )
    machine = passes.new_machine(table.submit_s, table.run_s, estimate_s, table.processors, table.processors_total)
    passes.serve(machine, passes.ORDERS[settings.order])
    return machine.start_s


def bounded_slowdown(table: JobTable, start_s: Floats, bound_s: float) -> float:
    """Return the mean of max(1, (wait + run) / max(run, bound))."""
    flow_s = start_s - table.submit_s + table.run_s
    return float(np.maximum(1.0, flow_s / np.maximum(table.run_s, bound_s)).mean())


def flow_time_s(table: JobTable, start_s: Floats, bound_s: float) -> float:
    """Return the mean of wait + run, s."""
    return float((start_s - table.submit_s + table.run_s).mean())


def _jobs(table: JobTable, start_s: Floats, bound_s: float) -> float:
    return float(table.n_jobs)


METRICS: Mapping[str, Callable[[JobTable, Floats, float], float]] = MappingProxyType(
    {"bounded_slowdown": bounded_slowdown, "flow_time": flow_time_s, "jobs": _jobs}
)
"""Metrics of a sequence, by name."""


class Values:
    """Values of one trace; what several of them share is simulated once."""

    def __init__(self, sequences: list[JobTable], bound_s: float) -> None:
        self._bound_s = bound_s
        self._runs = cache(lambda settings: [simulate(table, settings) for table in sequences])

    def value(self, settings: Settings, metric: str) -> float:
        """Return the mean over the sequences of a metric in `METRICS`.

        Raises:
            WorkloadError: as `simulate`.
        """
        parts = [METRICS[metric](*run, self._bound_s) for run in self._runs(settings)]
        return float(np.mean(parts))
