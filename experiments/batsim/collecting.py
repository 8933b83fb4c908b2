"""What Batsim leaves behind: its files, checked to be whole, under the names of a run directory."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from wattq.errors import WattqError

__all__ = ["PREFIX", "IncompleteError", "collect", "job_counts", "output_names"]

PREFIX = "out"
"""What Batsim puts before the names of its files, with an underscore behind it."""

_ALWAYS = ("jobs.csv", "schedule.csv", "machine_states.csv")
_NUMBERS = ("nb_jobs", "scheduling_time", "simulation_time", "consumed_joules")
_FINITE = re.compile(r"-?\d{1,300}(\.\d{1,300})?", re.ASCII)
_WITH_ENERGY = ("pstate_changes.csv", "consumed_energy.csv")
_STATES = {
    "succeeded": "COMPLETED_SUCCESSFULLY",
    "walltime_reached": "COMPLETED_WALLTIME_REACHED",
    "failed": "COMPLETED_FAILED",
    "killed": "COMPLETED_KILLED",
    "rejected": "REJECTED",
}


class IncompleteError(WattqError):
    """Raised when Batsim ended well but a file is missing or cut short, as on a full disk."""


def output_names(energy: bool) -> tuple[str, ...]:
    """Return the names of the files that Batsim writes, without its prefix."""
    return (*_ALWAYS, *_WITH_ENERGY) if energy else _ALWAYS


def collect(source: Path, target: Path, *, energy: bool) -> dict[str, str]:
    """Move Batsim's files to a run directory and return the line of ``schedule.csv`` by column.

    Args:
        source: folder of the files; their names start with `PREFIX` and an underscore.
        target: the run directory.
        energy: whether the files about energy are expected.

    Raises:
        IncompleteError: a file is missing, or does not hold what the others say.
    """
    paths = {name: source / f"{PREFIX}_{name}" for name in output_names(energy)}
    for path in paths.values():
        _check_whole(path)
    schedule = _schedule(paths["schedule.csv"])
    rows = sum(job_counts(paths["jobs.csv"]).values())
    if str(rows) != schedule.get("nb_jobs"):
        raise _cut(paths["jobs.csv"], f"it has {rows} jobs, schedule.csv counts {schedule.get('nb_jobs')}")
    for name, path in paths.items():
        path.replace(target / name)
    return schedule


def job_counts(path: Path) -> dict[str, int]:
    """Return the number of rows of ``jobs.csv`` by final state, in the words of ``summary.json``.

    Raises:
        IncompleteError: a row is cut short.
    """
    rows = _rows(path)
    header = next(rows, [])
    if "final_state" not in header:
        raise _cut(path, "it has no column final_state")
    column = header.index("final_state")
    found = Counter(row[column] if len(row) == len(header) else "" for row in rows)
    unknown = [state for state in found if state not in _STATES.values()]
    if unknown:
        raise _cut(path, f"a row ends early or says {unknown[0]!r} for its final state")
    return {word: found[state] for word, state in _STATES.items()}


def _check_whole(path: Path) -> None:
    try:
        with path.open("rb") as stream:
            stream.seek(0, 2)
            if stream.tell() == 0:
                raise _cut(path, "it is empty")
            stream.seek(-1, 2)
            last = stream.read(1)
    except OSError as error:
        raise IncompleteError(f"Batsim wrote no {path.name} ({error.strerror or error})") from None
    if last != b"\n":
        raise _cut(path, "its last line ends early")


def _rows(path: Path) -> Iterator[list[str]]:
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            yield from csv.reader(stream)
    except (csv.Error, UnicodeDecodeError) as error:
        raise _cut(path, f"it is no CSV text ({error})") from None


def _schedule(path: Path) -> dict[str, str]:
    rows = list(_rows(path))
    if len(rows) != 2 or len(rows[0]) != len(rows[1]):
        raise _cut(path, "it is not one line of names and one of values")
    values = dict(zip(rows[0], rows[1], strict=True))
    for name in _NUMBERS:
        if not _FINITE.fullmatch(values.get(name, "")):
            raise _cut(path, f"{name} is {values.get(name, 'missing')!r}, no number")
    return values


def _cut(path: Path, why: str) -> IncompleteError:
    return IncompleteError(f"Batsim's {path.name} is not whole: {why}; is the disk full?")
