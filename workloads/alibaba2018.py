"""Alibaba's cluster of 2018: the table ``batch_task``, one row for each task of a job, with or without a header.

A task is a job here, of instances x planned cores; the DAG inside a job's task names is not kept. The trace has no
submit times: a task is submitted when it starts. Date 0 is the begin of the trace; a time of 0 is outside it.

Source: github.com/alibaba/clusterdata, cluster-trace-v2018/schema.md and trace_2018.md (100 planned is one core of each
instance).
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from wattq.workloads.log_table import LogRows
from wattq.workloads.options import CleaningOptions
from wattq.workloads.swf import SwfTable
from wattq.workloads.text_table import TextTable, amount, read_csv, whole_number

__all__ = ["BATCH_TASK_COLUMNS", "is_batch_task", "parse_alibaba2018_table"]

BATCH_TASK_COLUMNS = (
    *("task_name", "instance_num", "job_name", "task_type", "status", "start_time", "end_time", "plan_cpu", "plan_mem"),
)
"""Columns in the order of the published file, which has no header."""

_STATUS = {"terminated": 1.0, "failed": 0.0, "interrupted": 0.0, "running": -3.0, "waiting": -2.0, "": -1.0}
_LINE = re.compile(
    r"[^,]+,\d*(\.\d+)?,[^,]*,[^,]*,(Terminated|Failed|Interrupted|Running|Waiting),[\d.]*,[\d.]*,[\d.]*,[\d.]*",
    re.ASCII,
)


def is_batch_task(first_line: str) -> bool:
    """Return whether a line is a row, or the header, of ``batch_task``."""
    line = first_line.strip()
    return bool(_LINE.fullmatch(line)) or {"task_name", "job_name", "plan_cpu"} <= set(line.lower().split(","))


def parse_alibaba2018_table(data: bytes, source: str, options: CleaningOptions) -> SwfTable:
    """Return the tasks in the columns of an SWF log; nothing is cleaned. The task type is the queue.

    Raises:
        WorkloadError: names line, column, value and rule.
    """
    table = _table(data, source)
    status = table.convert("status", lambda text: _STATUS.get(text.lower()), "Terminated, Failed, Running or Waiting")
    start, end = (table.convert(name, amount, "a number of seconds") for name in ("start_time", "end_time"))
    aside: dict[str, int] = {}
    kept = _ended(status, start, end, aside)
    table = table.select(kept)
    fields = {"submit": start[kept], "run": (end - start)[kept], "status": status[kept]}
    instances = table.convert("instance_num", whole_number, "a whole number of instances")
    planned = table.convert("plan_cpu", amount, "a number of hundredths of a core")
    fields["requested"] = instances * planned / 100
    ids = table.column("job_name") + "." + table.column("task_name")
    rows = LogRows(table, fields, "core", set_aside=aside, ids=ids)
    rows.number("queue", table.column("task_type"))
    rows.repairs.append((np.ones(table.n_rows, dtype=bool), "no submit time in the trace: its start taken"))
    rows.notes.append("tasks are jobs of their own: the dependences in their names (M2_1 after M1) are not kept")
    return rows.build()


def _table(data: bytes, source: str) -> TextTable:
    first = data[:4096].decode("latin-1").lstrip("\ufeff\xef\xbb\xbf\r\n ").partition("\n")[0].lower()
    if "job_name" not in first.split(","):
        return read_csv(data, source, names=BATCH_TASK_COLUMNS)
    table = read_csv(data, source)
    if "instance_num" not in table.columns and "inst_num" in table.columns:
        columns = dict(table.columns) | {"instance_num": table.columns["inst_num"]}
        table = TextTable(table.source, table.sha256, columns, table.lines)
    table.require(*BATCH_TASK_COLUMNS[:8], what="a task needs it")
    return table


def _ended(
    status: NDArray[np.float64], start: NDArray[np.float64], end: NDArray[np.float64], aside: dict[str, int]
) -> NDArray[np.bool_]:
    kept = np.ones(status.size, dtype=bool)
    for mask, reason in (
        (status == -2, "never started"),
        (status == -3, "running still at the end of the trace"),
        (np.isnan(start) | (start == 0), "started outside the trace"),
        (np.isnan(end) | (end == 0), "ended outside the trace"),
        (end < start, "ended before it started"),
    ):
        aside[reason] = int(np.count_nonzero(mask & kept))
        kept &= ~mask
    return kept
