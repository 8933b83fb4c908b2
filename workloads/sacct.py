"""Slurm accounting: the print of ``sacct`` as a workload.

A row is a job where its id has no dot; the rows of its steps (``.batch``, ``.extern``, ``.0``) are counted and left
out, because the job's row holds the whole. Tasks of arrays and parts of heterogeneous jobs are jobs of their own.
Rows that have not run (PENDING, no start) or run still are left out. Source: sacct(1),
https://slurm.schedmd.com/sacct.html.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from wattq.errors import WorkloadError
from wattq.workloads.log_table import LogRows
from wattq.workloads.options import CleaningOptions
from wattq.workloads.sacct_rows import JOB_ID, read_rows
from wattq.workloads.sacct_values import count, duration_s, memory_kb, minutes_s, state, tres
from wattq.workloads.swf import SwfTable
from wattq.workloads.text_table import TextTable, amount
from wattq.workloads.zones import Clock, find_zone

__all__ = ["parse_sacct_table"]

_Rows = NDArray[np.float64]
_Mask = NDArray[np.bool_]
_COUNT_RULE = "a count such as 36 or 2K"
_DURATION_RULE = "a duration such as 12:30:00 or 1-12:30:00"
_DATE_RULE = "a date such as 2024-05-01T12:30:00, Unknown or None"
_CHECKS: dict[str, Callable[[str], bool]] = {
    "jobid": lambda text: JOB_ID.fullmatch(text) is not None,
    **dict.fromkeys(("elapsed", "timelimit", "totalcpu", "cputime"), lambda text: duration_s(text) is not None),
    **dict.fromkeys(("submit", "eligible", "start", "end"), lambda text: Clock().unix_s(text) is not None),
    **dict.fromkeys(
        ("ncpus", "alloccpus", "reqcpus", "nnodes", "allocnodes", "reqnodes", "ntasks", "uid", "gid"),
        lambda text: count(text) is not None,
    ),
    **dict.fromkeys(("elapsedraw", "timelimitraw", "cputimeraw"), lambda text: _raw_fits(text)),
    **dict.fromkeys(("reqmem", "maxrss", "avevmsize"), lambda text: memory_kb(text, 1, 1) is not None),
    "state": lambda text: state(text) is not None,
    **dict.fromkeys(("exitcode", "derivedexitcode"), lambda text: not text or text.replace(":", "").isdigit()),
    **dict.fromkeys(("user", "group", "partition", "account", "cluster", "qos"), lambda text: len(text.split()) < 2),
}


def _raw_fits(text: str) -> bool:
    return minutes_s(text) is not None


def parse_sacct_table(data: bytes, source: str, options: CleaningOptions) -> SwfTable:
    """Return the jobs of a sacct print in the columns of an SWF log; nothing is cleaned.

    Needed are JobID, Submit, ElapsedRaw or Elapsed or Start and End, and AllocCPUS, NCPUS, ReqCPUS or AllocTRES. Used
    where they are there: User, Account (else Group), Partition, State, TimelimitRaw or Timelimit, NNodes or AllocNodes,
    TotalCPU, ReqMem.

    Raises:
        WorkloadError: names line, column, value and rule.
    """
    table = read_rows(data, source, _CHECKS)
    _require(table)
    table, aside = _jobs_only(table)
    clock = Clock(find_zone(options.time_zone) if options.time_zone else None)
    submit, start, end = (table.convert(name, clock.unix_s, _DATE_RULE) for name in ("submit", "start", "end"))
    run = _run_times(table, start, end)
    status = table.convert("state", state, "a state of Slurm such as COMPLETED")
    table, kept = _finished(table, status, start, end, run, aside)
    rows = LogRows(table, {"submit": submit[kept], "start": start[kept], "run": run[kept]}, "core", set_aside=aside)
    rows.fields["status"] = status[kept]
    _note_suspensions(rows, (end - start)[kept])
    _fill_sizes(rows)
    _fill_rest(rows)
    rows.on_calendar(options.time_zone)
    rows.notes += clock.notes()
    return rows.build()


def _require(table: TextTable) -> None:
    table.require("jobid", "submit", what="a job has an id and a submission")
    sizes = ("alloccpus", "ncpus", "reqcpus", "alloctres", "reqtres")
    times = ("elapsedraw", "elapsed", "end")
    for names, what in ((sizes, "a job has a size"), (times, "a job has a run time")):
        if not any(name in table.columns for name in names):
            table.require(names[0], what=f"{what} (also taken from {', '.join(names[1:])})")
    if "elapsedraw" not in table.columns and "elapsed" not in table.columns:
        table.require("start", what="without Elapsed, the run time is End - Start")


def _jobs_only(table: TextTable) -> tuple[TextTable, dict[str, int]]:
    """Return the rows of jobs, and how many rows of steps were left out."""
    matches = [JOB_ID.fullmatch(text) for text in table.column("jobid")]
    for row, match in enumerate(matches):
        if match is None:
            raise table.refusal(row, "jobid", "a job id such as 17, 17_3, 17+1, or a step such as 17.batch")
    jobs = np.array([match is not None and match["step"] is None for match in matches], dtype=bool)
    known = {match["job"] for match in matches if match and match["step"] is None}
    orphans = sum(match["job"] not in known for match in matches if match and match["step"])
    steps = int(np.count_nonzero(~jobs)) - orphans
    aside = {"step of a job whose row holds it": steps, "step without the row of its job": orphans}
    return table.select(jobs), aside


def _run_times(table: TextTable, start: _Rows, end: _Rows) -> _Rows:
    if "elapsedraw" in table.columns:
        return table.convert("elapsedraw", amount, "a number of seconds")
    if "elapsed" in table.columns:
        return table.convert("elapsed", duration_s, _DURATION_RULE)
    return end - start


def _finished(
    table: TextTable, status: _Rows, start: _Rows, end: _Rows, run: _Rows, aside: dict[str, int]
) -> tuple[TextTable, _Mask]:
    no_start = np.isnan(start) if "start" in table.columns else np.zeros(table.n_rows, dtype=bool)
    waits = (status == -2) | np.array(["[" in text for text in table.column("jobid")], dtype=bool)
    never = waits | (no_start & ~(run > 0))
    running = ~never & ((status == -3) | (np.isnan(end) if "end" in table.columns else False))
    aside["never started"] = int(np.count_nonzero(never))
    aside["running still when the log was printed (no end)"] = int(np.count_nonzero(running))
    kept = ~never & ~running
    if not kept.any():
        raise WorkloadError(f"{table.source}: no jobs that ended, of {table.n_rows}; print a longer period (-S, -E)")
    return table.select(kept), kept


def _note_suspensions(rows: LogRows, span: _Rows) -> None:
    # Elapsed leaves out the time that a job was suspended, and is what it was charged for
    apart = int(np.count_nonzero(np.abs(span - rows.fields["run"]) > 1))
    if apart:
        rows.notes.append(
            f"{apart} jobs have an Elapsed other than End - Start (suspended or requeued); Elapsed is used"
        )


def _fill_sizes(rows: LogRows) -> None:
    table = rows.table
    rows.fields["allocated"] = _first(table, ("alloccpus", "ncpus"), "alloctres", "cpu")
    rows.fields["requested"] = _first(table, ("reqcpus",), "reqtres", "cpu")
    nodes = _first(table, ("allocnodes", "nnodes"), "alloctres", "node")
    if np.isfinite(nodes).any():
        rows.sizes["nodes"] = nodes
    gpus = np.fmax(_first(table, (), "alloctres", "gres/gpu"), _first(table, (), "reqtres", "gres/gpu"))
    if np.isfinite(gpus).any():
        rows.sizes["gpus"] = gpus


def _first(table: TextTable, names: tuple[str, ...], resources: str, key: str) -> _Rows:
    """Return the first of some columns that says more than 0, else what the trackable resources say."""
    values = np.full(table.n_rows, np.nan)
    for name in names:
        found = table.convert(name, count, _COUNT_RULE)
        values = np.where(values > 0, values, found)
    found = table.convert(resources, partial(tres, key=key), f"a list of resources such as {key}=4")
    return np.where(values > 0, values, np.where(np.isnan(found), values, found))


def _fill_rest(rows: LogRows) -> None:
    table, fields = rows.table, rows.fields
    if "timelimitraw" in table.columns:
        fields["request_s"] = table.convert("timelimitraw", minutes_s, "a number of minutes, UNLIMITED or nothing")
    else:
        fields["request_s"] = table.convert("timelimit", duration_s, _DURATION_RULE)
    processors = np.where(fields["allocated"] > 0, fields["allocated"], fields["requested"])
    cpu = table.convert("totalcpu", duration_s, "a CPU time such as 01:10.250 or 1-12:30:00")
    with np.errstate(divide="ignore", invalid="ignore"):
        fields["cpu"] = np.where(processors > 0, cpu / processors, np.nan)
    fields["request_memory"] = _memory(table, processors, rows.sizes.get("nodes"))
    rows.ids = table.column("jobid")
    parts = sum("+" in text for text in table.column("jobid"))
    if parts:
        rows.notes.append(f"{parts} parts of heterogeneous jobs are jobs of their own; nothing starts them together")
    for key, names in (("user", ("user", "uid")), ("group", ("account", "group", "gid")), ("queue", ("partition",))):
        found = next((name for name in names if name in table.columns), None)
        if found is not None:
            rows.number(key, table.column(found))


def _memory(table: TextTable, processors: _Rows, nodes: _Rows | None) -> _Rows:
    if "reqmem" not in table.columns:
        return np.full(table.n_rows, np.nan)
    values = np.empty(table.n_rows)
    counts = np.full(table.n_rows, np.nan) if nodes is None else nodes
    for row, text in enumerate(table.column("reqmem")):
        value = memory_kb(text, float(processors[row]), float(counts[row]))
        if value is None:
            raise table.refusal(row, "reqmem", "an amount of memory such as 500G, 4000Mc or 2Gn")
        values[row] = value
    return values
