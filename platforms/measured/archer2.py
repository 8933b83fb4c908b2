"""ARCHER2: joules and run times of the same job at 2.0 and 2.25 GHz, from Slurm's step accounting.

A job has a parent row, a ``.batch`` and an ``.extern`` row and one row per step. The parent's joules count those of its
steps again, the two others the node's during the whole job: only the numbered steps are used. Runs compare within one
application and node count; two steps of one job, on the same nodes, are a pair.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wattq.errors import InvalidInputError, at
from wattq.platforms.measured.curve import MeasuredCurves
from wattq.platforms.measured.ratios import ClassRuns, curves_of
from wattq.platforms.measured.rows import number, read_rows

__all__ = ["Step", "read_archer2", "read_steps"]

COLUMNS = ("app", "job_step", "nodes", "req_cpu_freq", "elapsed_s", "consumed_energy_j")
SETTINGS = {"2.25G": 2.25, "2G": 2.0}
_STEP = re.compile(r"(\d+)\.(\d+)")
_SOURCE = "EPCC archer2-frequency-benchmarks: Slurm step energies of CASTEP, LAMMPS and HPL on ARCHER2, 2023"
_TURBO = "2.25 GHz is with boost, which the request of 2.0 GHz switches off: the ratio of clocks is larger than 1.125."


@dataclass(frozen=True)
class Step:
    """One measured step of a job.

    Attributes:
        app: application and case, as ``CASTEP/DNA``.
        job: number of its job.
        nodes: number of nodes as the file has it, empty where it does not say.
        frequency: the request, a key of `SETTINGS`.
        elapsed_s: run time, s.
        energy_j: energy of all its nodes, J.
    """

    app: str
    job: str
    nodes: str
    frequency: str
    elapsed_s: float
    energy_j: float


def read_archer2(path: str | Path) -> MeasuredCurves:
    """Return speed and power at 2.0 GHz against 2.25 GHz, per application.

    Args:
        path: CSV with the columns app, job_step, nodes, req_cpu_freq, elapsed_s, consumed_energy_j.

    Raises:
        MissingFileError: when the file cannot be read.
        InvalidInputError: when a column is missing, a number is none, or no application ran at both frequencies.
    """
    steps_read, skipped, digest = read_steps(path)
    groups: dict[tuple[str, str], list[Step]] = defaultdict(list)
    for step in steps_read:
        groups[step.app, step.nodes].append(step)
    classes = {}
    for (app, nodes), steps in sorted(groups.items()):
        runs = _class(steps, float(nodes) if nodes else 1.0)
        if runs is None:
            skipped["steps of an application and node count that ran at one frequency only"] += len(steps)
        else:
            label = app if sum(other == app for other, _ in groups) == 1 else f"{app} on {nodes or '?'} nodes"
            classes[label] = runs
    if not classes:
        raise InvalidInputError(f"{at(str(path))}: no application has steps with energy at both 2.0 and 2.25 GHz")
    curves, reference = curves_of([2.25, 2.0], "GHz", classes)
    notes = tuple(f"left out: {count} {what}" for what, count in sorted(skipped.items()))
    return MeasuredCurves("archer2", curves, reference, _SOURCE, digest, (_TURBO, *notes))


def read_steps(path: str | Path) -> tuple[list[Step], Counter[str], str]:
    """Return the numbered steps with joules, how many rows were left out and why, and the digest of the content.

    Raises:
        MissingFileError: when the file cannot be read.
        InvalidInputError: when a column is missing, or a number is none.
    """
    data, rows = read_rows(path, COLUMNS)
    skipped: Counter[str] = Counter()
    found = (_step(str(path), line, row, skipped) for line, row in rows)
    return [step for step in found if step is not None], skipped, hashlib.sha256(data).hexdigest()


def _step(path: str, line: int, row: dict[str, str], skipped: Counter[str]) -> Step | None:
    match = _STEP.fullmatch(row["job_step"])
    if match is None:
        skipped["parent, batch and extern rows"] += 1
        return None
    if row["req_cpu_freq"] not in SETTINGS:
        skipped["steps at other frequencies"] += 1
        return None
    if row["nodes"]:
        number(path, line, "nodes", row["nodes"], least=1.0)
    if not row["consumed_energy_j"]:
        skipped["steps without energy"] += 1
        return None
    elapsed = number(path, line, "elapsed_s", row["elapsed_s"])
    energy = number(path, line, "consumed_energy_j", row["consumed_energy_j"])
    if elapsed <= 0 or energy <= 0:
        skipped["steps of zero time or energy"] += 1
        return None
    return Step(row["app"], match[1], row["nodes"], row["req_cpu_freq"], elapsed, energy)


def _class(steps: Sequence[Step], nodes: float) -> ClassRuns | None:
    fast = [step for step in steps if step.frequency == "2.25G"]
    slow = [step for step in steps if step.frequency == "2G"]
    if not fast or not slow:
        return None
    full_w = float(np.mean([step.energy_j / step.elapsed_s for step in fast])) / nodes
    pairs = [(a, b) for a in fast for b in slow if a.job == b.job]
    # One step of each frequency in each job: pairs on the same nodes. Else: two samples.
    if len(pairs) == len(fast) == len(slow):
        times = np.array([[1.0, b.elapsed_s / a.elapsed_s] for a, b in pairs])
        energies = np.array([[1.0, b.energy_j / a.energy_j] for a, b in pairs])
        none = np.zeros_like(times)
        if len(pairs) == 1:
            none[:, 1] = math.nan
        return ClassRuns(times, energies, none, none, full_w, len(pairs))
    time, time_error = _ratio([b.elapsed_s for b in slow], [a.elapsed_s for a in fast])
    power, power_error = _ratio([b.energy_j / b.elapsed_s for b in slow], [a.energy_j / a.elapsed_s for a in fast])
    return ClassRuns(
        np.array([[1.0, time]]),
        np.array([[1.0, time * power]]),
        np.array([[0.0, time_error]]),
        np.array([[0.0, power_error]]),
        full_w,
        min(len(fast), len(slow)),
    )


def _ratio(above: Iterable[float], below: Iterable[float]) -> tuple[float, float]:
    """Return the ratio of two means of independent samples and its standard error (first order)."""
    up, down = np.array(list(above)), np.array(list(below))
    ratio = float(up.mean() / down.mean())
    if min(len(up), len(down)) < 2:
        return ratio, math.nan
    relative = (up.std(ddof=1) / up.mean()) ** 2 / len(up) + (down.std(ddof=1) / down.mean()) ** 2 / len(down)
    return ratio, float(ratio * np.sqrt(relative))
