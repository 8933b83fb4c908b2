"""The input of ``wattq demo``: a real trace if one can be had, else a generated workload that says so."""

from __future__ import annotations

from pathlib import Path

from wattq.errors import WattqError
from wattq.experiments.experiment_file import load_experiment, shipped_experiments
from wattq.experiments.experiment_model import Experiment, GeneratedWorkload, WorkloadSpec
from wattq.experiments.inputs import data_dirs

__all__ = ["demo_experiment"]

_TRACES = (("KTH-SP2", "kth-sp2"), ("UniLu-Gaia-2014-2", "unilu-gaia"))
"""Trace and platform, in the order of preference."""

_GENERATED = GeneratedWorkload(jobs=10_000, hosts=100)


def demo_experiment(*, offline: bool = False) -> tuple[Experiment, Path, str]:
    """Return the experiment, the file it comes from, and a sentence about its input.

    Traces on this machine are preferred to downloads; a trace that is damaged or cannot be fetched is passed over.
    """
    path = shipped_experiments()["demo"]
    experiment = load_experiment(path)
    reasons = []
    for no_network in (True, False)[: 1 if offline else 2]:
        for trace, platform in _TRACES:
            try:
                found = _trace(trace, no_network)
            except WattqError as error:
                reasons.append(f"  {error}")
                continue
            changes = {
                "workloads": [WorkloadSpec(source=str(found), label=trace)],
                "platform": platform,
                "description": _description(trace),
            }
            return experiment.model_copy(update=changes), path, f"Real trace {trace}: {found}"
    changes = {
        "workloads": [WorkloadSpec(generate=_GENERATED)],
        "platform": "kth-sp2",
        "title": "Scheduling policies on a generated workload",
        "description": "No real trace could be had: this is a generated workload.",
    }
    words = "No real trace could be had; this is a GENERATED workload:\n" + "\n".join(dict.fromkeys(reasons))
    return experiment.model_copy(update=changes), path, words


def _description(trace: str) -> str:
    from wattq.workloads import TRACES

    entry = TRACES[trace]
    return (
        f"Policies on {trace} ({entry.description}), with energy. Waits, slowdowns and energy are compared with "
        f"textbook EASY backfilling. Trace: {entry.source}; {entry.licence}. Cite: {entry.citation}."
    )


def _trace(name: str, offline: bool) -> Path:
    from wattq.workloads import get_trace

    return get_trace(name, data_dirs=data_dirs(), offline=offline)
