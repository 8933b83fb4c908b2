"""Windows of jobs as Slurm's accounting or a store has them: when each ran, on which nodes, with how many cores."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from wattq.errors import SurrogateError, at
from wattq.files import read_plain
from wattq.surrogates.energy.align import JobWindow
from wattq.surrogates.energy.jobs import EnergyJobs
from wattq.surrogates.energy.windows import WindowTable, device_names, parse_windows
from wattq.workloads.sacct_rows import JOB_ID, read_rows
from wattq.workloads.sacct_values import count, duration_s, minutes_s, tres
from wattq.workloads.text_table import TextTable
from wattq.workloads.zones import Clock, find_zone

__all__ = ["read_job_windows", "sacct_windows", "windows_of_rows"]

_DATE = "a date such as 2024-05-01T12:30:00, Unknown or None"
_COUNT = "a count such as 36 or 2K"
_NO_NODES = frozenset(("", "none assigned", "none", "n/a", "(null)", "unknown"))


def read_job_windows(path: str | Path, *, time_zone: str | None = None) -> WindowTable:
    """Return the windows of a file: a table of windows (`read_windows`) or a print of sacct, told by its header.

    Raises:
        MissingFileError: when it cannot be read.
        InvalidInputError: when it breaks its format; the message names line and column.
    """
    data = read_plain(path)
    first = data[:4096].removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0].decode("utf-8", "replace")
    names = {cell.strip().lower() for cell in re.split(r"[|,;\t ]+", first)}
    if "jobid" in names:
        return sacct_windows(data, str(path), time_zone=time_zone)
    return parse_windows(data, str(path))


def sacct_windows(data: bytes, source: str, *, time_zone: str | None = None) -> WindowTable:
    """Return the windows of a print of ``sacct``: JobID, Start, End, NodeList, and AllocCPUS or NCPUS.

    Steps lie inside their jobs and give no window. sacct tells the cores of all nodes together; each node is taken to
    hold the same share of them. Jobs that have not ended, or never ran, are counted and left out.

    Args:
        data: the plain content.
        source: name of the file, for messages.
        time_zone: IANA name of the zone of dates without an offset; UTC where it is None.

    Raises:
        InvalidInputError: names line, column, value and rule.
    """
    clock = _clock(time_zone)
    table = read_rows(data, source, {"jobid": lambda text: JOB_ID.fullmatch(text) is not None})
    table.require("jobid", "start", "end", "nodelist", what="a window says which job ran when and where")
    table = table.select(np.array(["." not in text for text in table.column("jobid").tolist()], dtype=bool))
    start, end = (table.convert(name, clock.unix_s, _DATE) for name in ("start", "end"))
    nodes = [_node_list(table, row) for row in range(table.n_rows)]
    good = (end > start) & np.array([bool(names) for names in nodes], dtype=bool)
    if not good.any():
        raise SurrogateError(f"{source}: no job with a start, an end after it and nodes; print finished jobs")
    cores = _cores(table)
    windows = [
        JobWindow(str(table.column("jobid")[row]), start[row], end[row], names, _share(cores[row], len(names)))
        for row, names in enumerate(nodes)
        if good[row] and names
    ]
    left = int((~good).sum())
    notes = [f"left out: {left} jobs that did not end, or never ran"] if left else []
    return WindowTable(tuple(windows), _requests(table.select(good), windows), source, notes=(*notes, *clock.notes()))


def _clock(time_zone: str | None) -> Clock:
    zone = None if time_zone is None else find_zone(time_zone)
    if time_zone is not None and zone is None:
        raise SurrogateError(f"time zone '{time_zone[:60]}': not in the IANA data base; write such as Europe/Berlin")
    return Clock(zone)


def _node_list(table: TextTable, row: int) -> tuple[str, ...]:
    text = str(table.column("nodelist")[row])
    if text.lower() in _NO_NODES:
        return ()
    try:
        return device_names(text)
    except SurrogateError as error:
        raise SurrogateError(f"{at(table.source, int(table.lines[row]))}: {error}") from None


def _cores(table: TextTable) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    cores = np.full(table.n_rows, np.nan)
    for name in ("alloccpus", "ncpus"):
        cores = np.where(cores > 0, cores, table.convert(name, count, _COUNT))
    return np.where(cores > 0, cores, table.convert("alloctres", lambda text: tres(text, "cpu"), "a list of resources"))


def _share(cores: float, nodes: int) -> float:
    return cores / nodes if cores > 0 else 1.0


def _requests(table: TextTable, windows: Sequence[JobWindow]) -> EnergyJobs:
    raw = table.convert("timelimitraw", minutes_s, "a number of minutes")
    limit = np.where(np.isnan(raw), table.convert("timelimit", duration_s, "a duration"), raw)
    nodes = np.array([float(len(window.devices)) for window in windows])
    return EnergyJobs.of(
        nodes,
        request_s=limit,
        gpus=table.convert("alloctres", lambda text: tres(text, "gres/gpu"), "a list of resources") / nodes,
        application=table.column("jobname").astype(np.str_),
        user=table.column("user").astype(np.str_),
        queue=table.column("partition").astype(np.str_),
    )


def windows_of_rows(rows: Sequence[Mapping[str, object]], source: str) -> WindowTable:
    """Return the windows of rows of a store's table job_metrics.

    Used are job_id, time (begin of the run), end_time or duration_seconds, node_id (names of nodes, with ranges),
    cpu_cores (of all nodes), job_name, user_id and partition. Rows without an end or nodes are counted and left out.

    Raises:
        SurrogateError: when no row is a finished job with nodes.
    """
    windows, kept, left = [], [], Counter[str]()
    for row in rows:
        start, end, nodes = _number(row.get("time")), _end(row), _nodes_of(row)
        if not end > start:
            left["jobs that have not ended"] += 1
        elif not nodes:
            left["jobs without a node, or with a list of nodes that cannot be read"] += 1
        else:
            share = _share(_number(row.get("cpu_cores")), len(nodes))
            windows.append(JobWindow(str(row.get("job_id")), start, end, nodes, share))
            kept.append(row)
    if not windows:
        raise SurrogateError(f"{source}: no finished jobs with nodes among {len(rows)} ({_told(left)})")
    jobs = EnergyJobs.of(
        [len(window.devices) for window in windows],
        application=[str(row.get("job_name") or row.get("job_type") or "") for row in kept],
        user=[str(row.get("user_id") or "") for row in kept],
        queue=[str(row.get("partition") or "") for row in kept],
    )
    table = WindowTable(tuple(windows), jobs, source)
    return replace(table, notes=(f"left out: {_told(left)}",) if left else ())


def _nodes_of(row: Mapping[str, object]) -> tuple[str, ...]:
    text = str(row.get("node_id") or "").strip()
    if text.lower() in _NO_NODES:
        return ()
    try:
        return tuple(dict.fromkeys(device_names(text)))
    except SurrogateError:
        return ()


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else math.nan


def _end(row: Mapping[str, object]) -> float:
    end = _number(row.get("end_time"))
    return _number(row.get("time")) + _number(row.get("duration_seconds")) if math.isnan(end) else end


def _told(left: Counter[str]) -> str:
    return ", ".join(f"{number} {what}" for what, number in sorted(left.items())) or "there are none"
