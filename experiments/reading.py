"""Reading a run directory: Batsim's output files (wattq's own or those of the real Batsim 4), strictly."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from wattq.errors import InvalidInputError, MissingFileError, at
from wattq.experiments.csvfile import CsvTable, find_file, read_csv, read_text
from wattq.experiments.results import (
    FINAL_STATES,
    MACHINE_STATES,
    EnergyTrace,
    JobTable,
    MachineStates,
    PowerStates,
    RunResults,
    SubmittedJobs,
)

__all__ = ["read_run"]

_JOB_COLUMNS = (
    "job_id",
    "workload_name",
    "submission_time",
    "requested_number_of_resources",
    "requested_time",
    "success",
    "final_state",
    "starting_time",
    "execution_time",
    "finish_time",
    "allocated_resources",
)
_ENERGY_COLUMNS = ("time", "energy", "event_type", "wattmin", "epower")
_SUBMITTED_COLUMNS = ("job_id", "workload_name", "submission_time", "requested_number_of_resources", "user")


def read_run(directory: Path | str, prefix: str = "") -> RunResults:
    """Read a run directory of wattq or of the real Batsim 4.

    Args:
        directory: the folder that holds ``jobs.csv``.
        prefix: what precedes the file names (``out_`` for Batsim's default ``-e out``). When it is empty and there
            is no ``jobs.csv``, ``out_jobs.csv`` is looked for.

    Raises:
        MissingFileError: no directory, or no ``jobs.csv`` in it.
        InvalidInputError: a file breaks its format; the message names file, line and column.
    """
    folder = Path(directory)
    if not folder.is_dir():
        raise MissingFileError(f"{folder}: no such directory; give the folder that holds jobs.csv")
    if not prefix and find_file(folder, "jobs.csv") is None and find_file(folder, "out_jobs.csv") is not None:
        prefix = "out_"
    jobs_path = find_file(folder, f"{prefix}jobs.csv")
    if jobs_path is None:
        raise MissingFileError(f"{folder}: no {prefix}jobs.csv (nor .gz, .xz); give a folder with Batsim's results")
    return RunResults(
        directory=folder,
        jobs=_read_jobs(jobs_path),
        schedule=_read_schedule(find_file(folder, f"{prefix}schedule.csv")),
        machine_states=_read_states(find_file(folder, f"{prefix}machine_states.csv")),
        energy=_read_energy(find_file(folder, f"{prefix}consumed_energy.csv")),
        power_states=_read_power_states(find_file(folder, f"{prefix}pstate_changes.csv")),
        submitted=_read_submitted(find_file(folder, "submitted.csv")),
        summary=_read_json(folder / "summary.json"),
        provenance=_read_json(folder / "provenance.json"),
    )


def _read_jobs(path: Path) -> JobTable:
    table = read_csv(path, _JOB_COLUMNS)
    state = tuple(table.text("final_state"))
    for row, name in enumerate(state):
        if name not in FINAL_STATES:
            raise table.fail(row, "final_state", f"is no final state of Batsim ({', '.join(FINAL_STATES)})")
    energy = table.floats("consumed_energy", missing=("",)) if "consumed_energy" in table.columns else None
    jobs = JobTable(
        key=_keys(table),
        submit_s=table.floats("submission_time"),
        hosts=table.integers("requested_number_of_resources"),
        requested_s=table.floats("requested_time"),
        state=state,
        start_s=table.floats("starting_time", missing=("",)),
        run_s=table.floats("execution_time", missing=("",)),
        finish_s=table.floats("finish_time", missing=("",)),
        allocated=tuple(table.text("allocated_resources")),
        energy_j=np.full(len(table), np.nan) if energy is None else np.where(energy < 0, np.nan, energy),
    )
    _check_jobs(table, jobs)
    return jobs


def _check_jobs(table: CsvTable, jobs: JobTable) -> None:
    ran = ~jobs.rejected
    rules = (
        (ran & np.isnan(jobs.start_s), "starting_time", "is missing although the job was not rejected"),
        (ran & np.isnan(jobs.finish_s), "finish_time", "is missing although the job was not rejected"),
        (ran & ~(jobs.run_s >= -1e-6), "execution_time", "is not a duration"),
        (jobs.hosts < 0, "requested_number_of_resources", "is negative"),
    )
    for bad, column, rule in rules:
        if bad.any():
            raise table.fail(int(np.argmax(bad)), column, rule)
    try:
        _ = jobs.allocation
    except ValueError as error:
        raise table.fail(error.args[1], "allocated_resources", error.args[0]) from None


def _keys(table: CsvTable) -> tuple[str, ...]:
    names = zip(table.text("workload_name"), table.text("job_id"), strict=True)
    return tuple(f"{workload}!{job}" for workload, job in names)


def _read_schedule(path: Path | None) -> dict[str, float]:
    if path is None:
        return {}
    table = read_csv(path, ("makespan", "nb_jobs"))
    if len(table) != 1:
        raise InvalidInputError(f"{at(path)}: {len(table)} lines of values; Batsim writes exactly one")
    names = [name for name in table.columns if name != "batsim_version"]
    return {name: float(table.floats(name, missing=("-nan", "nan"))[0]) for name in names}


def _read_states(path: Path | None) -> MachineStates | None:
    if path is None:
        return None
    columns = [f"nb_{state}" for state in MACHINE_STATES]
    table = read_csv(path, ("time", *columns))
    if not len(table):
        return None
    count = np.stack([table.integers(column) for column in columns], axis=1)
    return MachineStates(table.floats("time"), count)


def _read_energy(path: Path | None) -> EnergyTrace | None:
    if path is None:
        return None
    table = read_csv(path, _ENERGY_COLUMNS)
    if not len(table):
        return None
    time = table.floats("time")
    backwards = np.diff(time, prepend=-np.inf) < 0
    if backwards.any():
        raise table.fail(int(np.argmax(backwards)), "time", "is before the date of the row above")
    return EnergyTrace(time, table.floats("energy"), tuple(table.text("event_type")))


def _read_power_states(path: Path | None) -> PowerStates | None:
    if path is None:
        return None
    table = read_csv(path, ("time", "machine_id", "new_pstate"))
    if not len(table):
        return None
    states = PowerStates(table.floats("time"), tuple(table.text("machine_id")), table.integers("new_pstate"))
    try:
        sizes = states.allocation.size
    except ValueError as error:
        raise table.fail(error.args[1], "machine_id", error.args[0]) from None
    if not sizes.all():
        raise table.fail(int(np.argmin(sizes)), "machine_id", "names no host")
    return states


def _read_submitted(path: Path | None) -> SubmittedJobs | None:
    if path is None:
        return None
    table = read_csv(path, (*_SUBMITTED_COLUMNS, "requested_time"))
    return SubmittedJobs(
        key=_keys(table),
        submit_s=table.floats("submission_time"),
        hosts=table.integers("requested_number_of_resources"),
        requested_s=table.floats("requested_time"),
        user=table.integers("user"),
        queue=table.integers("queue") if "queue" in table.columns else np.full(len(table), -1, dtype=np.int64),
    )


def _read_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        content = json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        if isinstance(error, InvalidInputError):
            raise
        raise InvalidInputError(f"{at(path)}: not JSON ({error})") from error
    if not isinstance(content, dict):
        raise InvalidInputError(f"{at(path)}: a JSON object is expected, not {type(content).__name__}")
    end = content.get("end_s", 0.0)
    if isinstance(end, bool) or not isinstance(end, (int, float)) or not math.isfinite(end):
        raise InvalidInputError(f"{at(path, key='end_s')}: {end!r} is not a finite number of seconds")
    return content
