"""From the columns of any log to the rows that are cleaned: unknown is -1, ids are kept, size is stated."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from wattq.errors import WorkloadError
from wattq.workloads.batsim_json import FORBIDDEN
from wattq.workloads.swf import FIELDS, SwfTable
from wattq.workloads.swf_header import SwfHeader
from wattq.workloads.text_table import TextTable, numbered

__all__ = ["LogRows", "names_note"]

_Rows = NDArray[np.float64]
_LARGEST = 2.0**53 - 1
_MOST_PROCESSORS = 2.0**31 - 1
_PROCESSOR_FIELDS = ("allocated", "requested")
_NUMBERED = re.compile(r"(\d{1,15})(?:([_+])(\d{1,15}))?", re.ASCII)
_LONGEST_ID = 200
# a name such as w0 inside an id would be taken for the workload's
_UNFIT = re.compile(FORBIDDEN.pattern + r"|\s|w\d", re.ASCII)
_NAMED = {"user": "users", "group": "groups", "queue": "queues", "executable": "applications"}


@dataclass
class LogRows:
    """Rows of a log on their way to an `SwfTable`.

    Attributes:
        table: the rows as texts; messages take source and lines from it.
        fields: SWF column -> values, length n_rows; NaN is unknown. ``submit`` and ``start`` are dates on one axis, s.
        unit: what the sizes count: ``core``, ``node``, ``GPU`` or ``host``.
        set_aside: reason -> rows of the file that are no jobs (events, steps, jobs that never started).
        sizes: other measures of size by the word of the option: ``nodes``, ``gpus``.
        header: SWF header fields that the file implies.
        notes: sentences about the file.
        repairs: rows changed while reading, and why.
        names: ``user``, ``group``, ``queue`` -> names by number.
        ids: id of each job as the log writes it.
        fractions: whether sizes are fractions of a machine.
    """

    table: TextTable
    fields: dict[str, _Rows]
    unit: str
    set_aside: dict[str, int] = field(default_factory=dict)
    sizes: dict[str, _Rows] = field(default_factory=dict)
    header: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    repairs: list[tuple[NDArray[np.bool_], str]] = field(default_factory=list)
    names: dict[str, tuple[str, ...]] = field(default_factory=dict)
    ids: NDArray[np.object_] | None = None
    fractions: bool = False

    def number(self, key: str, texts: NDArray[np.object_]) -> None:
        """Number users, groups or queues in order of appearance; the names stay out of the table of jobs."""
        self.fields[key], self.names[key] = numbered(texts)

    def on_calendar(self, zone: str | None) -> None:
        """Move date 0 of submissions and starts to the second of the first submission, and note its Unix time."""
        submit = self.fields["submit"]
        known = submit[np.isfinite(submit)]
        origin = float(np.floor(known.min())) if known.size else 0.0
        for key in ("submit", "start"):
            self.fields[key] = self.fields[key] - origin
        self.header["UnixStartTime"] = str(int(origin))
        if zone is not None:
            self.header["TimeZoneString"] = zone

    def build(self) -> SwfTable:
        """Return the rows in the columns of an SWF log.

        Raises:
            WorkloadError: when a number is too large; the message names the line.
        """
        self._derive_wait()
        count = self.table.n_rows
        columns = np.full((len(FIELDS), count), -1.0)
        for key, values in self.fields.items():
            most = _MOST_PROCESSORS if key in _PROCESSOR_FIELDS else _LARGEST
            self._check(key, values, most)
            columns[FIELDS.index(key)] = np.where(np.isnan(values), -1.0, values)
        numbers, ids = self._identify()
        if numbers is not None:
            columns[FIELDS.index("number")] = numbers
        return SwfTable(
            source=self.table.source,
            sha256=self.table.sha256,
            header=SwfHeader({key: (value,) for key, value in self.header.items()}),
            columns=columns,
            ids=ids,
            unit=self.unit,
            fractions=self.fractions,
            sizes=self.sizes,
            set_aside={reason: n for reason, n in self.set_aside.items() if n},
            repairs=tuple(self.repairs),
            notes=(*self.notes, *names_note(self.names)),
            names=self.names,
        )

    def _derive_wait(self) -> None:
        start = self.fields.pop("start", None)
        if start is None:
            return
        wait = start - self.fields["submit"]
        early = wait < 0
        self.repairs.append((early, "recorded start before the submission: start unknown"))
        self.fields["wait"] = np.where(early, np.nan, wait)

    def _check(self, key: str, values: _Rows, most: float) -> None:
        bad = np.flatnonzero(np.abs(values) > most)
        if bad.size:
            line = int(self.table.lines[bad[0]])
            raise WorkloadError(
                f"{self.table.source}, line {line}: {key} is {values[bad[0]]:g}; it must not exceed {most:.0f}; "
                "mend or remove the row"
            )

    def _identify(self) -> tuple[_Rows | None, tuple[str, ...]]:
        if self.ids is None:
            return None, ()
        texts = [str(text) for text in self.ids]
        parts = [_NUMBERED.fullmatch(text) for text in texts]
        if all(part is not None and part.group(2) is None for part in parts):
            return np.array([float(text) for text in texts]), ()
        if len(set(texts)) < len(texts) or not all(map(_is_fit, texts)):
            return None, ()
        widths = [max((len(part.group(k) or "") for part in parts if part), default=0) for k in (1, 3)]
        return None, tuple(_padded(text, part, widths) for text, part in zip(texts, parts, strict=True))


def _is_fit(text: str) -> bool:
    """Return whether a text can be a Batsim job id: ``w0!id`` must split in one way."""
    return bool(text) and len(text) <= _LONGEST_ID and text.isprintable() and _UNFIT.search(text) is None


def _padded(text: str, part: re.Match[str] | None, widths: list[int]) -> str:
    """Return an id such as 17_3 with zeros before its numbers, so that byte order is numeric order."""
    if part is None:
        return text
    head, sign, tail = part.groups()
    return head.zfill(widths[0]) + (sign + tail.zfill(widths[1]) if sign else "")


def names_note(names: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Return the sentence that says what became numbers."""
    counts = [f"{len(found)} {_NAMED[key]}" for key, found in names.items() if found]
    return [f"{', '.join(counts)}: numbered in order of appearance, names are not kept"] if counts else []
