"""The cells of an accounting table, by column, and what is written of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattq.errors import WorkloadError
from wattq.workloads.anonymize_cells import (
    clock_text,
    date_of,
    date_text,
    memory_of,
    number_of,
    safe_code,
    safe_state,
    safe_tres,
    span_of,
)
from wattq.workloads.anonymize_columns import HASHED, VOCABULARY, plain
from wattq.workloads.anonymize_hash import Pseudonyms
from wattq.workloads.anonymize_nodes import expand_nodes, map_nodes
from wattq.workloads.anonymize_options import AnonymizeOptions
from wattq.workloads.anonymize_rounding import coarse_dates, coarse_sizes, coarse_spans, floor_to
from wattq.workloads.profiles import number_text

__all__ = ["TableFrame", "written_cells"]

_Numbers = NDArray[np.float64]

_JOB = re.compile(r"(\d{1,18})((?:_(?:\d{1,9}|\[[0-9,%-]{1,2000}\]))?(?:\+\d{1,9})?)", re.ASCII)
_MOST_NODES = 2 * 10**7
_UNKNOWN = VOCABULARY["unknown"] | {""}


@dataclass(frozen=True)
class TableFrame:
    """The rows of jobs, by column.

    Attributes:
        columns: name -> cells.
        all_roles: name -> role of the column, empty where none is known.
        roles: name -> role of the columns that are written; ``keep`` is written as it is.
    """

    columns: Mapping[str, Sequence[str]]
    all_roles: Mapping[str, str]
    roles: Mapping[str, str]

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(next(iter(self.columns.values()), ()))

    def first(self, role: str) -> str | None:
        """Return the name of the first column of a role, written or not."""
        return next((name for name, own in self.all_roles.items() if own == role), None)

    def numbers(self, role: str, read: Callable[[str], float | None]) -> _Numbers:
        """Return the first column of a role as numbers; NaN where a cell is none or no column has the role."""
        name = self.first(role)
        return np.full(self.n_rows, np.nan) if name is None else _read(self.columns[name], read)

    def people(self) -> list[str | None]:
        """Return the user of each row, None where unknown, from the first column of users that names one."""
        for name, role in self.all_roles.items():
            if role == "user" and any(cell.strip() not in _UNKNOWN for cell in self.columns[name]):
                return [None if cell.strip() in _UNKNOWN else cell.strip() for cell in self.columns[name]]
        return [None] * self.n_rows

    def different_ids(self, name: str) -> set[str]:
        """Return the ids in a column; lists of nodes are taken apart."""
        cells = {cell.strip() for cell in self.columns[name]} - _UNKNOWN
        if self.all_roles[name] != "nodes":
            return cells
        return {node for cell in cells for node in expand_nodes(cell) or [cell]}

    def work(self, sizes: Sequence[str]) -> list[float] | None:
        """Return run time x size of each row by the first of `sizes` (plain names) there is; unknown counts as 0."""
        there = {plain(name): name for name in self.columns}
        name = next((there[size] for size in sizes if size in there), None)
        run = self.numbers("run", span_of)
        if name is None or np.isnan(run).all():
            return None
        work: list[float] = np.nan_to_num(run * _read(self.columns[name], number_of), nan=0.0).tolist()
        return work


def _read(cells: Sequence[str], read: Callable[[str], float | None]) -> _Numbers:
    known = {cell: read(cell.strip()) for cell in set(cells)}
    return np.array([np.nan if (value := known[cell]) is None else value for cell in cells], dtype=np.float64)


def written_cells(
    frame: TableFrame, pseudonyms: Pseudonyms, options: AnonymizeOptions
) -> tuple[dict[str, list[str]], dict[str, int]]:
    """Return the cells that are written of each column, and how many had to be emptied.

    Raises:
        WorkloadError: the lists of nodes are too long in all.
    """
    writer = _Writer(frame, pseudonyms, options)
    written = {name: writer.column(name, role) for name, role in frame.roles.items()}
    emptied = {
        name: sum(not new and old.strip() != "" for old, new in zip(frame.columns[name], cells, strict=True))
        for name, cells in written.items()
    }
    return written, emptied


class _Writer:
    """Writes columns, each by its role."""

    def __init__(self, frame: TableFrame, pseudonyms: Pseudonyms, options: AnonymizeOptions) -> None:
        self._frame, self._pseudonyms, self._options = frame, pseudonyms, options
        dates = [frame.numbers(role, date_of) for role in ("submit", "start", "end")]
        run = frame.numbers("run", span_of)
        dates[2] = np.where(np.isnan(dates[2]), dates[1] + run, dates[2])
        self._run = dates[2] - dates[1]
        coarse = coarse_dates(dates[0], dates[1], dates[2], options)
        self._dates = dict(zip(("submit", "start", "end"), coarse, strict=True))
        self._coarse_run = coarse[2] - coarse[1]

    def column(self, name: str, role: str) -> list[str]:
        """Return the cells of a column as they are written."""
        cells = self._frame.columns[name]
        if role == "keep":
            return list(cells)
        cells = [cell.strip() for cell in cells]
        if role in HASHED or role == "job":
            return self._ids(cells, role)
        if role in self._dates or role == "eligible":
            return self._date_column(cells, role)
        if role in ("run", "limit", "minutes", "spent"):
            return self._span_column(cells, role)
        if role == "size":
            return self._numbers(cells)
        change = {"memory": self._memory, "tres": safe_tres, "state": safe_state, "code": safe_code}[role]
        made = {cell: cell if cell in _UNKNOWN else change(cell) or "" for cell in set(cells)}
        return [made[cell] for cell in cells]

    def _ids(self, cells: Sequence[str], role: str) -> list[str]:
        made: dict[str, str] = {}
        length = 0
        for cell in cells:
            if cell not in made:
                made[cell] = cell if cell in _UNKNOWN else self._id(cell, role)
            length += made[cell].count(",")
            if length > _MOST_NODES:
                raise WorkloadError(
                    f"lists of nodes with more than {_MOST_NODES} names in all; remove the column or split the file"
                )
        return [made[cell] for cell in cells]

    def _id(self, cell: str, role: str) -> str:
        if role == "nodes":
            return map_nodes(cell, lambda node: self._pseudonyms.text("node", node))
        if role == "queue" and cell.isascii() and cell.isdigit():
            return cell if len(cell) <= 3 else ""
        if role == "job":
            match = _JOB.fullmatch(cell)
            return self._pseudonyms.text("job", match[1]) + match[2] if match else self._pseudonyms.text("job", cell)
        return self._pseudonyms.text(HASHED[role], cell)

    def _date_column(self, cells: Sequence[str], role: str) -> list[str]:
        own = _read(cells, date_of)
        if self._options.tier == "gold":
            return [cell if known or cell in _UNKNOWN else "" for cell, known in zip(cells, own == own, strict=True)]
        new = self._dates[role] if role in self._dates else floor_to(own, self._options.step_s)
        return [
            (cell if cell in _UNKNOWN else "") if value != value or seconds != seconds else date_text(seconds, cell)
            for cell, value, seconds in zip(cells, own.tolist(), new.tolist(), strict=True)
        ]

    def _span_column(self, cells: Sequence[str], role: str) -> list[str]:
        words = VOCABULARY["limit"] | {""}
        own = _read(cells, span_of)
        if self._options.tier == "gold":
            return [cell if known or cell in words else "" for cell, known in zip(cells, own == own, strict=True)]
        unit = 60.0 if role == "minutes" else 1.0
        new = coarse_spans(own * unit, self._options) / unit
        if role == "run":
            # what the dates say, so that a table stays free of contradictions
            new = np.where(np.abs(own - self._run) < 1, self._coarse_run, new)
        return [
            (cell if cell in words else "") if value != value else clock_text(seconds, cell)
            for cell, value, seconds in zip(cells, own.tolist(), new.tolist(), strict=True)
        ]

    def _numbers(self, cells: Sequence[str]) -> list[str]:
        own = _read(cells, number_of)
        most = float(np.nanmax(own)) if not np.isnan(own).all() else 0.0
        new = coarse_sizes(own, self._options, most=most)
        return [
            (cell if cell in _UNKNOWN else "") if value != value else number_text(value)
            for cell, value in zip(cells, new.tolist(), strict=True)
        ]

    def _memory(self, cell: str) -> str | None:
        amount = memory_of(cell)
        if amount is None:
            return None
        return number_text(float(coarse_sizes(np.array([amount[0]]), self._options)[0])) + amount[1]
