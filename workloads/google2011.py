"""Google's cluster of 2011: the events of jobs (table ``job_events`` of clusterdata-2011-2).

Columns: time in microseconds, missing info, job, event, user, scheduling class, two names. Events: 0 SUBMIT,
1 SCHEDULE, 2 EVICT, 3 FAIL, 4 FINISH, 5 KILL, 6 LOST, 7 and 8 updates. Time 0 is before the trace, 2^63 - 1 after it.
A job lasts from its first SCHEDULE to its last end. The events say nothing of sizes: each job is one processor.

Source: C. Reiss, J. Wilkes, J. Hellerstein, Google cluster-usage traces: format + schema, revision 2014-11-17: date 0
is 600 s before 2011-05-01 19:00 EDT.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattq.errors import WorkloadError
from wattq.workloads.log_table import LogRows
from wattq.workloads.options import CleaningOptions
from wattq.workloads.swf import SwfTable
from wattq.workloads.text_table import amount, factorize, read_csv, whole_number

__all__ = ["is_job_events", "parse_google2011_table"]

_COLUMNS = ("time", "missing", "job", "event", "user", "class", "name", "logical name")
_LINE = re.compile(r"\d{1,19},[0-2]?,\d{1,19},[0-8],[^,]*,[0-3]?,[^,]*,[^,]*", re.ASCII)
_END_OF_TIME = 2.0**63 - 2.0**20
_LATEST_US = 2.0**52
_STATUS = np.array([-1, -1, 0, 0, 1, 5, 0, -1, -1], dtype=np.float64)
_BEGIN_UNIX_S = 1_304_290_200
_Mask = NDArray[np.bool_]


def is_job_events(first_line: str) -> bool:
    """Return whether a line is a row of the table ``job_events``."""
    return _LINE.fullmatch(first_line.strip()) is not None


def parse_google2011_table(data: bytes, source: str, options: CleaningOptions) -> SwfTable:
    """Return the jobs of some event files (one after the other) in the columns of an SWF log; nothing is cleaned.

    Jobs submitted or started before the trace or the slice, and jobs without an end in it, are counted and left out.
    The scheduling class (0 to 3) is the queue.

    Raises:
        WorkloadError: names line, column, value and rule.
    """
    events = read_csv(data, source, names=_COLUMNS)
    time = events.convert("time", _microseconds, "a time in microseconds, 0 to 2^63 - 1")
    kind = events.convert("event", _event, "an event from 0 to 8")
    job, jobs = factorize(events.column("job"))
    if not len(jobs):
        raise WorkloadError(f"{source}: no events; is this the whole file?")
    spans = _spans(time, kind, job, len(jobs))
    aside = {"further events of a job": events.n_rows - len(jobs)}
    kept = _ended(spans, aside)
    table = events.select(_first_of(job, events.n_rows)).select(kept)
    run = (spans.end - spans.start)[kept] / 1e6
    fields = {"submit": spans.submit[kept] / 1e6, "start": spans.start[kept] / 1e6, "run": run}
    fields["allocated"] = np.ones(table.n_rows)
    fields["status"] = _STATUS[spans.last[kept].astype(np.int64)]
    fields["queue"] = table.convert("class", whole_number, "a scheduling class from 0 to 3")
    rows = LogRows(table, fields, "processor", set_aside=aside, ids=table.column("job"))
    rows.header["UnixStartTime"] = str(_BEGIN_UNIX_S)
    rows.repairs.append((np.ones(table.n_rows, dtype=bool), "job events hold no size: 1 processor taken"))
    rows.repairs.append((spans.starts[kept] > 1, "ran more than once: from its first start to its last end"))
    rows.number("user", table.column("user"))
    guessed = int(np.count_nonzero(events.column("missing") != ""))
    if guessed:
        rows.notes.append(f"{guessed} events were filled in by the publisher (missing info)")
    return rows.build()


@dataclass(frozen=True)
class _Spans:
    """Of each job: dates in microseconds (NaN where there is none), starts, and its last event that is no update."""

    submit: NDArray[np.float64]
    start: NDArray[np.float64]
    end: NDArray[np.float64]
    starts: NDArray[np.int64]
    last: NDArray[np.float64]


def _microseconds(text: str) -> float | None:
    if text.isascii() and text.isdigit() and len(text) <= 19:
        value = float(text)
        return value if value <= _LATEST_US else float("inf") if value >= _END_OF_TIME else None
    return None


def _event(text: str) -> float | None:
    value = amount(text)
    return value if value is not None and value in range(9) else None


def _spans(time: NDArray[np.float64], kind: NDArray[np.float64], job: NDArray[np.int64], count: int) -> _Spans:
    def earliest(mask: _Mask) -> NDArray[np.float64]:
        found = np.full(count, np.nan)
        np.fmin.at(found, job[mask], time[mask])
        return found

    end = np.full(count, np.nan)
    ends = (kind >= 2) & (kind <= 6)
    np.fmax.at(end, job[ends], time[ends])
    change = np.flatnonzero(kind < 7)
    order = change[np.argsort(time[change], kind="stable")]
    last = np.full(count, 7.0)
    last[job[order]] = kind[order]
    return _Spans(earliest(kind == 0), earliest(kind == 1), end, np.bincount(job[kind == 1], minlength=count), last)


def _ended(spans: _Spans, aside: dict[str, int]) -> _Mask:
    kept = np.ones(spans.submit.size, dtype=bool)
    ended = (spans.last >= 2) & (spans.last <= 6) & np.isfinite(spans.end)
    for mask, reason in (
        (np.isnan(spans.submit), "submitted before the slice (no SUBMIT event)"),
        (spans.submit == 0, "submitted before the trace (time 0)"),
        (~np.isfinite(spans.submit), "submitted after the trace"),
        (ended & np.isnan(spans.start), "never started"),
        (~ended, "no end in the slice"),
        (spans.end < spans.start, "ended before it started"),
    ):
        aside[reason] = int(np.count_nonzero(mask & kept))
        kept &= ~mask
    return kept


def _first_of(codes: NDArray[np.int64], count: int) -> _Mask:
    mask = np.zeros(count, dtype=bool)
    mask[np.unique(codes, return_index=True)[1]] = True
    return mask
