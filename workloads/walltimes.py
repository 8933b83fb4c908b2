"""Walltimes of logged jobs: requested, fallen back upon, and what happens where a job outran its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from wattq.workloads.options import CleaningOptions

if TYPE_CHECKING:
    from wattq.workloads.cleaning import Tally
    from wattq.workloads.swf import SwfTable

__all__ = ["choose_walltimes", "settle_overruns"]

_Rows = NDArray[np.float64]


def choose_walltimes(table: SwfTable, run: _Rows, options: CleaningOptions, tally: Tally) -> _Rows:
    """Return the walltime of each row, s: the requested time, else the fallback, else -1.

    Args:
        table: the log.
        run: run time of each row, s.
        options: the fallback to use.
        tally: rows still in; repaired rows are counted there.
    """
    requested = table.column("request_s")
    missing = ~(requested > 0)
    walltime = np.where(missing, -1.0, requested)
    if not (missing & tally.alive).any():
        return walltime
    if options.walltime_fallback == "none":
        tally.remark(missing, "jobs have no requested time and so no walltime; policies that backfill may reject them")
    elif options.walltime_fallback == "fixed":
        _fill(walltime, missing, options.walltime_fixed_s, "a fixed walltime", tally)
    elif options.walltime_fallback == "runtime":
        _fill_from_runtime(walltime, missing, run, options, tally)
    else:
        _fill_from_limits(table, walltime, missing, options, tally)
    return walltime


def _fill(walltime: _Rows, missing: NDArray[np.bool_], value: float, what: str, tally: Tally) -> None:
    tally.repair(missing, f"no requested time: {what} ({value:g} s)")
    walltime[missing] = value


def _fill_from_runtime(
    walltime: _Rows, missing: NDArray[np.bool_], run: _Rows, options: CleaningOptions, tally: Tally
) -> None:
    step = options.walltime_step_s
    walltime[missing] = np.ceil(run[missing] * options.walltime_factor / step) * step
    tally.repair(
        missing, f"no requested time: {options.walltime_factor:g} x the real run time, rounded up to {step:g} s"
    )
    tally.remark(missing, "walltimes were made from real run times: schedulers are told part of the truth")


def _fill_from_limits(
    table: SwfTable, walltime: _Rows, missing: NDArray[np.bool_], options: CleaningOptions, tally: Tally
) -> None:
    limit = table.header.integer("MaxRuntime")
    if limit:
        _fill(walltime, missing, float(limit), "MaxRuntime of the header", tally)
        return
    asked = ~missing & tally.alive
    if not asked.any():
        _fill(walltime, missing, options.walltime_fixed_s, "a fixed walltime, as the log has no request at all", tally)
        return
    queues, index = np.unique(table.column("queue"), return_inverse=True)
    of_queue = _usual_maximum(index[asked], walltime[asked], queues.size)[index]
    by_queue = missing & (of_queue > 0)
    tally.repair(by_queue, "no requested time: the usual maximum of the queue (99th percentile of its requests)")
    walltime[by_queue] = of_queue[by_queue]
    rest = missing & ~by_queue
    if rest.any():
        everywhere = _usual_maximum(np.zeros(int(asked.sum()), dtype=np.int64), walltime[asked], 1)
        _fill(walltime, rest, float(everywhere[0]), "the usual maximum of the log", tally)


def _usual_maximum(group: NDArray[np.int64], requests: _Rows, n_groups: int) -> _Rows:
    """Return the 99th percentile (an actual request) of each group, 0 where it has none.

    The maximum itself will not do: one mistyped request of 23 years stands in the LLNL-Atlas log.
    """
    order = np.lexsort((requests, group))
    counts = np.bincount(group, minlength=n_groups)
    first = np.cumsum(counts) - counts
    chosen = first + np.ceil(0.99 * (counts - 1)).astype(np.int64)
    result = np.zeros(n_groups)
    result[counts > 0] = requests[order][chosen[counts > 0]]
    return result


def settle_overruns(run: _Rows, walltime: _Rows, options: CleaningOptions, tally: Tally) -> tuple[_Rows, _Rows]:
    """Return run times and walltimes, s, once rows that reach their walltime are dealt with.

    A job that ends exactly at its walltime counts as reaching it: Batsim kills a delay of that length, and computing
    jobs that start together.
    """
    over = (walltime > 0) & (run > walltime - options.overrun_margin_s)
    if options.overrun == "extend":
        tally.repair(over, "ran to its walltime or beyond: walltime extended")
        return run, np.where(over, run + options.overrun_margin_s, walltime)
    if options.overrun == "clip":
        clipped = walltime - options.overrun_margin_s
        tally.drop(over & (clipped <= 0), "walltime too short to run at all")
        tally.repair(over, "ran to its walltime or beyond: run time clipped")
        return np.where(over, clipped, run), walltime
    killed = (walltime > 0) & (run >= walltime)
    tally.remark(killed, "jobs ran to their walltime or beyond; they are killed at their walltime")
    return run, walltime
