"""Labels from Slurm's accounting: ConsumedEnergyRaw (or ConsumedEnergy) of a ``sacct`` print.

The row of a job holds the energy of the whole; where it is empty or 0 (plug-ins write none there), the energies of its
numbered steps are added. Rows ``.batch`` and ``.extern`` measure the same nodes again and are never added. 0 and
18446744073709551614 (Slurm's NO_VAL64) mean that nothing was measured. Source: sacct(1),
https://slurm.schedmd.com/sacct.html.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wattq.errors import SurrogateError
from wattq.files import read_plain
from wattq.surrogates.energy.jobs import EnergyJobs, EnergyLabels
from wattq.workloads.sacct_rows import JOB_ID, read_rows
from wattq.workloads.sacct_values import count, duration_s, minutes_s, tres
from wattq.workloads.text_table import TextTable, amount

__all__ = ["is_sacct_energy", "parse_sacct_energy", "sacct_labels"]

Floats = NDArray[np.float64]

_ENERGY = re.compile(r"(\d{1,15}(?:\.\d{1,9})?)([KMGTP]?)", re.ASCII)
_FREQUENCY = re.compile(r"(\d{1,12}(?:\.\d{1,6})?)([KMG]?)(?:Hz)?", re.ASCII)
_NO_VALUE = {"", "0", "18446744073709551614", "18446744073709551615"}
_POWER = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4, "P": 5}
_NAN = math.nan


def is_sacct_energy(first_line: str) -> bool:
    """Return whether the first line of a text is the header of a sacct print with energies."""
    names = {cell.strip().lower() for cell in re.split(r"[|,;\t ]+", first_line.strip())}
    return "jobid" in names and bool(names & {"consumedenergyraw", "consumedenergy"})


def sacct_labels(path: str | Path) -> EnergyLabels:
    """Return the jobs of a sacct print whose energy was measured.

    Needed are JobID, ConsumedEnergyRaw or ConsumedEnergy, ElapsedRaw or Elapsed, and NNodes, AllocNodes or AllocTRES.
    Used where they are there: ReqCPUFreq (of the job or its steps), TimelimitRaw or Timelimit, User, Partition,
    JobName (as application), and gres/gpu of AllocTRES.

    Raises:
        MissingFileError: when the file cannot be read.
        InvalidInputError: when a cell breaks its rule, or no job has an energy.
    """
    return parse_sacct_energy(read_plain(path), str(path))


def parse_sacct_energy(data: bytes, source: str) -> EnergyLabels:
    """Return the labels of the plain content of a print; see `sacct_labels`."""
    table = read_rows(data, source, {"jobid": lambda text: JOB_ID.fullmatch(text) is not None})
    table.require("jobid", what="a label belongs to a job")
    skipped: Counter[str] = Counter()
    rows, energy, clock = _measured(table, _energies(table), skipped)
    nodes, run = _nodes(table), _run_times(table)
    good = (nodes[rows] >= 1) & (run[rows] > 0)
    skipped["jobs without nodes or run time"] += int((~good).sum())
    rows, energy, clock = rows[good], energy[good], clock[good]
    if not rows.size:
        raise SurrogateError(
            f"{source}: no job with measured energy ({_told(skipped)}); sacct prints it where Slurm gathers energy "
            "(AcctGatherEnergyType)"
        )
    return EnergyLabels(
        jobs=_jobs(table, rows, nodes, clock),
        run_s=run[rows],
        energy_j=energy,
        label_source="measured",
        source=source,
        sha256=table.sha256,
        job_id=tuple(table.column("jobid")[rows].tolist()),
        notes=tuple(f"left out: {number} {what}" for what, number in sorted(skipped.items()) if number),
    )


def _jobs(table: TextTable, rows: NDArray[np.int64], nodes: Floats, clock: Floats) -> EnergyJobs:
    gpus = table.convert("alloctres", lambda text: tres(text, "gres/gpu"), "a list of resources")
    raw = table.convert("timelimitraw", minutes_s, "a number of minutes")
    limit = np.where(np.isnan(raw), table.convert("timelimit", duration_s, "a duration"), raw)
    return EnergyJobs.of(
        nodes[rows],
        request_s=limit[rows],
        frequency_ghz=clock,
        gpus=(gpus / nodes)[rows],
        application=table.column("jobname")[rows].astype(np.str_),
        user=table.column("user")[rows].astype(np.str_),
        queue=table.column("partition")[rows].astype(np.str_),
    )


def _energies(table: TextTable) -> Floats:
    if not {"consumedenergyraw", "consumedenergy"} & set(table.columns):
        table.require("consumedenergyraw", what="it holds the joules")
    raw = table.convert("consumedenergyraw", _joules, "a number of joules")
    return np.where(np.isnan(raw), table.convert("consumedenergy", _joules, "joules such as 61215519 or 61.22M"), raw)


def _joules(text: str) -> float | None:
    """Return joules; ConsumedEnergy shortens by 1000 (``61.22M``)."""
    if text in _NO_VALUE:
        return _NAN
    match = _ENERGY.fullmatch(text)
    return float(match[1]) * 1000.0 ** _POWER[match[2]] or _NAN if match else None


def _measured(table: TextTable, energy: Floats, skipped: Counter[str]) -> tuple[NDArray[np.int64], Floats, Floats]:
    """Return the rows of jobs with energy, their joules and clocks."""
    jobs: dict[str, int] = {}
    steps: dict[str, list[int]] = defaultdict(list)
    for row, text in enumerate(table.column("jobid").tolist()):
        match = JOB_ID.fullmatch(text)
        if match is None:
            raise table.refusal(row, "jobid", "a job id such as 17, 17_3, 17+1, or a step such as 17.batch")
        if match["step"] is None:
            jobs[match["job"]] = row
        elif match["step"][1:].isdecimal():
            steps[match["job"]].append(row)
        else:
            skipped["batch, extern and interactive rows"] += 1
    clock = table.convert("reqcpufreq", _ghz, "a clock such as 2.25G or 2250000 (kHz)")
    found = []
    for job, row in jobs.items():
        own = [step for step in steps.get(job, []) if energy[step] > 0]
        joules = energy[row] if energy[row] > 0 else float(energy[own].sum()) if own else _NAN
        clocks = {float(clock[step]) for step in steps.get(job, []) if clock[step] > 0}
        found.append((row, joules, clock[row] if clock[row] > 0 else clocks.pop() if len(clocks) == 1 else _NAN))
    rows, joules, ghz = (np.array(column) for column in zip(*found, strict=True)) if found else (np.empty(0),) * 3
    good = joules > 0
    skipped["jobs without measured energy"] += int((~good).sum())
    return rows[good].astype(np.int64), joules[good].astype(np.float64), ghz[good].astype(np.float64)


def _ghz(text: str) -> float | None:
    """Return a clock in GHz: ``2.25G``, ``2250M``, or kHz; NaN for a governor (``Performance``) and ``Unknown``."""
    if text in ("", "0") or text[:1].isalpha():
        return _NAN
    match = _FREQUENCY.fullmatch(text)
    return float(match[1]) * {"": 1e-6, "K": 1e-6, "M": 1e-3, "G": 1.0}[match[2]] or _NAN if match else None


def _nodes(table: TextTable) -> Floats:
    nodes = np.full(table.n_rows, np.nan)
    for name in ("allocnodes", "nnodes"):
        nodes = np.where(nodes > 0, nodes, table.convert(name, count, "a count such as 36 or 2K"))
    return np.where(
        nodes > 0, nodes, table.convert("alloctres", lambda text: tres(text, "node"), "a list of resources")
    )


def _run_times(table: TextTable) -> Floats:
    if "elapsedraw" in table.columns:
        return table.convert("elapsedraw", amount, "a number of seconds")
    table.require("elapsed", what="a label has a run time (ElapsedRaw or Elapsed)")
    return table.convert("elapsed", duration_s, "a duration such as 12:30:00")


def _told(skipped: Counter[str]) -> str:
    return ", ".join(f"{number} {what}" for what, number in sorted(skipped.items()) if number) or "the file has no jobs"
