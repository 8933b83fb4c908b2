"""Accounting of NREL's Eagle as published: one CSV row for each job that ran, dates on the site's clock.

Source: the data set eagle-jobs of the National Renewable Energy Laboratory (BSD-3), whose columns are those of Slurm
under other names; an array's tasks share one ``job_id``.
"""

from __future__ import annotations

import numpy as np

from wattq.workloads.log_table import LogRows
from wattq.workloads.options import CleaningOptions
from wattq.workloads.sacct_values import state
from wattq.workloads.swf import SwfTable
from wattq.workloads.text_table import amount, read_csv, whole_number
from wattq.workloads.zones import Clock, find_zone

__all__ = ["NREL_COLUMNS", "parse_nrel_table"]

NREL_COLUMNS = ("job_id", "submit_time", "run_time", "processors_req", "wallclock_req")
"""Columns that every file of the data set has."""


def parse_nrel_table(data: bytes, source: str, options: CleaningOptions) -> SwfTable:
    """Return the jobs in the columns of an SWF log; nothing is cleaned.

    Sizes are ``processors_req`` (cores), or ``nodes_req`` and ``gpus_req`` by the option ``processors``. The account is
    the group and the partition the queue.

    Raises:
        WorkloadError: names line, column, value and rule.
    """
    table = read_csv(data, source)
    table.require(*NREL_COLUMNS, what="a job needs it")
    clock = Clock(find_zone(options.time_zone) if options.time_zone else None)
    seconds, count, date = "a number of seconds", "a whole number", "a date such as 2019-01-01 08:55:55"
    submit = table.convert("submit_time", clock.unix_s, date)
    start = table.convert("start_time", clock.unix_s, date)
    run = table.convert("run_time", amount, seconds)
    fields = {"submit": submit, "start": start, "run": run}
    fields["requested"] = table.convert("processors_req", whole_number, count)
    fields["request_s"] = table.convert("wallclock_req", amount, seconds)
    fields["status"] = np.maximum(table.convert("state", state, "a state of Slurm such as COMPLETED"), -1.0)
    rows = LogRows(table, fields, "core", ids=table.column("job_id"))
    for word in ("nodes", "gpus"):
        if f"{word}_req" in table.columns:
            rows.sizes[word] = table.convert(f"{word}_req", whole_number, count)
    for key, name in (("user", "user"), ("group", "account"), ("queue", "partition")):
        rows.number(key, table.column(name))
    rows.on_calendar(options.time_zone)
    rows.notes += clock.notes()
    return rows.build()
