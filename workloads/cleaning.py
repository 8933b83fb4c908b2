"""From the rows of a log to jobs: each row dropped or repaired is counted by reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from wattq.errors import WorkloadError
from wattq.workloads.model import CleaningReport, Outcome, Workload
from wattq.workloads.options import CleaningOptions
from wattq.workloads.profiles import check_form, runtime_profiles
from wattq.workloads.sizes import chosen_sizes
from wattq.workloads.swf_header import zone_offset_s
from wattq.workloads.walltimes import choose_walltimes, settle_overruns

if TYPE_CHECKING:
    from wattq.workloads.swf import SwfTable

__all__ = ["Tally", "clean_table"]

_Rows = NDArray[np.float64]
_Mask = NDArray[np.bool_]


@dataclass
class Tally:
    """Which rows are still in, why the others are out, and what was changed.

    Repairs and remarks are counted at the end, over the rows that became jobs.
    """

    alive: _Mask
    dropped: dict[str, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    _repairs: list[tuple[_Mask, str]] = field(default_factory=list)
    _remarks: list[tuple[_Mask, str]] = field(default_factory=list)

    def drop(self, mask: _Mask, reason: str) -> None:
        """Leave out the rows of `mask` that are still in."""
        hit = mask & self.alive
        count = int(np.count_nonzero(hit))
        if count:
            self.dropped[reason] = self.dropped.get(reason, 0) + count
            self.alive &= ~hit

    def repair(self, mask: _Mask, reason: str) -> None:
        """Note that the rows of `mask` were changed."""
        self._repairs.append((mask.copy(), reason))

    def remark(self, mask: _Mask, sentence: str) -> None:
        """Note a sentence on the rows of `mask`; it starts with their number."""
        self._remarks.append((mask.copy(), sentence))

    def repaired(self) -> dict[str, int]:
        """Return reason -> number of jobs changed."""
        counts = {reason: int(np.count_nonzero(mask & self.alive)) for mask, reason in self._repairs}
        return {reason: count for reason, count in counts.items() if count}

    def all_warnings(self) -> tuple[str, ...]:
        """Return the sentences about the file, then those about jobs."""
        counts = [(int(np.count_nonzero(mask & self.alive)), text) for mask, text in self._remarks]
        return (*self.warnings, *(f"{count} {text}" for count, text in counts if count))


def clean_table(
    table: SwfTable, options: CleaningOptions, *, name: str = "w0", form: str, speed_flops: float = 1e9
) -> Workload:
    """Return the jobs of a log under the given cleaning.

    Raises:
        WorkloadError: when no job is left; the message says what was dropped.
        InvalidInputError: when the form or the speed cannot be used.
    """
    check_form(form, speed_flops)
    tally = Tally(np.ones(table.n_rows, dtype=bool), dict(table.set_aside), list(table.notes))
    for mask, reason in table.repairs:
        tally.repair(mask, reason)
    _drop_statuses(table, options, tally)
    _drop_unknown_submissions(table, tally)
    processors = _processors(table, options, tally)
    run = _run_times(table, options, tally)
    per_host = _processors_per_host(table, options, tally)
    hosts = np.ceil(processors / per_host)
    nb_res = _machine_size(table, options, per_host, hosts, tally)
    _judge_size(hosts, nb_res, options, tally)
    walltime = choose_walltimes(table, run, options, tally)
    run, walltime = settle_overruns(run, walltime, options, tally)
    order, submit, origin = _submission_order(table, options, tally)
    if not order.size:
        raise WorkloadError(
            f"{table.source}: no jobs left of {_n_read(table)} rows ({_reasons(tally.dropped)}); "
            "relax the cleaning options"
        )
    _compare_header(table, tally)
    index, profiles = runtime_profiles(run[order], form, speed_flops)
    start = table.header.integer("UnixStartTime")
    offset = _utc_offset_s(table, options, tally)
    return Workload(
        name=name,
        nb_res=nb_res,
        job_id=_job_ids(table, order, options, tally),
        submit_s=submit,
        hosts=hosts[order].astype(np.int64),
        walltime_s=walltime[order],
        profile=index,
        profiles=profiles,
        user=_whole(table, "user", order),
        group=_whole(table, "group", order),
        queue=_whole(table, "queue", order),
        report=_report(table, order.size, tally),
        outcome=_outcome(table, order, submit),
        unix_start_s=None if start is None else start + origin,
        utc_offset_s=offset,
        synthetic=table.header.synthetic,
        application=_whole(table, "executable", order),
    )


def _n_read(table: SwfTable) -> int:
    return table.n_rows + sum(table.set_aside.values())


def _utc_offset_s(table: SwfTable, options: CleaningOptions, tally: Tally) -> float | None:
    start = table.header.integer("UnixStartTime")
    if options.time_zone is not None:
        if start is None:
            raise WorkloadError(
                f"{table.source}: the log has no calendar dates (no UnixStartTime), so no time zone applies; "
                "leave out --time-zone"
            )
        return zone_offset_s(options.time_zone, start)
    offset, doubt = table.header.utc_offset_s()
    if doubt:
        tally.warnings.append(doubt)
    return offset


def _reasons(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in counts.items())


def _report(table: SwfTable, n_kept: int, tally: Tally) -> CleaningReport:
    return CleaningReport(
        source=table.source,
        sha256=table.sha256,
        n_read=_n_read(table),
        n_kept=n_kept,
        dropped=tally.dropped,
        repaired=tally.repaired(),
        warnings=tally.all_warnings(),
    )


def _drop_statuses(table: SwfTable, options: CleaningOptions, tally: Tally) -> None:
    status, number = table.column("status"), table.column("number")
    if options.partial == "drop":
        part = np.isin(status, (2, 3, 4)) & (number >= 0)
        tally.drop(part & np.isin(number, number[~part]), "partial execution of a job that has a summary row")
    for code in options.drop_statuses:
        tally.drop(status == code, f"status {code}")


def _drop_unknown_submissions(table: SwfTable, tally: Tally) -> None:
    submit = table.column("submit")
    tally.drop(submit == -1, "submit time unknown (-1)")
    tally.drop(submit < 0, "submit time negative")


def _processors(table: SwfTable, options: CleaningOptions, tally: Tally) -> _Rows:
    chosen = chosen_sizes(table, options, tally)
    tally.drop(~(chosen > 0), "no processors known")
    tally.repair(chosen != np.ceil(chosen), "fractional processors rounded up")
    return np.ceil(chosen)


def _run_times(table: SwfTable, options: CleaningOptions, tally: Tally) -> _Rows:
    run = table.column("run").copy()
    cases = (
        (run < 0, options.negative_runtime_s, "run time negative (unknown)"),
        (run == 0, options.zero_runtime_s, "run time 0"),
    )
    for mask, value, reason in cases:
        if value is None:
            tally.drop(mask, reason)
        else:
            tally.repair(mask, f"{reason}: {value:g} s used")
            run[mask] = value
    return run


def _processors_per_host(table: SwfTable, options: CleaningOptions, tally: Tally) -> float:
    if options.processors_per_host is not None:
        return options.processors_per_host
    if table.unit:
        return 1.0
    procs, nodes = table.header.integer("MaxProcs"), table.header.max_nodes
    if not procs or not nodes or procs <= nodes:
        return 1.0
    tally.warnings.append(f"processors per host: {procs / nodes:g} (header: MaxProcs {procs}, MaxNodes {nodes})")
    return procs / nodes


def _machine_size(table: SwfTable, options: CleaningOptions, per_host: float, hosts: _Rows, tally: Tally) -> int:
    if options.n_hosts is not None:
        return options.n_hosts
    procs = table.header.max_procs
    if procs:
        return max(1, int(min(np.ceil(procs / per_host), 2**31 - 1)))
    largest = int(hosts[tally.alive].max(initial=1))
    tally.warnings.append(f"header: no MaxProcs; the machine is taken to have {largest} hosts, as the largest job")
    return largest


def _judge_size(hosts: _Rows, nb_res: int, options: CleaningOptions, tally: Tally) -> None:
    larger = hosts > nb_res
    if options.too_large == "drop":
        tally.drop(larger, f"larger than the machine ({nb_res} hosts)")
    tally.remark(larger, f"jobs ask for more than the {nb_res} hosts of the machine; schedulers reject them")


def _submission_order(
    table: SwfTable, options: CleaningOptions, tally: Tally
) -> tuple[NDArray[np.int64], _Rows, float]:
    """Return the rows kept in order of submission, their submit times, and the log's date that becomes date 0."""
    submit = table.column("submit")
    known = np.where(submit >= 0, submit, np.inf)
    began = float(known.min(initial=np.inf))
    if options.window_start_s is not None:
        tally.drop(submit < began + options.window_start_s, "before the window")
    if options.window_end_s is not None:
        tally.drop(submit >= began + options.window_end_s, "after the window")
    order = _by_submission(table, submit, np.flatnonzero(tally.alive), options)
    order = _by_position(order, options, tally)
    first = float(submit[order].min(initial=np.inf))
    late = np.zeros(table.n_rows, dtype=bool)
    rows = np.sort(order)
    late[rows] = submit[rows] < np.maximum.accumulate(submit[rows]) if rows.size else False
    tally.repair(late, "out of submission order: sorted")
    origin = first if options.rebase and order.size else 0.0
    scaled = (first - origin) + (submit - first) * options.arrival_factor if order.size else submit
    order = _by_submission(table, scaled, order, options)
    return order, scaled[order], origin


def _by_submission(
    table: SwfTable, submit: _Rows, rows: NDArray[np.int64], options: CleaningOptions
) -> NDArray[np.int64]:
    # Ties: by job number, because ids are zero-padded numbers; by file order where ids are positions.
    rows = np.sort(rows)
    second = _ranks(table)[rows] if _numbered(table, options) else rows
    return rows[np.lexsort((second, submit[rows]))]


def _ranks(table: SwfTable) -> NDArray[Any]:
    """Return what orders jobs as the bytes of their ids do."""
    if not table.ids:
        return table.column("number")
    _, ranks = np.unique(np.array([job_id.encode() for job_id in table.ids], dtype=object), return_inverse=True)
    return ranks


def _by_position(order: NDArray[np.int64], options: CleaningOptions, tally: Tally) -> NDArray[np.int64]:
    stop = order.size if options.max_jobs is None else options.skip_jobs + options.max_jobs
    for part, reason in (
        (order[: options.skip_jobs], "among the first jobs skipped"),
        (order[stop:], "after the last job asked for"),
    ):
        mask = np.zeros(tally.alive.size, dtype=bool)
        mask[part] = True
        tally.drop(mask, reason)
    return order[options.skip_jobs : stop]


def _numbered(table: SwfTable, options: CleaningOptions) -> bool:
    if options.ids != "number":
        return False
    if table.ids:
        return True
    number = table.column("number")
    whole = bool(np.all((number >= 0) & (number == np.floor(number))))
    return whole and np.unique(number).size == number.size


def _job_ids(table: SwfTable, order: NDArray[np.int64], options: CleaningOptions, tally: Tally) -> tuple[str, ...]:
    if table.ids and options.ids == "number":
        return tuple(table.ids[row] for row in order.tolist())
    if _numbered(table, options):
        numbers = table.column("number")[order].astype(np.int64)
        # The width is that of the whole log, so that a job has the same id in every window of it.
        width = len(str(int(table.column("number").max())))
        return tuple(f"{number:0{width}d}" for number in numbers.tolist())
    if options.ids == "number":
        tally.warnings.append("job numbers repeat or are missing: ids are positions in submission order")
    width = len(str(order.size - 1))
    return tuple(f"{position:0{width}d}" for position in range(order.size))


def _whole(table: SwfTable, name: str, order: NDArray[np.int64]) -> NDArray[np.int64]:
    values = table.column(name)[order]
    return np.where(values < 0, -1, np.floor(values)).astype(np.int64)


def _outcome(table: SwfTable, order: NDArray[np.int64], submit: _Rows) -> Outcome:
    wait, run, cpu = (table.column(key)[order] for key in ("wait", "run", "cpu"))
    return Outcome(
        start_s=np.where(wait >= 0, submit + wait, np.nan),
        run_s=np.where(run >= 0, run, np.nan),
        status=table.column("status")[order].astype(np.int64),
        cpu_s=np.where(cpu >= 0, cpu, np.nan),
    )


def _compare_header(table: SwfTable, tally: Tally) -> None:
    for key in ("MaxRecords", "MaxJobs"):
        stated = table.header.integer(key)
        if stated is None:
            continue
        if stated != table.n_rows:
            text = f"header: {key} is {stated}, the file has {table.n_rows} rows"
            tally.warnings.append(f"{text} (often the count before the archive's own cleaning)")
        return
