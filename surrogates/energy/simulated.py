"""Labels from a simulated run: the joules that Batsim or wattq wrote into jobs.csv."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from wattq.errors import SurrogateError
from wattq.files import read_plain
from wattq.surrogates.energy.jobs import EnergyJobs, EnergyLabels
from wattq.workloads.text_table import TextTable, amount, read_csv

__all__ = ["is_jobs_csv", "parse_jobs_csv", "simulated_labels"]

_COLUMNS = ("job_id", "requested_number_of_resources", "requested_time", "execution_time", "consumed_energy")
_RULE = "a number"


def is_jobs_csv(first_line: str) -> bool:
    """Return whether the first line of a text is the header of Batsim's jobs.csv."""
    return {"execution_time", "final_state", "allocated_resources"} <= set(first_line.strip().split(","))


def simulated_labels(path: str | Path) -> EnergyLabels:
    """Return the jobs of a run with energy (``wattq run --energy``, ``batsim -E``); users from submitted.csv, if any.

    Args:
        path: the folder of the run, or its jobs.csv.

    Raises:
        MissingFileError: when there is no jobs.csv.
        InvalidInputError: when it breaks its format, or no job has joules.
    """
    path = Path(path)
    file = next((f for f in _candidates(path) if f.is_file()), path / "jobs.csv") if path.is_dir() else path
    labels = parse_jobs_csv(read_plain(file), str(file))
    submitted = file.with_name("submitted.csv")
    return _with_users(labels, submitted) if submitted.is_file() else labels


def _candidates(folder: Path) -> list[Path]:
    return [folder / f"{prefix}jobs.csv{ending}" for prefix in ("", "out_") for ending in ("", ".gz", ".xz")]


def parse_jobs_csv(data: bytes, source: str) -> EnergyLabels:
    """Return the labels of the plain content of a jobs.csv; see `simulated_labels`."""
    table = read_csv(data, source)
    table.require(*_COLUMNS, what="a run with energy has it")
    run, energy = table.convert("execution_time", amount, _RULE), table.convert("consumed_energy", amount, _RULE)
    nodes = table.convert("requested_number_of_resources", amount, _RULE)
    kept = (run > 0) & (energy > 0) & (nodes >= 1)
    if not kept.any():
        raise SurrogateError(f"{source}: no job has joules; simulate with --energy on a platform with powers")
    left_out = int((~kept).sum())
    return EnergyLabels(
        jobs=EnergyJobs.of(nodes[kept], request_s=_requested(table)[kept]),
        run_s=run[kept],
        energy_j=energy[kept],
        label_source="simulated",
        source=source,
        sha256=table.sha256,
        job_id=_keys(table.select(kept)),
        notes=(f"left out: {left_out} jobs that did not run or have no joules",) if left_out else (),
    )


def _requested(table: TextTable) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    requested = table.convert("requested_time", amount, _RULE)
    return np.where(requested > 0, requested, np.nan)


def _keys(table: TextTable) -> tuple[str, ...]:
    workload, job = table.column("workload_name").tolist(), table.column("job_id").tolist()
    return tuple(f"{w}!{j}" if w else j for w, j in zip(workload, job, strict=True))


def _with_users(labels: EnergyLabels, submitted: Path) -> EnergyLabels:
    from dataclasses import replace

    table = read_csv(read_plain(submitted), str(submitted))
    table.require("job_id", "workload_name", "user", what="it says who submitted what")
    users = dict(zip(_keys(table), table.column("user").tolist(), strict=True))
    texts = np.array(["" if (u := users.get(job, "")) == "-1" else u for job in labels.job_id], dtype=np.str_)
    return replace(labels, jobs=replace(labels.jobs, user=texts))
