"""Zeus: mean power and time per epoch of training tasks on one V100 under power caps."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from pathlib import Path

import numpy as np

from wattq.errors import InvalidInputError, at
from wattq.platforms.measured.curve import MeasuredCurves
from wattq.platforms.measured.ratios import ClassRuns, curves_of
from wattq.platforms.measured.rows import number, read_rows

__all__ = ["COLUMNS", "read_zeus"]

COLUMNS = ("dataset", "network", "batch_size", "optimizer", "power_limit", "time_per_epoch", "average_power")
_SOURCE = "Zeus (ml-energy), summary_power of training tasks on one NVIDIA V100 (PCIe, 250 W)"
_DEVICE = "Powers are those of the GPU alone; those of its host are not in the file."

_Run = tuple[str, str, str, str]


def read_zeus(path: str | Path) -> MeasuredCurves:
    """Return speed and power under each cap against the highest cap, per training task (data set and network).

    Runs compare at equal batch size and optimizer.

    Args:
        path: CSV with the columns dataset, network, batch_size, optimizer, power_limit, time_per_epoch, average_power.

    Raises:
        MissingFileError: when the file cannot be read.
        InvalidInputError: when a column is missing, a number is not above 0, a run stands twice, there is one cap
            only, or a task has no run at every cap.
    """
    data, rows = read_rows(path, COLUMNS)
    runs: dict[_Run, dict[float, tuple[float, float]]] = defaultdict(dict)
    for line, row in rows:
        cap, time, power = (number(str(path), line, key, row[key]) for key in COLUMNS[4:])
        if min(cap, time, power) <= 0:
            raise InvalidInputError(f"{at(str(path), line)}: cap {cap}, time {time}, power {power}: give all above 0")
        run = (row["dataset"], row["network"], row["batch_size"], row["optimizer"])
        if cap in runs[run]:
            raise InvalidInputError(f"{at(str(path), line)}: run {'/'.join(run)} at {cap:g} W stands twice; keep one")
        runs[run][cap] = time, power
    caps = sorted({cap for run in runs.values() for cap in run}, reverse=True)
    if len(caps) < 2:
        raise InvalidInputError(f"{at(str(path))}: {len(caps)} power cap(s); a curve needs at least two")
    classes, partial = _classes(runs, caps)
    if not classes:
        listed = ", ".join(f"{cap:g}" for cap in caps)
        raise InvalidInputError(f"{at(str(path))}: no run has a row at each cap ({listed} W)")
    curves, reference = curves_of(caps, "W", classes)
    notes = (_DEVICE, *([f"left out: {partial} runs that lack a cap"] if partial else []))
    return MeasuredCurves("zeus-v100", curves, reference, _SOURCE, hashlib.sha256(data).hexdigest(), notes)


def _classes(runs: dict[_Run, dict[float, tuple[float, float]]], caps: list[float]) -> tuple[dict[str, ClassRuns], int]:
    whole = {run: caps_of for run, caps_of in runs.items() if len(caps_of) == len(caps)}
    grouped = defaultdict(list)
    for run, measured in whole.items():
        grouped[f"{run[0]}/{run[1]}"].append([measured[cap] for cap in caps])
    classes = {}
    for name, members in sorted(grouped.items()):
        table = np.array(members)
        times = table[:, :, 0] / table[:, :1, 0]
        energies = times * table[:, :, 1] / table[:, :1, 1]
        # The errors of a single run are not known; the reference itself has none.
        errors = np.zeros_like(times) if len(members) > 1 else np.where(np.arange(len(caps)) == 0, 0.0, np.nan)[None, :]
        classes[name] = ClassRuns(times, energies, errors, errors, float(table[:, 0, 1].mean()), len(members))
    return classes, len(runs) - len(whole)
