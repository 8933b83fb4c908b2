"""Runs grouped by what they have in common, so that only like is compared with like."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from wattq.experiments.catalogue import DEFAULT_TAU_S, METRICS
from wattq.experiments.metrics import compute_metrics
from wattq.experiments.results import RunResults
from wattq.experiments.savings import Saving, is_baseline, saving

__all__ = ["Case", "Interval", "Measured", "bootstrap_interval", "group_runs", "mean_metrics"]

Interval = tuple[float, float | None, float | None]
"""Mean, and the ends of its 95 % interval where there are at least three samples."""

_RESAMPLES = 2000


@dataclass(frozen=True)
class Measured:
    """One run with its metrics and its saving against the baseline of its case."""

    run: RunResults
    policy: str
    metrics: dict[str, float]
    saving: Saving

    @property
    def is_baseline(self) -> bool:
        """Whether savings are measured against this run."""
        return is_baseline(self.run)


@dataclass(frozen=True)
class Case:
    """The runs of several policies on the same jobs and machine.

    Attributes:
        workload: label of the workload, empty when the runs do not say.
        part: window and seed in words, empty for the whole of one workload.
        runs: one per policy.
        synthetic: whether the workload was generated.
    """

    workload: str
    part: str
    runs: tuple[Measured, ...]
    synthetic: bool = False

    @property
    def title(self) -> str:
        """Name of the case for headings; a generated workload is called so."""
        name = self.workload or "Runs"
        if self.synthetic:
            name += " (generated)"
        return f"{name}, {self.part}" if self.part else name

    @cached_property
    def by_policy(self) -> dict[str, RunResults]:
        """The results by policy."""
        return {measured.policy: measured.run for measured in self.runs}


def group_runs(runs: Iterable[RunResults], tau_s: float = DEFAULT_TAU_S) -> list[Case]:
    """Return the runs as cases: same workload, window, seed and platform, in the order of first appearance.

    Runs of the real Batsim carry no provenance; they are one case when they submitted the same jobs.
    """
    groups: dict[tuple[str, ...], list[RunResults]] = {}
    for run in runs:
        groups.setdefault(_identity(run), []).append(run)
    return [_case(group, tau_s) for group in groups.values()]


def _identity(run: RunResults) -> tuple[str, ...]:
    workloads = run.provenance.get("workloads")
    if not workloads:
        return ("", str(hash(frozenset(run.jobs.key))), str(run.n_hosts))
    labels = [str(item.get("label", "")) for item in workloads]
    digests = [str(item.get("sha256", "")) for item in workloads]
    machine = run.provenance.get("platform") or {}
    return (" + ".join(labels), _part(run), *digests, str(machine.get("sha256", "")), str(run.n_hosts))


def _part(run: RunResults) -> str:
    parts = []
    if run.provenance.get("window"):
        parts.append(str(run.provenance["window"]))
    if run.provenance.get("several_seeds"):
        parts.append(f"seed {run.provenance.get('seed')}")
    return ", ".join(parts)


def _case(group: Sequence[RunResults], tau_s: float) -> Case:
    names = _distinct_names(group)
    metrics = [compute_metrics(run, tau_s) for run in group]
    energies = [values.get("energy_j") for values in metrics]
    base = next((index for index, run in enumerate(group) if is_baseline(run)), None)
    against = (group[base], energies[base]) if base is not None else (None, None)
    measured = tuple(
        Measured(run, name, values, saving(run, energy, *against))
        for run, name, values, energy in zip(group, names, metrics, energies, strict=True)
    )
    workloads = group[0].provenance.get("workloads") or []
    label = " + ".join(str(item.get("label", "")) for item in workloads)
    return Case(label, _part(group[0]), measured, any(item.get("synthetic") for item in workloads))


def _distinct_names(group: Sequence[RunResults]) -> list[str]:
    names = [run.policy for run in group]
    return [
        name if names.count(name) == 1 or names.index(name) == index else f"{name} ({run.directory.name})"
        for index, (name, run) in enumerate(zip(names, group, strict=True))
    ]


def mean_metrics(cases: Sequence[Case]) -> dict[str, dict[str, Interval]]:
    """Return, by policy and metric, the mean over cases with a 95 % bootstrap interval from three cases on."""
    samples: dict[str, dict[str, list[float]]] = {}
    for case in cases:
        for measured in case.runs:
            columns = samples.setdefault(measured.policy, {})
            for name in METRICS:
                if name in measured.metrics:
                    columns.setdefault(name, []).append(measured.metrics[name])
    return {
        policy: {name: bootstrap_interval(values) for name, values in columns.items()}
        for policy, columns in samples.items()
    }


def bootstrap_interval(values: Sequence[float]) -> Interval:
    """Return the mean and its 95 % percentile-bootstrap interval (2,000 resamples, fixed seed).

    Fewer than three values have no interval.
    """
    data = np.asarray(values, dtype=np.float64)
    mean = float(np.mean(data))
    if len(data) < 3:
        return mean, None, None
    picks = np.random.default_rng(0).integers(0, len(data), size=(_RESAMPLES, len(data)))
    low, high = np.percentile(data[picks].mean(axis=1), [2.5, 97.5])
    return mean, float(low), float(high)
