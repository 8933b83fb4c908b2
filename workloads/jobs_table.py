"""A hand-made table of jobs: CSV with ``submit_s``, ``hosts`` and ``run_s``, cleaned like any log.

Optional columns: ``job_id``, ``walltime_s``, ``user``, ``group``, ``queue``, ``application`` (names or numbers), and
what a log recorded: ``logged_start_s``, ``logged_status``, ``logged_cpu_s``. Other columns are passed over and named in
the report.
"""

from __future__ import annotations

import numpy as np

from wattq.workloads.log_table import LogRows
from wattq.workloads.options import CleaningOptions
from wattq.workloads.swf import SwfTable
from wattq.workloads.text_table import TextTable, amount, read_csv, whole_number

__all__ = ["JOBS_COLUMNS", "parse_jobs_table"]

JOBS_COLUMNS = ("submit_s", "hosts", "run_s")
"""Columns that such a table needs."""

_OPTIONAL = (
    *("job_id", "walltime_s", "user", "group", "queue", "application"),
    *("logged_start_s", "logged_run_s", "logged_status", "logged_cpu_s", "profile", "profile_type"),
)
_SECONDS = "a number of seconds, 0 or more"


def parse_jobs_table(data: bytes, source: str, options: CleaningOptions) -> SwfTable:
    """Return the jobs in the columns of an SWF log; nothing is cleaned.

    Raises:
        WorkloadError: names line, column, value and rule.
    """
    table = read_csv(data, source)
    table.require(*JOBS_COLUMNS, what="a job needs it")
    fields = {
        "submit": table.convert("submit_s", amount, _SECONDS),
        "run": table.convert("run_s", amount, _SECONDS),
        "requested": table.convert("hosts", whole_number, "a whole number of hosts"),
        "request_s": table.convert("walltime_s", amount, _SECONDS),
        "start": table.convert("logged_start_s", amount, _SECONDS),
        "cpu": table.convert("logged_cpu_s", amount, _SECONDS),
        "status": table.convert("logged_status", whole_number, "a status of SWF from 0 to 5"),
    }
    rows = LogRows(table, fields, "host", ids=table.column("job_id") if "job_id" in table.columns else None)
    for key in ("user", "group", "queue", "application"):
        _number(rows, table, key)
    strange = [name for name in table.columns if name not in JOBS_COLUMNS and name not in _OPTIONAL]
    if strange:
        rows.notes.append(f"columns passed over: {', '.join(strange)[:400]}")
    return rows.build()


def _number(rows: LogRows, table: TextTable, key: str) -> None:
    """Keep numbers as they are; give numbers to names."""
    if key not in table.columns:
        return
    texts, key = table.columns[key], "executable" if key == "application" else key
    if all(str(text).isascii() and (not text or (str(text).isdigit() and len(text) < 16)) for text in texts):
        rows.fields[key] = np.array([float(text) if text else -1.0 for text in texts], dtype=np.float64)
    else:
        rows.number(key, texts)
