"""Labels from ARCHER2's step energies."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from wattq.errors import SurrogateError
from wattq.platforms.measured.archer2 import SETTINGS, Step, read_steps
from wattq.surrogates.energy.jobs import EnergyJobs, EnergyLabels

__all__ = ["ARCHER2_NODES", "archer2_labels"]

ARCHER2_NODES: Mapping[str, int] = {"CASTEP/al3x3": 4, "LAMMPS/ethanol": 4, "LAMMPS/ethanol_long": 4}
"""Nodes of the runs whose rows do not say: from the batch scripts beside the results (``--nodes=4``)."""


def archer2_labels(path: str | Path, *, nodes: Mapping[str, int] | None = None) -> EnergyLabels:
    """Return the numbered steps of the file as labels; parent, batch and extern rows count the same joules again.

    Args:
        path: CSV of EPCC's archer2-frequency-benchmarks.
        nodes: application -> number of nodes where the file has none, over `ARCHER2_NODES`.

    Raises:
        MissingFileError: when the file cannot be read.
        InvalidInputError: when it breaks its format.
        SurrogateError: when it has no labels, or an application's number of nodes is not known.
    """
    steps, skipped, digest = read_steps(path)
    if not steps:
        raise SurrogateError(f"{path}: no step has joules; energy cannot be learned from this file")
    known = {**ARCHER2_NODES, **(nodes or {})}
    filled = sorted({step.app for step in steps if not step.nodes})
    notes = [f"left out: {count} {what}" for what, count in sorted(skipped.items())]
    jobs = EnergyJobs.of(
        [_nodes(step, known, path) for step in steps],
        frequency_ghz=[SETTINGS[step.frequency] for step in steps],
        application=[step.app for step in steps],
    )
    notes += [f"nodes of {app}: {known[app]}, which the rows do not say" for app in filled]
    labels = EnergyLabels(
        jobs=jobs,
        run_s=np.array([step.elapsed_s for step in steps]),
        energy_j=np.array([step.energy_j for step in steps]),
        label_source="measured",
        source=str(path),
        sha256=digest,
        job_id=tuple(step.job for step in steps),
        notes=tuple(notes),
    )
    return labels.with_slowdown()


def _nodes(step: Step, known: Mapping[str, int], path: str | Path) -> float:
    if step.nodes:
        return float(step.nodes)
    if step.app not in known:
        raise SurrogateError(
            f"{path}: job {step.job}: the number of nodes of {step.app} is not known; "
            f"say it with --nodes {step.app}=NUMBER"
        )
    return float(known[step.app])
