"""Google's clusters of 2019: the CSV result of ``workloads/sql/google2019.sql``, one row for each job.

Requests are fractions of the largest machine of the cell, so that a machine must be named (``machine_cores``). The
query runs on BigQuery, where the trace lies. Source: clusterdata_trace_format_v3.proto and "Google cluster-usage traces
v3" (J. Wilkes and others).
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wattq.workloads.log_table import LogRows
from wattq.workloads.options import CleaningOptions
from wattq.workloads.swf import SwfTable
from wattq.workloads.text_table import amount, read_csv, whole_number

__all__ = ["GOOGLE2019_COLUMNS", "google2019_query", "parse_google2019_table"]

GOOGLE2019_COLUMNS = ("collection_id", "submit_us", "start_us", "end_us", "cpus")
"""Columns of the query's result that a job needs; also read are user, scheduling_class and final_event."""

_STATUS = np.array([-1, -1, -1, -1, 0, 0, 1, 5, 0], dtype=np.float64)
_LATEST_US = 2.0**52


@cache
def google2019_query() -> str:
    """Return the query that makes the CSV file."""
    return (Path(__file__).resolve().parent / "sql" / "google2019.sql").read_text(encoding="utf-8")


def parse_google2019_table(data: bytes, source: str, options: CleaningOptions) -> SwfTable:
    """Return the jobs in the columns of an SWF log; nothing is cleaned, sizes stay fractions of a machine.

    The scheduling class (0 to 3) is the queue. Jobs that were not submitted, started and ended within the trace are
    counted and left out.

    Raises:
        WorkloadError: names line, column, value and rule.
    """
    table = read_csv(data, source)
    table.require(*GOOGLE2019_COLUMNS, what="the query that `wattq workload query google2019` prints selects it")
    dates = [
        table.convert(f"{word}_us", _microseconds, "a time in microseconds") for word in ("submit", "start", "end")
    ]
    aside: dict[str, int] = {}
    kept = _inside(dates, aside)
    table = table.select(kept)
    submit, start, end = (date[kept] for date in dates)
    fields = {"submit": submit / 1e6, "start": start / 1e6, "run": (end - start) / 1e6}
    fields["requested"] = table.convert("cpus", amount, "a fraction of a machine, 0 or more")
    final = table.convert("final_event", _event, "an event from 0 to 8")
    fields["status"] = np.where(np.isnan(final), -1.0, _STATUS[np.nan_to_num(final).astype(np.int64)])
    fields["queue"] = table.convert("scheduling_class", whole_number, "a scheduling class from 0 to 3")
    rows = LogRows(table, fields, "core", set_aside=aside, ids=table.column("collection_id"), fractions=True)
    rows.number("user", table.column("user"))
    return rows.build()


def _microseconds(text: str) -> float | None:
    # 2^63 - 1 stands for a date after the trace, which is as good as none
    after = text.isascii() and text.isdigit() and len(text) <= 19 and int(text) > _LATEST_US
    return float("nan") if after else whole_number(text)


def _event(text: str) -> float | None:
    value = whole_number(text)
    return None if value is not None and value > 8 else value


def _inside(dates: list[NDArray[np.float64]], aside: dict[str, int]) -> NDArray[np.bool_]:
    submit, start, end = dates
    kept = np.ones(submit.size, dtype=bool)
    for mask, reason in (
        (np.isnan(submit) | (submit == 0), "submitted before or after the trace"),
        (np.isnan(start) | (start == 0), "never started in the trace"),
        (np.isnan(end) | (end < start), "no end in the trace"),
    ):
        aside[reason] = int(np.count_nonzero(mask & kept))
        kept &= ~mask
    return kept
