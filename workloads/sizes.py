"""The size of each logged job: processors, nodes or GPUs, as the option says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from wattq.errors import WorkloadError
from wattq.workloads.options import CleaningOptions

if TYPE_CHECKING:
    from wattq.workloads.cleaning import Tally
    from wattq.workloads.swf import SwfTable

__all__ = ["chosen_sizes"]

_Rows = NDArray[np.float64]
_OTHERS = {"nodes": "node", "gpus": "GPU"}


def chosen_sizes(table: SwfTable, options: CleaningOptions, tally: Tally) -> _Rows:
    """Return the size of each row, not yet rounded; 0 or less, or NaN, where it is unknown.

    Args:
        table: the log.
        options: ``processors``, ``processors_per_host`` and ``machine_cores`` are used.
        tally: repairs and sentences are noted there.

    Raises:
        WorkloadError: when the log does not have that size, or states fractions of a machine that is not given.
    """
    if options.processors in _OTHERS:
        return _other_sizes(table, options, tally)
    chosen = _processors(table, options, tally) * _factor(table, options)
    _say_unit(table.unit, options, tally)
    return chosen


def _other_sizes(table: SwfTable, options: CleaningOptions, tally: Tally) -> _Rows:
    word = options.processors
    if word not in table.sizes:
        there = ", ".join(["requested", "allocated", "max", *table.sizes])
        raise WorkloadError(f"{table.source}: the log does not record {word}; give --processors one of {there}")
    if word == "nodes" and options.processors_per_host not in (None, 1.0):
        raise WorkloadError(
            f"{table.source}: with --processors nodes a host is a node; leave out --processors-per-host "
            f"{options.processors_per_host:g}"
        )
    if options.machine_cores is not None:
        _factor(table, options)
    _say_unit(_OTHERS[word], options, tally)
    return table.sizes[word]


def _processors(table: SwfTable, options: CleaningOptions, tally: Tally) -> _Rows:
    requested, allocated = table.column("requested"), table.column("allocated")
    if options.processors == "max":
        return np.maximum(requested, allocated)
    first, second = (requested, allocated) if options.processors == "requested" else (allocated, requested)
    other = "allocated" if options.processors == "requested" else "requested"
    if table.unit and not (first > 0).any():
        tally.warnings.append(f"the log has no {options.processors} processors: {other} ones are used throughout")
    else:
        tally.repair(~(first > 0), f"{options.processors} processors missing: {other} used")
    chosen: _Rows = np.where(first > 0, first, second)
    return chosen


def _factor(table: SwfTable, options: CleaningOptions) -> float:
    if not table.fractions:
        if options.machine_cores is not None:
            raise WorkloadError(
                f"{table.source}: sizes of this log count {table.unit or 'processor'}s, not fractions of a machine; "
                "leave out --machine-cores"
            )
        return 1.0
    if options.machine_cores is None:
        raise WorkloadError(
            f"{table.source}: sizes of this log are fractions of its largest machine; say how many processors that has "
            "with --machine-cores N"
        )
    return options.machine_cores


def _say_unit(unit: str, options: CleaningOptions, tally: Tally) -> None:
    if not unit:
        return
    if options.processors_per_host is None and unit in ("core", "GPU"):
        tally.warnings.append(f"one host stands for one {unit}; --processors-per-host N makes hosts of N")
