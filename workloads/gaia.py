"""Job lists in the manner of GAIA: ``arrival_time,length,cpus``, all known in advance.

Source: github.com/umassos/GAIA, ``src/cluster_traces/*.csv`` and ``src/task.py`` ("Going Green for Less Green:
Optimizing the Cost of Reducing Cloud Carbon Emissions", ASPLOS 2024): arrival and length in seconds, CPUs as cores.
Optional columns ``id`` and ``user`` are taken too.
"""

from __future__ import annotations

from wattq.workloads.log_table import LogRows
from wattq.workloads.options import CleaningOptions
from wattq.workloads.swf import SwfTable
from wattq.workloads.text_table import amount, read_csv

__all__ = ["GAIA_COLUMNS", "parse_gaia_table"]

GAIA_COLUMNS = ("arrival_time", "length", "cpus")
"""Columns of every list."""


def parse_gaia_table(data: bytes, source: str, options: CleaningOptions) -> SwfTable:
    """Return the jobs in the columns of an SWF log; nothing is cleaned.

    Raises:
        WorkloadError: names line, column, value and rule.
    """
    table = read_csv(data, source)
    table.require(*GAIA_COLUMNS, what="a job needs it")
    fields = {
        "submit": table.convert("arrival_time", amount, "a number of seconds"),
        "run": table.convert("length", amount, "a number of seconds"),
        "requested": table.convert("cpus", amount, "a number of cores"),
    }
    rows = LogRows(table, fields, "core", ids=table.column("id") if "id" in table.columns else None)
    if "user" in table.columns:
        rows.number("user", table.column("user"))
    return rows.build()
