"""Files of grid series: found by path, by a name of the catalogue or beside the checkout, and read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from wattq.experiments.inputs import beside
from wattq.experiments.study.grids import Grid
from wattq.experiments.study.keys import GridSpec
from wattq.platforms.signals import Signal

__all__ = ["read_series", "write_series"]


def read_series(name: str, quantity: str, spec: GridSpec, base: Path | None) -> Signal:
    """Return one series of a grid.

    Args:
        name: path (relative to the experiment file or the working directory), or a name of `wattq data list`; a series
            of the catalogue that is not on this machine is downloaded.
        quantity: ``carbon`` or ``price``.
        spec: the grid.
        base: directory that relative paths refer to first.

    Raises:
        MissingFileError: there is no such file, or it cannot be had.
        SignalError: it is no series of that quantity, or breaks its format.
    """
    from wattq.platforms.signals import read_signal
    from wattq.telemetry import SERIES, locate_series, series_dirs

    path = locate_series(beside(name, base), data_dirs=series_dirs())
    known = next((entry.needs for key, entry in SERIES.items() if key.lower() == name.lower()), {})
    return read_signal(
        path,
        quantity=quantity,
        region=spec.region or known.get("region"),
        column=known.get("column"),
        time_zone=known.get("time_zone"),
        scope=spec.scope if quantity == "carbon" else None,
        gaps=spec.gaps,
    )


def write_series(grids: Mapping[str, Grid], folder: Path) -> dict[tuple[str, str], Path]:
    """Write each series of grids as one file that policies read, and return them by grid and quantity."""
    from wattq.platforms.signals import write_signal

    found = {}
    for grid in grids.values():
        for signal in grid.signals:
            path = folder / f"{grid.name}-{signal.quantity}.csv"
            write_signal(signal, path)
            found[grid.name, signal.quantity] = path.resolve()
    return found
