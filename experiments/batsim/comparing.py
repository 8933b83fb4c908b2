"""Two run directories of the same simulation, cell by cell.

Cells must be equal as text, but for what depends on the machine that ran the simulation or on the last digits of sums:
real times and versions are left out, energies may differ by 1e-6 (relative), mean powers only count over steps that
are longer than 2 microseconds, slowdowns only of jobs that ran for a microsecond, and sums may differ in the last
printed digit.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from wattq.errors import MissingFileError
from wattq.experiments.batsim.collecting import output_names

__all__ = ["ENERGY_REL", "Difference", "energy_gap", "first_difference"]

ENERGY_REL = 1e-6
"""Largest relative difference of energies that counts as equal."""

_IGNORED = ("scheduling_time", "simulation_time", "batsim_version")
_ENERGIES = ("consumed_energy", "consumed_joules", "energy", "wattmin")
_SLOWDOWNS = ("max_slowdown", "mean_slowdown")
_LAST_DIGIT = 1.5e-6
_SHORTEST_STEP_S = 2e-6
_SHORTEST_RUN_S = 1e-6

Row = Mapping[str, str]


@dataclass(frozen=True)
class Difference:
    """The first thing that differs.

    Attributes:
        file: name of the file.
        place: the job (``w0!7``) or row (``row 3``).
        column: name of the column; empty when a whole row or file differs.
        left, right: both values.
    """

    file: str
    place: str
    column: str
    left: str
    right: str

    def text(self, left: str, right: str) -> str:
        """Return the difference in words.

        Args:
            left: what to call the left side.
            right: what to call the right side.
        """
        column = f", column {self.column}" if self.column else ""
        place = f", {self.place}" if self.place else ""
        return f"{self.file}{place}{column}: {left} {self.left!r}, {right} {self.right!r}"


def first_difference(left: Path, right: Path, *, energy: bool) -> Difference | None:
    """Return the first difference between two run directories, jobs first and by date of start; None without one.

    Args:
        left: a run directory.
        right: another one.
        energy: whether energy was counted.

    Raises:
        MissingFileError: a file is missing on the left.
    """
    short = False
    for name in output_names(energy):
        before, after = _table(left / name), _table(right / name)
        found = _header(name, before, after)
        if found is None and name == "jobs.csv":
            found = _jobs(before, after)
            short = any(_is_short(row) for row in before[1])
        elif found is None:
            rules = dict.fromkeys(_SLOWDOWNS, _anything) if short and name == "schedule.csv" else {}
            found = _rows(name, before, after, rules)
        if found is not None:
            return found
    return None


def energy_gap(left: Path, right: Path) -> float:
    """Return the relative difference of the consumed energy of two run directories."""
    joules = [float(_table(folder / "schedule.csv")[1][0]["consumed_joules"]) for folder in (left, right)]
    return abs(joules[0] - joules[1]) / max(abs(joules[0]), abs(joules[1]), 1e-300)


Table = tuple[list[str], list[Row]]


def _table(path: Path) -> Table:
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.reader(stream))
    except OSError as error:
        raise MissingFileError(f"{path}: cannot be read ({error.strerror or error})") from None
    header = rows[0] if rows else []
    return header, [dict(zip(header, row, strict=False)) for row in rows[1:]]


def _header(name: str, left: Table, right: Table) -> Difference | None:
    if left[0] == right[0]:
        return None
    return Difference(name, "", "header", ",".join(left[0]), ",".join(right[0]))


def _jobs(left: Table, right: Table) -> Difference | None:
    """Compare jobs by id: the one that started first, of those that differ, is the first difference."""
    others = {_key(row): row for row in right[1]}
    found = []
    for row in left[1]:
        other = others.pop(_key(row), None)
        difference = _job(row, other)
        if difference is not None:
            submitted_s = _number(row.get("submission_time", ""), 0.0)
            found.append((_number(row.get("starting_time", ""), submitted_s), difference))
    if found:
        return min(found, key=lambda item: item[0])[1]
    for key in others:
        return Difference("jobs.csv", f"job {key}", "", "missing", "present")
    order = [(_key(a), _key(b)) for a, b in zip(left[1], right[1], strict=True)]
    moved = next((row for row, (a, b) in enumerate(order) if a != b), None)
    return None if moved is None else Difference("jobs.csv", f"row {moved + 1}", "job_id", *order[moved])


def _key(row: Row) -> str:
    return f"{row.get('workload_name', '')}!{row.get('job_id', '')}"


def _job(row: Row, other: Row | None) -> Difference | None:
    place = f"job {_key(row)}"
    if other is None:
        return Difference("jobs.csv", place, "", "present", "missing")
    rules: dict[str, Rule] = {"stretch": _anything} if _is_short(row) else {}
    return _cells("jobs.csv", place, row, other, rules)


def _is_short(row: Row) -> bool:
    """Return whether a job ran for less than a microsecond, so that its slowdown has no meaning."""
    return _number(row.get("execution_time", ""), math.inf) < _SHORTEST_RUN_S


def _rows(name: str, left: Table, right: Table, rules: Mapping[str, Rule]) -> Difference | None:
    before_s = 0.0
    for number, (row, other) in enumerate(zip(left[1], right[1], strict=False), start=1):
        if name == "consumed_energy.csv":
            now_s = _number(row.get("time", ""), math.nan)
            rules = {"epower": _mean_power(now_s - before_s, _number(row.get("energy", ""), 0.0))}
            before_s = now_s
        found = _cells(name, f"row {number}", row, other, rules)
        if found is not None:
            return found
    if len(left[1]) != len(right[1]):
        return Difference(name, "", "number of rows", str(len(left[1])), str(len(right[1])))
    return None


Rule = Callable[[str, str], bool]


def _cells(name: str, place: str, row: Row, other: Row, rules: Mapping[str, Rule]) -> Difference | None:
    for column, value in row.items():
        again = other.get(column, "missing")
        if value != again and not rules.get(column, _rule(column))(value, again):
            return Difference(name, place, column, value, again)
    return None


def _rule(column: str) -> Rule:
    """Return when two different texts of a column are equal all the same."""
    if column in _IGNORED:
        return _anything
    if column in _ENERGIES:
        return _near(ENERGY_REL, 2 * _LAST_DIGIT)
    if column.startswith(("mean_", "time_")):
        return _near(1e-12, _LAST_DIGIT)
    return _same_nan


def _anything(left: str, right: str) -> bool:
    return True


def _same_nan(left: str, right: str) -> bool:
    return {left, right} == {"nan", "-nan"}


def _near(relative: float, absolute: float) -> Rule:
    def equal(left: str, right: str) -> bool:
        a, b = _number(left, math.nan), _number(right, math.nan)
        if math.isnan(a) or math.isnan(b):
            return _same_nan(left, right)
        return abs(a - b) <= max(absolute, relative * max(abs(a), abs(b)))

    return equal


def _mean_power(step_s: float, energy_j: float) -> Rule:
    """Return the rule of ``epower``: energy, rounded when it was summed up, over a step of time."""
    if not step_s >= _SHORTEST_STEP_S:
        return _anything
    return _near(ENERGY_REL, 4e-15 * energy_j / step_s + _LAST_DIGIT)


def _number(text: str, default: float) -> float:
    try:
        return float(text)
    except ValueError:
        return default
